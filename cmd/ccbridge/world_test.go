package main

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ccbridge/adapters/discord/discordsim"
	"ccbridge/adapters/slack/slacksim"
	"ccbridge/ccm/ccmsim"
	"ccbridge/cmd/ccbridge/config"
	"ccbridge/cmd/ccbridge/service"
)

// world is everything outside the bridge, and the bridge itself, in this process.
type world struct {
	t       *testing.T
	ctx     context.Context // ends before the test does
	dir     string
	centre  *ccmsim.Sim
	slack   *slacksim.Sim
	discord *discordsim.Sim
	config  string // the file's text
	log     *syncBuffer

	reload     chan os.Signal // to the bridge
	stopBridge context.CancelFunc
	ended      chan error
}

const (
	helpChannel  = "C0HELP"
	ada          = "U0ADA"
	bob          = "U0BOB"
	boss         = "U0BOSS" // staff
	guildChannel = "1100000000000000101"
	guildForum   = "1100000000000000102"
	guildID      = "1100000000000000001"
	eve          = "1100000000000000201"
)

// patience is how long a test waits for one thing, on a busy machine too.
const patience = 40 * time.Second

// option changes a world before anything starts.
type option func(*worldConfig)

type worldConfig struct {
	centre  ccmsim.Config
	slack   slacksim.Config
	discord discordsim.Config
	limits  string // lines of [limits]
	ccm     string // further lines of [ccm]
	route   string // further lines of each [[routes]]
	open    string
}

func newWorld(t *testing.T, opts ...option) *world {
	t.Helper()
	c := worldConfig{open: "message", limits: "look_gap = \"100ms\"\ncall_timeout = \"2s\"\n"}
	c.centre.PollWait = 200 * time.Millisecond
	c.slack.Retries = []time.Duration{0, 500 * time.Millisecond, 2 * time.Second}
	c.slack.NoLimits, c.discord.NoLimits = true, true
	for _, o := range opts {
		o(&c)
	}
	w := &world{t: t, dir: t.TempDir(), log: &syncBuffer{}, reload: make(chan os.Signal, 1)}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	w.ctx = ctx
	t.Cleanup(cancel)
	var err error
	if w.centre, err = ccmsim.Start(c.centre); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.centre.Close)
	if w.slack, err = slacksim.Start(c.slack); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.slack.Close)
	if w.discord, err = discordsim.Start(c.discord); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.discord.Close)
	w.people()
	w.config = w.toml(c)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the bridge's log:\n%s", w.log.tail(12_000))
			t.Logf("the store:\n%s", w.dump())
		}
	})
	return w
}

func (w *world) people() {
	for id, name := range map[string]string{ada: "Ada", bob: "Bob", boss: "Boss"} {
		w.slack.AddUser(slacksim.User{ID: id, Name: strings.ToLower(name), RealName: name, DisplayName: name})
	}
	w.slack.AddChannel(slacksim.Channel{ID: helpChannel, Name: "help"})
	w.discord.AddGuild(guildID)
	w.discord.AddChannel(guildID, guildChannel, discordsim.Text)
	w.discord.AddChannel(guildID, guildForum, discordsim.Forum)
	w.discord.AddUser(discordsim.User{ID: eve, Name: "eve", GlobalName: "Eve"})
}

func (w *world) toml(c worldConfig) string {
	return fmt.Sprintf(`
[server]
listen = "127.0.0.1:0"
log_level = "debug"
shutdown_timeout = "5s"
[store]
url = "sqlite:bridge.db"
[ccm]
base_url = %q
app_key = %q
app_secret = %q
channel_id = %q
%s
[limits]
%s
[adapters.acme]
platform = "slack"
api_url = %q
bot_token = "xoxb-sim"
app_token = "xapp-sim"
post_gap = "0s"
[adapters.guild]
platform = "discord"
api_url = %q
bot_token = "sim-bot-token"
post_gap = "0s"
guilds = [%q]
[[routes]]
adapter = "acme"
channels = ["C0HELP", "dm"]
open = %q
staff = [%q]
%s
[[routes]]
adapter = "guild"
channels = [%q, %q, "dm"]
open = %q
%s
`, w.centre.URL(), w.centre.AppKey(), w.centre.AppSecret(), w.centre.ChannelID(), c.ccm, c.limits, w.slack.URL(), w.discord.URL(), guildID,
		c.open, boss, c.route, guildChannel, guildForum, c.open, c.route)
}

// load writes the configuration and reads it as the program does.
func (w *world) load() config.Config {
	w.t.Helper()
	path := filepath.Join(w.dir, "config.toml")
	if err := os.WriteFile(path, []byte(w.config), 0o600); err != nil {
		w.t.Fatal(err)
	}
	cfg, faults := config.Load(path, noEnv)
	if config.Broken(faults) {
		w.t.Fatalf("configuration: %v", faults)
	}
	return cfg
}

func noEnv(string) (string, bool) { return "", false }

// start runs the bridge in this process until stop, or the end of the test.
func (w *world) start() {
	w.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	w.stopBridge, w.ended = cancel, make(chan error, 1)
	log := slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	cfg := w.load()
	ended := w.ended
	go func() { ended <- service.Run(ctx, cfg, service.Options{Log: log, Env: noEnv, Reload: w.reload}) }()
	w.t.Cleanup(w.stop)
}

