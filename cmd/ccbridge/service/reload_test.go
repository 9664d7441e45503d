package service

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"ccbridge/bridge"
	"ccbridge/cmd/ccbridge/config"
)

// values are two literals for each key of a file: the first is in force at first ("": the default), the second is another.
var values = map[string][2]string{
	"server.listen":                {`"127.0.0.1:1"`, `"127.0.0.1:2"`},
	"server.log_level":             {"", `"debug"`},
	"server.shutdown_timeout":      {"", `"1s"`},
	"store.url":                    {`"sqlite:a.db"`, `"sqlite:b.db"`},
	"store.ledger":                 {"", `"1h"`},
	"ccm.base_url":                 {`"http://127.0.0.1:1"`, `"http://127.0.0.1:2"`},
	"ccm.auth_url":                 {"", `"http://127.0.0.1:3"`},
	"ccm.app_key":                  {`"key"`, `"other"`},
	"ccm.app_secret":               {`"secret"`, `"hunter22"`},
	"ccm.channel_id":               {`"1"`, `"2"`},
	"ccm.locale":                   {"", `"de"`},
	"ccm.ca_file":                  {"", `"ca.pem"`},
	"ccm.tenant_space":             {"", `"space"`},
	"ccm.receive":                  {"", ""}, // there is only one so far
	"ccm.on_unknown":               {"", `"ask"`},
	"limits.open_per_customer":     {"", "1"},
	"limits.idle":                  {"", `"1m"`},
	"limits.catch_up":              {"", `"1m"`},
	"limits.max_wait":              {"", `"1m"`},
	"limits.dormant":               {"", `"1m"`},
	"limits.call_timeout":          {"", `"1s"`},
	"limits.look_gap":              {"", `"1s"`},
	"limits.give_up":               {"", `"1m"`},
	"limits.held":                  {"", "5"},
	"limits.parts":                 {"", "5"},
	"limits.silent_after":          {"", `"1m"`},
	"admin.socket":                 {"", `"other.sock"`},
	"admin.password_hash":          {"", `"$2b$12$abcdefghijklmnopqrstuuK6HMQk4eTbVZGrEB3VBGTqNKXGpE6gW"`},
	"admin.token":                  {"", `"12345678901234567890"`},
	"adapters.dc.platform":         {`"discord"`, ""}, // with another platform it has other keys
	"adapters.dc.api_url":          {"", `"http://127.0.0.1:4"`},
	"adapters.dc.bot_token":        {`"dc"`, `"dc2"`},
	"adapters.dc.guilds":           {`["1100000000000000001"]`, `["1100000000000000002"]`},
	"adapters.dc.post_gap":         {"", `"2s"`},
	"adapters.dc.commands.agent":   {"", `"human"`},
	"adapters.dc.commands.end":     {"", `"bye"`},
	"adapters.dc.commands.session": {"", `"now"`},
	"adapters.sl.platform":         {`"slack"`, ""},
	"adapters.sl.api_url":          {"", `"http://127.0.0.1:5/"`},
	"adapters.sl.bot_token":        {`"xoxb-1"`, `"xoxb-2"`},
	"adapters.sl.app_token":        {`"xapp-1"`, `"xapp-2"`},
	"adapters.sl.transport":        {"", ""}, // there is only one so far
	"adapters.sl.post_gap":         {"", `"2s"`},
	"adapters.sl.commands.agent":   {"", `"/human"`},
	"adapters.sl.commands.end":     {"", `"/bye"`},
	"adapters.sl.commands.session": {"", `"/now"`},
	"routes[0].adapter":            {`"sl"`, `"dc"`},
	"routes[0].channels":           {`["dm"]`, `["dm", "*"]`},
	"routes[0].open":               {"", `"message"`},
	"routes[0].speakers":           {"", `"everyone"`},
	"routes[0].staff":              {"", `["U1"]`},
	"routes[0].reopen":             {"", `"never"`},
	"routes[0].channel_id":         {"", `"3"`},
	"routes[0].locale":             {"", `"fr"`},
	"routes[0].shadow":             {"", "true"},
	"routes[0].mask":               {`["card"]`, `["card", "email"]`},
	"routes[0].mask_patterns":      {"", `['\d{7}']`},
	"routes[0].mask_for":           {"", `"ledger"`},
}

