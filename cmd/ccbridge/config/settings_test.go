package config

import (
	"slices"
	"strings"
	"testing"
)

// TestSettings: every key is listed once with what is in force, and no secret is.
func TestSettings(t *testing.T) {
	t.Parallel()
	const token = "a-very-long-and-secret-token"
	cfg, faults := loadText(t, sound+"[admin]\ntoken = \""+token+"\"\n")
	requireFaults(t, faults, nil)
	for _, want := range []Setting{
		{Key: "server.listen", Value: "127.0.0.1:0", Line: 2},
		{Key: "server.log_level", Value: "info"},
		{Key: "ccm.app_secret", Value: hiddenSecret, From: "env:SECRET", Line: 8},
		{Key: "ccm.auth_url", Value: "http://127.0.0.1:1"},
		{Key: "limits.idle", Value: "2s", Line: 11},
		{Key: "limits.held", Value: "100"},
		{Key: "admin.token", Value: hiddenSecret, Line: 27},
		{Key: "admin.password_hash"},
		{Key: "admin.socket", Value: cfg.Admin.Socket},
		{Key: "adapters.sl.bot_token", Value: hiddenSecret, From: "env:BOT", Line: 14},
		{Key: "adapters.sl.commands.agent", Value: "/agent"},
		{Key: "routes[0].channels", Value: "C1, dm", Line: 22},
		{Key: "routes[0].channel_id", Value: "1"},
	} {
		if n := len(slices.DeleteFunc(slices.Clone(cfg.Settings), func(s Setting) bool { return s != want })); n != 1 {
			t.Errorf("%+v is listed %d times", want, n)
		}
	}
	seen := map[string]bool{}
	for _, s := range cfg.Settings {
		if seen[s.Key] {
			t.Errorf("%s is listed twice", s.Key)
		}
		seen[s.Key] = true
		for _, secret := range []string{token, "s3cret", "xoxb-1", "xapp-1", "dc.bot.token"} {
			if strings.Contains(s.Value, secret) {
				t.Errorf("%s shows %q", s.Key, secret)
			}
		}
	}
}

// TestSettingsOfExample: every key of the example is listed.
func TestSettingsOfExample(t *testing.T) {
	t.Parallel()
	d := newDecoder(examplePath, exampleEnv)
	cfg := d.load(d.open())
	for _, s := range d.sections {
		for _, key := range s.known {
			path := keyPath(s.path, key)
			isTable := slices.ContainsFunc(d.sections, func(other *section) bool { return other.path == path })
			if isTable || path == "routes" || refused[key] || s.path == "adapters" {
				continue
			}
			if !slices.ContainsFunc(cfg.Settings, func(set Setting) bool { return set.Key == path }) {
				t.Errorf("%s is not listed", path)
			}
		}
	}
}