// stop ends the bridge in order.
func (w *world) stop() {
	if w.stopBridge == nil {
		return
	}
	w.stopBridge()
	w.stopBridge = nil
	select {
	case err := <-w.ended:
		if err != nil {
			w.t.Errorf("the bridge ended with %v", err)
		}
	case <-time.After(15 * time.Second):
		w.t.Error("the bridge did not stop")
	}
}

// clean fails the test if a simulator noted a broken rule.
func (w *world) clean() {
	w.t.Helper()
	for name, list := range map[string][]string{"centre": w.centre.Violations(), "slack": w.slack.Violations(), "discord": w.discord.Violations()} {
		for _, v := range list {
			w.t.Errorf("%s: rule broken: %s", name, v)
		}
	}
}

// ask posts as a person in Slack; root "" begins a thread.
func (w *world) ask(user, root, text string) (ts string) {
	w.t.Helper()
	ts, err := w.slack.Post(slacksim.Post{Channel: helpChannel, User: user, ThreadTS: root, Text: text})
	if err != nil {
		w.t.Fatal(err)
	}
	return ts
}

// sees waits until somebody reads text in a Slack thread.
func (w *world) sees(root, text string) {
	w.t.Helper()
	w.until(w.slack.Until, fmt.Sprintf("%q in the thread", text), func() bool {
		return slices.Contains(w.texts(root), text)
	}, func() string { return fmt.Sprintf("%q", w.texts(root)) })
}

func (w *world) texts(root string) []string {
	var list []string
	for _, m := range w.slack.Thread(helpChannel, root) {
		list = append(list, m.Plain())
	}
	return list
}

func (w *world) until(wait func(context.Context, func() bool) error, what string, cond func() bool, have func() string) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	if err := wait(ctx, cond); err != nil {
		w.t.Fatalf("waiting for %s: %v; there is %s", what, err, have())
	}
}

// atCentre waits until a session of the centre is as cond wants it.
func (w *world) atCentre(what string, cond func(ccmsim.View) bool) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	if err := w.centre.Until(ctx, cond); err != nil {
		w.t.Fatalf("waiting for %s at the centre: %v; there is %+v", what, err, w.centre.Sessions())
	}
}

// button finds the newest button of a Slack thread whose action id begins with prefix.
func (w *world) button(root, prefix string) (ts, action string) {
	w.t.Helper()
	w.until(w.slack.Until, "button "+prefix, func() bool {
		ts, action = "", ""
		for _, m := range w.slack.Thread(helpChannel, root) {
			if i := strings.Index(string(m.Blocks), prefix); i >= 0 {
				ts = m.TS
				action, _, _ = strings.Cut(string(m.Blocks)[i:], `"`)
			}
		}
		return ts != ""
	}, func() string { return fmt.Sprintf("%q", w.texts(root)) })
	return ts, action
}

func (w *world) click(user, root, prefix string) *slacksim.Interaction {
	w.t.Helper()
	ts, action := w.button(root, prefix)
	i, err := w.slack.Click(user, helpChannel, ts, action, "")
	if err != nil {
		w.t.Fatal(err)
	}
	return i
}

// syncBuffer is a log that can be read while it is written.
type syncBuffer struct {
	mu      sync.Mutex
	b       []byte
	changed chan struct{} // closed at the next write
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.b = append(s.b, p...)
	if s.changed != nil {
		close(s.changed)
		s.changed = nil
	}
	return len(p), nil
}

// until waits until the log contains text.
func (s *syncBuffer) until(ctx context.Context, text string) error {
	for {
		s.mu.Lock()
		if bytes.Contains(s.b, []byte(text)) {
			s.mu.Unlock()
			return nil
		}
		if s.changed == nil {
			s.changed = make(chan struct{})
		}
		changed := s.changed
		s.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// logged waits until the bridge, or one of its children, has logged text.
func (w *world) logged(text string) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	if err := w.log.until(ctx, text); err != nil {
		w.t.Fatalf("waiting for %q in the log: %v", text, err)
	}
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return string(s.b)
}

func (s *syncBuffer) tail(n int) string {
	text := s.String()
	return text[max(0, len(text)-n):]
}

// database opens the bridge's store to look at it.
func (w *world) database() *sql.DB {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(w.dir, "bridge.db")+"?mode=ro")
	if err != nil {
		w.t.Fatal(err)
	}
	return db
}

// dump tells what is in the store, for a test that failed.
func (w *world) dump() string {
	db := w.database()
	defer db.Close()
	var out strings.Builder
	for _, table := range []string{"thread", "queue", "delivery", "seen", "heard", "ledger"} {
		rows, err := db.Query("SELECT * FROM " + table)
		if err != nil {
			return err.Error()
		}
		names, _ := rows.Columns()
		values := make([]any, len(names))
		for i := range values {
			values[i] = new(sql.RawBytes)
		}
		for rows.Next() {
			if err := rows.Scan(values...); err != nil {
				return err.Error()
			}
			fmt.Fprintf(&out, "%s:", table)
			for i, v := range values {
				fmt.Fprintf(&out, " %s=%.300s", names[i], *v.(*sql.RawBytes))
			}
			out.WriteByte('\n')
		}
		rows.Close()
	}
	return out.String()
}
