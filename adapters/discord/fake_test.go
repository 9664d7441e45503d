package discord

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"ccbridge/adapters/discord/discordsim"
	"ccbridge/bridge"
)

func TestMain(m *testing.M) {
	// The SDK sleeps for a second whenever it closes a line: let more tests wait at once than there are cores.
	if err := flag.Set("test.parallel", "16"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

// patience is how long a test waits for what must happen.
const patience = 15 * time.Second

// inbox is a fake core: it keeps what is put, once per id, and can be broken.
type inbox struct {
	mu      sync.Mutex
	changed chan struct{}
	events  []bridge.Event
	seen    map[bridge.EventID]int
	puts    [][]bridge.EventID
	lines   []bridge.Line
	open    []bridge.ThreadKey
	broken  bool
	blocked chan struct{} // Put waits for it to be closed
	refused int           // Puts that failed
	commit  time.Duration // how long a Put takes
}

func newInbox() *inbox {
	return &inbox{changed: make(chan struct{}), seen: map[bridge.EventID]int{}}
}

func (b *inbox) Put(ctx context.Context, evs ...bridge.Event) error {
	b.mu.Lock()
	blocked, commit := b.blocked, b.commit
	b.mu.Unlock()
	if commit > 0 {
		<-time.After(commit)
	}
	if blocked != nil {
		select {
		case <-blocked:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	defer b.tell()
	if b.broken {
		b.refused++
		return errors.New("disk full")
	}
	var ids []bridge.EventID
	for _, ev := range evs {
		ids = append(ids, ev.ID)
		b.seen[ev.ID]++
		if b.seen[ev.ID] == 1 {
			b.events = append(b.events, ev)
		}
	}
	b.puts = append(b.puts, ids)
	return nil
}

func (b *inbox) OpenThreads(context.Context, string, string, bridge.UserID) ([]bridge.ThreadKey, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.broken {
		return nil, errors.New("disk full")
	}
	return slices.Clone(b.open), nil
}

func (b *inbox) Report(_ string, l bridge.Line) {
	b.set(func() { b.lines = append(b.lines, l) })
}

// tell wakes who waits; b.mu is held.
func (b *inbox) tell() {
	close(b.changed)
	b.changed = make(chan struct{})
}

func (b *inbox) set(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f()
	b.tell()
}

// until waits for done, which is called with the inbox locked.
func (b *inbox) until(t testing.TB, what string, done func() bool) {
	t.Helper()
	timeout := time.After(patience)
	for {
		b.mu.Lock()
		ok, changed := done(), b.changed
		b.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-changed:
		case <-timeout:
			b.mu.Lock()
			defer b.mu.Unlock()
			t.Fatalf("waited in vain for %s; lines %+v, %d events", what, b.lines, len(b.events))
		}
	}
}

// got waits for n events and returns all there are.
func (b *inbox) got(t testing.TB, n int) (evs []bridge.Event) {
	t.Helper()
	b.until(t, fmt.Sprintf("%d events", n), func() bool {
		evs = slices.Clone(b.events)
		return len(evs) >= n
	})
	return evs
}

// last waits for the line to be reported n times and returns the last report.
func (b *inbox) last(t testing.TB, n int) (l bridge.Line) {
	t.Helper()
	b.until(t, fmt.Sprintf("%d reports", n), func() bool {
		if len(b.lines) < n {
			return false
		}
		l = b.lines[len(b.lines)-1]
		return true
	})
	return l
}

// ups counts the reports that the line is up, and those with a gap; b.mu is held.
func (b *inbox) ups() (n, gaps int) {
	for _, l := range b.lines {
		if l.State == bridge.LineUp {
			n++
			if l.Gap {
				gaps++
			}
		}
	}
	return n, gaps
}

// world is a simulated Discord with a guild, and an adapter for it.
type world struct {
	t       testing.TB
	sim     *discordsim.Sim
	guild   string
	help    string // a text channel
	forum   string
	ann     string // a person
	inbox   *inbox
	adapter *Adapter
	log     *logBuffer
	stop    func() error // ends Run and returns its error
}

type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// Of the simulator.
const (
	simToken = "sim-bot-token"
	simBot   = "1400000000000000001"
)

// newWorld starts Discord; run says whether the adapter runs and its line is up.
func newWorld(t testing.TB, cfg discordsim.Config, run bool, change ...func(*Config)) *world {
	t.Helper()
	if cfg.IdentifySpacing == 0 {
		cfg.IdentifySpacing = 20 * time.Millisecond
	}
	sim, err := discordsim.Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sim.Close)
	w := &world{t: t, sim: sim, inbox: newInbox(), log: &logBuffer{}}
	w.guild = sim.AddGuild("")
	w.help = sim.AddChannel(w.guild, "", discordsim.Text)
	w.forum = sim.AddChannel(w.guild, "", discordsim.Forum)
	w.ann = sim.AddUser(discordsim.User{Name: "ann", GlobalName: "Ann", Nick: "Annie", Roles: []string{"1500000000000000007"}})
	c := Config{
		Name: "community", APIURL: sim.URL(), BotToken: simToken, Guilds: []string{w.guild},
		Log: slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Waits: Waits{
			Open: 5 * time.Second, Backoff: 10 * time.Millisecond, BackoffMax: 50 * time.Millisecond,
			IdentifyGap: 50 * time.Millisecond, Room: 100 * time.Millisecond,
		},
	}
	for _, f := range change {
		f(&c)
	}
	if w.adapter, err = New(c); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.adapter.client.CloseIdleConnections)
	if run {
		w.run()
		w.inbox.until(t, "the line", func() bool { n, _ := w.inbox.ups(); return n > 0 })
	}
	return w
}

// run starts the adapter; the test's end stops it.
func (w *world) run() {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.adapter.Run(ctx, w.inbox) }()
	w.stop = sync.OnceValue(func() error {
		cancel()
		select {
		case err := <-ended:
			return err
		case <-time.After(patience):
			return errors.New("Run does not return")
		}
	})
	w.t.Cleanup(func() { _ = w.stop() })
}

