package config

import (
	"encoding/pem"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"
)

const examplePath = "../../../config.toml.example"

func setEnv(string) (string, bool) { return "set", true }

// exampleEnv gives every variable of the example a value of its own.
func exampleEnv(name string) (string, bool) {
	prefix := map[string]string{"SLACK_BOT_TOKEN": "xoxb-", "SLACK_APP_TOKEN": "xapp-"}[name]
	return prefix + name, true
}

func TestLoadFillsInDefaults(t *testing.T) {
	t.Parallel()
	cfg, faults := loadText(t, sound)
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	dir := filepath.Dir(cfg.Path)
	want := Config{
		Path:   cfg.Path,
		Server: Server{Listen: "127.0.0.1:0", LogLevel: slog.LevelInfo, ShutdownTimeout: 10 * time.Second},
		Store:  Store{URL: "sqlite:x.db", Path: filepath.Join(dir, "x.db"), Ledger: 720 * time.Hour},
		CCM: CCM{BaseURL: "http://127.0.0.1:1", AuthURL: "http://127.0.0.1:1", AppKey: "key", AppSecret: NewSecret("s3cret"),
			ChannelID: "1", Locale: "en", Receive: "poll", OnUnknown: "repeat"},
		Limits: Limits{OpenPerCustomer: 3, Idle: 2 * time.Second, CatchUp: time.Hour, MaxWait: 15 * time.Minute, Dormant: 24 * time.Hour,
			CallTimeout: 10 * time.Second, LookGap: 5 * time.Second, GiveUp: time.Hour, Held: 100, Parts: 20, SilentAfter: 10 * time.Minute},
		Admin: Admin{Socket: socketBeside(filepath.Join(dir, "x.db"))},
		Adapters: []Adapter{
			{Name: "dc", Platform: "discord", Discord: &DiscordAdapter{APIURL: "https://discord.com", BotToken: NewSecret("dc.bot.token"),
				Guilds: []string{"1100000000000000001"}, Commands: Commands{"agent", "end", "session"}, PostGap: time.Second}},
			{Name: "sl", Platform: "slack", Slack: &SlackAdapter{APIURL: "https://slack.com/api/", BotToken: NewSecret("xoxb-1"),
				AppToken: NewSecret("xapp-1"), Transport: "socket", Commands: Commands{"/agent", "/end", "/session"}, PostGap: time.Second}},
		},
		Routes: []Route{
			{Adapter: "sl", Channels: []string{"C1", "dm"}, Open: "mention", Speakers: "customer", Reopen: "ask", ChannelID: "1", Locale: "en", MaskFor: "both"},
			{Adapter: "dc", Channels: []string{"1100000000000000002"}, Open: "mention", Speakers: "customer", Reopen: "ask", ChannelID: "1", Locale: "en", MaskFor: "both"},
		},
	}
	cfg.Settings, cfg.hidden = nil, nil // TestSettings, TestChanges
	if !reflect.DeepEqual(cfg, want) {
		t.Errorf("got  %+v\nwant %+v", cfg, want)
	}
}