// fileOf writes what a file of values says, with the second value of one key.
func fileOf(other string) string {
	var lines, route []string
	for _, key := range slices.Sorted(maps.Keys(values)) {
		value := values[key][0]
		if key == other {
			value = values[key][1]
		}
		if own, ok := strings.CutPrefix(key, "routes[0]."); ok && value != "" {
			route = append(route, own+" = "+value)
		} else if value != "" {
			lines = append(lines, key+" = "+value)
		}
	}
	return strings.Join(lines, "\n") + "\nroutes = [{ " + strings.Join(route, ", ") + " }, { adapter = \"dc\", channels = [\"dm\"] }]\n"
}

// reloading is a Reloader without a bridge.
type reloading struct {
	t *testing.T
	*Reloader
	log   strings.Builder
	level slog.LevelVar
	used  *bridge.Settings // by the last reload; nil: none
}

func newReloading(t *testing.T) *reloading {
	t.Helper()
	r := &reloading{t: t}
	path := filepath.Join(t.TempDir(), "config.toml")
	r.write(path, fileOf(""))
	cfg, faults := config.Load(path, os.LookupEnv)
	if config.Broken(faults) {
		t.Fatal(faults)
	}
	log := slog.New(slog.NewTextHandler(&r.log, nil))
	adapters, err := adaptersFor(cfg, nil, nil, log)
	if err != nil {
		t.Fatal(err)
	}
	client, err := newClient(cfg)
	if err != nil {
		t.Fatal(err)
	}
	outside := &centre{}
	outside.use(client)
	r.Reloader = newReloader(cfg, Options{Log: log, Level: &r.level, Env: os.LookupEnv}, newMetrics(prometheus.NewRegistry(), cfg.Adapters), outside,
		func(_ context.Context, s bridge.Settings) error { r.used = &s; return nil }, adapters)
	return r
}

