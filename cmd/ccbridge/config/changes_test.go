package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestChanges: every difference is named by its key, and nothing else is; secrets and what named files hold as well.
func TestChanges(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		was, is string // of sound
		want    string
	}{
		"nothing":         {"", "", ""},
		"a remark":        {"[limits]", "# so it is\n\n[limits]", ""},
		"default written": {"[limits]", "[limits]\nheld = 100", ""},
		"other reference": {`"env:SECRET"`, `"s3cret"`, ""},
		"number":          {"[limits]", "[limits]\nheld = 7", "limits.held"},
		"secret":          {`"env:APP"`, `"env:OTHER_APP"`, "adapters.sl.app_token"},
		"what follows":    {`base_url = "http://127.0.0.1:1/"`, `base_url = "http://127.0.0.1:2/"`, "ccm.base_url ccm.auth_url"},
		"list":            {`["C1", "dm"]`, `["dm", "C1"]`, "routes[0].channels"},
		"route more":      {"[[routes]]\nadapter = \"dc\"", "[[routes]]\nadapter = \"sl\"\nchannels = [\"C2\"]\n[[routes]]\nadapter = \"dc\"", "routes[1].adapter routes[1].channels routes[2]"},
		"route less":      {"[[routes]]\nadapter = \"dc\"\nchannels = [\"1100000000000000002\"]\n", "", "routes[1]"},
		"other name":      {`sl`, `sk`, "adapters.sk routes[0].adapter adapters.sl"},
		"inherited":       {`channel_id = "1"`, `channel_id = "2"`, "ccm.channel_id routes[0].channel_id routes[1].channel_id"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before, faults := loadText(t, sound)
			requireFaults(t, faults, nil)
			after := reload(t, before, strings.ReplaceAll(strings.ReplaceAll(sound, test.was, test.is), "skack", "slack"))
			if got := strings.Join(Changes(before, after), " "); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// reload writes another text into the file of a configuration.
func reload(t *testing.T, cfg Config, text string) Config {
	t.Helper()
	if err := os.WriteFile(cfg.Path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	again, faults := Load(cfg.Path, testEnv)
	if Broken(faults) {
		t.Fatal(faults)
	}
	return again
}

// TestChangesOfFiles: what a named file holds is read again.
func TestChangesOfFiles(t *testing.T) {
	t.Parallel()
	text := strings.Replace(sound, `"env:BOT"`, `"file:token"`, 1)
	before, _ := loadText(t, text)
	token := filepath.Join(filepath.Dir(before.Path), "token")
	var list []Config
	for _, is := range []string{"xoxb-1\n", "xoxb-1", "xoxb-2"} {
		if err := os.WriteFile(token, []byte(is), 0o600); err != nil {
			t.Fatal(err)
		}
		list = append(list, reload(t, before, text))
	}
	if got := Changes(list[0], list[1]); len(got) != 0 {
		t.Errorf("of a line end: %q", got)
	}
	if got := Changes(list[1], list[2]); !slices.Equal(got, []string{"adapters.sl.bot_token"}) {
		t.Errorf("of a token: %q", got)
	}
}