func TestLoadTakesWhatIsWritten(t *testing.T) {
	t.Parallel()
	cfg, faults := loadText(t, `
server = { listen = ":0", log_level = "debug", shutdown_timeout = "1s" }
store.url = "sqlite:/x.db"
store.ledger = "1h"
ccm = { base_url = "http://localhost:1/ccm/", auth_url = "http://[::1]:2/", app_key = "file:config.key", app_secret = "s", locale = "zh", tenant_space = "t", on_unknown = "ask" }
limits = { open_per_customer = 1, idle = "1s", catch_up = "2s", max_wait = "3s", dormant = "4s", call_timeout = "5s", look_gap = "50ms", give_up = "7s", held = 8, parts = 9, silent_after = "0s" }
admin = { socket = "run/a.sock", password_hash = "$2b$12$abcdefghijklmnopqrstuuK6HMQk4eTbVZGrEB3VBGTqNKXGpE6gW", token = "12345678901234567890" }
adapters.s = { platform = "slack", api_url = "http://127.0.0.1:3/api", bot_token = "xoxe.xoxb-1", app_token = "xapp-1", post_gap = "0s", commands.agent = "/help" }
adapters.d = { platform = "discord", api_url = "http://127.0.0.2:4/p/", bot_token = "t", commands = { end = "bye" } }
routes = [
  { adapter = "s", channels = ["G1"], open = "message", speakers = "everyone", reopen = "never", staff = ["U1", "W2"], channel_id = "c1", locale = "de", shadow = true, mask = ["card"], mask_patterns = ['\d{7}'], mask_for = "ledger" },
  { adapter = "d", channels = ["dm"], reopen = "always", staff = ["1100000000000000001", "role:1100000000000000002"], channel_id = "c2" },
]
`)
	if len(faults) != 2 || !strings.Contains(faults[0].Text, "config.key") || !faults[1].Warning {
		t.Fatal(faults)
	}
	if cfg.Server != (Server{":0", slog.LevelDebug, time.Second}) || cfg.Store != (Store{"sqlite:/x.db", "/x.db", time.Hour}) {
		t.Errorf("got %+v, %+v", cfg.Server, cfg.Store)
	}
	if want := (CCM{BaseURL: "http://localhost:1/ccm", AuthURL: "http://[::1]:2", AppSecret: NewSecret("s"),
		Locale: "zh", TenantSpace: "t", Receive: "poll", OnUnknown: "ask"}); !reflect.DeepEqual(cfg.CCM, want) {
		t.Errorf("got  %+v\nwant %+v", cfg.CCM, want)
	}
	if want := (Limits{1, time.Second, 2 * time.Second, 3 * time.Second, 4 * time.Second, 5 * time.Second, 50 * time.Millisecond, 7 * time.Second, 8, 9, 0}); cfg.Limits != want {
		t.Errorf("got %+v, want %+v", cfg.Limits, want)
	}
	if want := (Admin{Socket: filepath.Join(filepath.Dir(cfg.Path), "run/a.sock"), Token: NewSecret("12345678901234567890"),
		PasswordHash: NewSecret("$2b$12$abcdefghijklmnopqrstuuK6HMQk4eTbVZGrEB3VBGTqNKXGpE6gW")}); !reflect.DeepEqual(cfg.Admin, want) || !want.PageOn() {
		t.Errorf("got %+v, want %+v", cfg.Admin, want)
	}
	discord, slack := cfg.Adapters[0].Discord, cfg.Adapters[1].Slack
	if want := (&DiscordAdapter{"http://127.0.0.2:4/p", NewSecret("t"), nil, Commands{"agent", "bye", "session"}, time.Second}); !reflect.DeepEqual(discord, want) {
		t.Errorf("got %+v, want %+v", discord, want)
	}
	if want := (&SlackAdapter{"http://127.0.0.1:3/api/", NewSecret("xoxe.xoxb-1"), NewSecret("xapp-1"), "socket", Commands{"/help", "/end", "/session"}, 0}); !reflect.DeepEqual(slack, want) {
		t.Errorf("got %+v, want %+v", slack, want)
	}
	if want := []Route{
		{"s", []string{"G1"}, "message", "everyone", []string{"U1", "W2"}, "never", "c1", "de", true, []string{"card"}, []string{`\d{7}`}, "ledger"},
		{"d", []string{"dm"}, "mention", "customer", []string{"1100000000000000001", "role:1100000000000000002"}, "always", "c2", "zh", false, nil, nil, "both"},
	}; !reflect.DeepEqual(cfg.Routes, want) {
		t.Errorf("got  %+v\nwant %+v", cfg.Routes, want)
	}
}

func TestFileReferences(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("token", "xoxb-7\r\n", 0o600)
	absolute := write("absolute", "xapp-7", 0o600)
	write("large", strings.Repeat("x", maxReferencedFile+1), 0o600)
	text := strings.NewReplacer("env:BOT", "file:token", "env:APP", "file:"+absolute).Replace(sound)
	cfg, faults := Load(write("config.toml", text, 0o600), testEnv)
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	slack := cfg.Adapters[1].Slack
	if slack.BotToken.Reveal() != "xoxb-7" || slack.AppToken.Reveal() != "xapp-7" {
		t.Errorf("got tokens %q and %q", slack.BotToken.Reveal(), slack.AppToken.Reveal())
	}
	_, faults = Load(write("config.toml", strings.Replace(text, "file:token", "file:large", 1), 0o600), testEnv)
	requireFaults(t, faults, []string{`14: adapters.sl.bot_token: file "large" cannot be used: it is larger than 64 KiB; write`})
}