func (r *reloading) write(path, text string) {
	r.t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

// certificate is one in PEM.
func certificate() string {
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
}

// TestReloadEveryKey: whatever key is changed takes effect, or is said to need a restart; no secret is said.
func TestReloadEveryKey(t *testing.T) {
	t.Parallel()
	for _, s := range newReloading(t).Config().Settings {
		t.Run(s.Key, func(t *testing.T) {
			t.Parallel()
			pair, known := values[strings.Replace(s.Key, "routes[1]", "routes[0]", 1)]
			if !known {
				t.Fatal("this key is new: give it two values above, and see that a reload has it take effect or says that it needs a restart")
			}
			if pair[1] == "" || strings.HasPrefix(s.Key, "routes[1]") {
				return
			}
			r := newReloading(t)
			r.write(filepath.Join(filepath.Dir(r.Config().Path), "ca.pem"), certificate())
			old, client, level := r.Config(), r.centre.client.Load(), r.level.Level()
			adapters, core := r.adapters, coreSettings(r.Config(), nil)
			r.write(old.Path, fileOf(s.Key))
			said, err := r.reload(t.Context())
			if err != nil {
				t.Fatalf("%v: %q", err, said)
			}
			text := strings.Join(said, "\n")
			if !strings.Contains(text, s.Key) || !strings.Contains(r.log.String(), s.Key) {
				t.Errorf("said %q and logged %q", said, &r.log)
			}
			if strings.Contains(text+r.log.String(), strings.Trim(pair[1], `"`)) && strings.Contains(s.Value, "secret") {
				t.Errorf("a secret is shown: %s %s", text, &r.log)
			}
			takes := r.centre.client.Load() != client || r.level.Level() != level || !maps.Equal(r.adapters, adapters) ||
				!reflect.DeepEqual(r.Config().Admin, old.Admin)
			if r.used != nil {
				takes = takes || !maps.Equal(r.used.Adapters, adapters)
				now := *r.used
				now.Adapters = nil
				takes = takes || !reflect.DeepEqual(now, core)
			}
			if restart := strings.Contains(text, s.Key+" needs a restart"); takes == restart {
				t.Errorf("takes effect: %v, said to need a restart: %v", takes, restart)
			}
			if strings.HasPrefix(s.Key, "adapters.sl") && r.adapters["dc"] != adapters["dc"] {
				t.Error("the other adapter is another one, too")
			}
			if strings.Contains(text, "needs a restart") {
				return
			}
			if said, err := r.reload(t.Context()); err != nil || !strings.Contains(strings.Join(said, "\n"), "nothing is changed") {
				t.Errorf("again: %q, %v", said, err)
			}
		})
	}
}

// TestReloadRefused: a file with faults changes nothing, and each fault is said and logged as one line.
func TestReloadRefused(t *testing.T) {
	t.Parallel()
	r := newReloading(t)
	before := r.Config()
	for name, text := range map[string]string{
		"faults":  strings.Replace(fileOf("limits.idle"), `"1m"`, `"1x"`, 1) + "limit = 1\n",
		"no TOML": "[",
		"empty":   "",
	} {
		r.log.Reset()
		r.write(before.Path, text)
		said, err := r.reload(t.Context())
		if !errors.Is(err, errRefused) || len(said) == 0 || strings.Count(r.log.String(), "\n") != len(said)+1 {
			t.Errorf("%s: %v, said %q, logged %s", name, err, said, &r.log)
		}
		if r.used != nil || !reflect.DeepEqual(r.Config(), before) {
			t.Errorf("%s: something is changed", name)
		}
	}
	os.Remove(before.Path)
	if said, err := r.reload(t.Context()); !errors.Is(err, errRefused) || len(said) != 1 {
		t.Errorf("without a file: %v, %q", err, said)
	}
	r.write(before.Path, fileOf(""))
	if said, err := r.reload(t.Context()); err != nil || !slices.Equal(said, []string{"nothing is changed"}) {
		t.Errorf("with the first file: %v, %q", err, said)
	}
}

// TestReloadRestart: what needs a restart is said at each reload until the file says again what is in force, which stays.
func TestReloadRestart(t *testing.T) {
	t.Parallel()
	r := newReloading(t)
	for range 2 {
		r.write(r.Config().Path, fileOf("server.listen"))
		said, err := r.reload(t.Context())
		want := []string{"nothing is changed", "server.listen needs a restart: until then what it was stays in force"}
		if err != nil || !slices.Equal(said, want) {
			t.Errorf("%v, %q", err, said)
		}
		cfg := r.Config()
		if i := slices.IndexFunc(cfg.Settings, func(s config.Setting) bool { return s.Key == "server.listen" }); cfg.Server.Listen != "127.0.0.1:1" ||
			cfg.Settings[i].Value != cfg.Server.Listen {
			t.Errorf("in force: %s, shown as %s", cfg.Server.Listen, cfg.Settings[i].Value)
		}
	}
}

// TestReloadAsked: Reload is answered by Run, one at a time, and ends with either context.
func TestReloadAsked(t *testing.T) {
	t.Parallel()
	r := newReloading(t)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	signals := make(chan os.Signal, 1)
	go func() { defer close(ended); r.Run(ctx, signals) }()
	answers := make(chan error, 8)
	for range cap(answers) {
		go func() {
			said, err := r.Reload(t.Context())
			if len(said) != 1 {
				err = fmt.Errorf("%q: %w", said, err)
			}
			answers <- err
		}()
	}
	for range cap(answers) {
		if err := <-answers; err != nil {
			t.Error(err)
		}
	}
	cancel()
	<-ended
	if _, err := r.Reload(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end: %v", err)
	}
}