// clean fails the test if the client broke one of Discord's rules, or wrote a secret.
func (w *world) clean() {
	w.t.Helper()
	if v := w.sim.Violations(); len(v) > 0 {
		w.t.Errorf("rules broken: %q", v)
	}
	if strings.Contains(w.log.String(), simToken) {
		w.t.Error("the bot token is in the log")
	}
}

func (w *world) post(channel, user, content string, extra ...discordsim.Extra) string {
	w.t.Helper()
	return w.id(w.sim.Post(channel, user, content, extra...))
}

// id is for calls to the simulator that answer an id.
func (w *world) id(id string, err error) string {
	w.t.Helper()
	w.ok(err)
	return id
}

func (w *world) ok(errs ...error) {
	w.t.Helper()
	if err := errors.Join(errs...); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) until(what string, done func(*discordsim.View) bool) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := w.sim.Until(ctx, done); err != nil {
		w.t.Fatalf("waited in vain for %s: %v", what, err)
	}
}

// key is the thread of root in a channel of the guild.
func (w *world) key(channel, root string) bridge.ThreadKey {
	return bridge.ThreadKey{Adapter: "community", Space: w.guild, Channel: channel, Root: root}
}

// directKey is Ann's direct-message channel.
func (w *world) directKey() bridge.ThreadKey {
	return bridge.ThreadKey{Adapter: "community", Channel: w.sim.OpenDM(w.ann)}
}

// another is a second adapter on the same Discord.
func (w *world) another() *Adapter {
	w.t.Helper()
	a, err := New(w.adapter.cfg)
	w.ok(err)
	w.t.Cleanup(a.client.CloseIdleConnections)
	return a
}

// delivery makes one of what Render gave.
func delivery(id string, t bridge.ThreadKey, p bridge.Post) bridge.Delivery {
	return bridge.Delivery{ID: bridge.DeliveryID((id + strings.Repeat("a", 24))[:24]), Thread: t, To: bridge.ToThread, Post: &p}
}

// rendered renders m, which must be one post.
func (w *world) rendered(m bridge.Message) bridge.Post {
	w.t.Helper()
	posts := w.adapter.Render(m)
	if len(posts) != 1 {
		w.t.Fatalf("%d posts, want 1", len(posts))
	}
	return posts[0]
}

func (w *world) json(v any) json.RawMessage {
	w.t.Helper()
	b, err := json.Marshal(v)
	w.ok(err)
	return b
}

// bareAdapter makes an adapter that is not to connect to anything.
func bareAdapter(t *testing.T) *Adapter {
	t.Helper()
	a, err := New(Config{Name: "community", BotToken: "x", Guilds: []string{"11"}})
	if err != nil {
		t.Fatal(err)
	}
	return a
}