func TestCAFile(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	dir := t.TempDir()
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(filepath.Join(dir, "ca.pem"), block, 0o600); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "config.toml")
	if err := os.WriteFile(path, []byte(strings.Replace(sound, "[ccm]", "[ccm]\nca_file = \"ca.pem\"", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, faults := Load(path, testEnv)
	requireFaults(t, faults, nil)
	if want := filepath.Join(dir, "ca.pem"); cfg.CCM.CAFile != want {
		t.Errorf("got %s, want %s", cfg.CCM.CAFile, want)
	}
}

// TestLiteralSecrets: one line for each secret in clear, if others can read the file.
func TestLiteralSecrets(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("file modes mean nothing on Windows")
	}
	path := filepath.Join(t.TempDir(), "config.toml")
	text := strings.NewReplacer("env:SECRET", "s", "env:BOT", "xoxb-1", "env:APP", "xapp-1", "env:DCBOT", "t").Replace(sound)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	_, faults := Load(path, testEnv)
	requireFaults(t, faults, nil)
	for _, mode := range []os.FileMode{0o640, 0o604} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		_, faults := Load(path, testEnv)
		const warning = `: warning: stands in a file that others can read; write "env:NAME"`
		requireFaults(t, faults, []string{`8: ccm.app_secret` + warning, `14: adapters.sl.bot_token` + warning,
			`15: adapters.sl.app_token` + warning, `18: adapters.dc.bot_token` + warning})
		if Broken(faults) {
			t.Errorf("mode %o: a literal secret is more than a warning", mode)
		}
	}
}

func TestUnreadableFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	large := filepath.Join(dir, "large.toml")
	if err := os.WriteFile(large, []byte(strings.Repeat("#", maxConfigFile+1)), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		filepath.Join(dir, "none.toml"): "1: (file): cannot be read: no such file or directory; write it (config.toml.example",
		dir:                             "1: (file): cannot be read: it is not a regular file; write",
		large:                           "1: (file): cannot be read: it is larger than 256 KiB; write",
	} {
		_, faults := Load(path, setEnv)
		requireFaults(t, faults, []string{want})
	}
}

// settingLine is a setting of the example that is commented out.
var settingLine = regexp.MustCompile(`(?m)^#([a-z_]+ *=)`)

// TestExample: the example loads as it is, and with every setting it shows; and
// it shows every key there is.
func TestExample(t *testing.T) {
	t.Parallel()
	cfg, faults := Load(examplePath, exampleEnv)
	requireFaults(t, faults, nil)
	example, err := os.ReadFile(examplePath)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "config.toml")
	if err := os.WriteFile(path, settingLine.ReplaceAll(example, []byte("$1")), 0o600); err != nil {
		t.Fatal(err)
	}
	d := newDecoder(path, exampleEnv)
	full := d.load(d.open())
	requireFaults(t, d.faults, nil)
	for _, s := range d.sections {
		for _, key := range s.known {
			if line := s.lines[keyPath(s.path, key)]; line == 0 && s.path != "routes[1]" && !refused[key] {
				t.Errorf("%s is not in the example", keyPath(s.path, key))
			}
		}
	}

	// What is shown as default is the default, but for the route's own samples.
	full.Path, full.Store.Path, full.Admin.Socket = cfg.Path, cfg.Store.Path, cfg.Admin.Socket
	full.Routes[0].Staff, full.Routes[0].Mask, full.Routes[0].MaskPatterns = nil, nil, nil
	full.Settings, cfg.Settings, full.hidden, cfg.hidden = nil, nil, nil, nil
	if !reflect.DeepEqual(cfg, full) {
		t.Errorf("the example's defaults are others than the program's:\n%+v\n%+v", full, cfg)
	}
	for key := range refused {
		if !strings.Contains(string(example), key) {
			t.Errorf("the example does not mention %s", key)
		}
	}
}

// refused are keys that go with what this version cannot do.
var refused = map[string]bool{"push_secret": true, "signing_secret": true}

// FuzzLoad: no text makes Load panic, and every fault is one line with a place and a hint.
func FuzzLoad(f *testing.F) {
	example, err := os.ReadFile(examplePath)
	if err != nil {
		f.Fatal(err)
	}
	for _, text := range []string{sound, string(example), oddDocument, "", "routes = [1, {}]", "adapters.a = 1", "adapters = []", "\ufeff[ccm]", "a = 'file:/dev/zero'"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 8<<10 { // more only takes longer
			return
		}
		_, faults := loadText(t, text)
		lines := strings.Count(text, "\n") + 1
		for _, fault := range faults {
			line := fault.String()
			if fault.Line < 1 || fault.Line > lines+1 || fault.Key == "" || fault.Text == "" || fault.Write == "" || strings.ContainsAny(line, "\n\r") {
				t.Errorf("%+v", fault)
			}
		}
	})
}
