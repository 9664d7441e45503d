package config

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// TestPending: what an env: or file: does not give yet is told apart from what is wrong.
func TestPending(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "empty"), []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const text = `
[ccm]
base_url = "env:BASE"
app_key = "env:"
app_secret = "file:none"
channel_id = "1"
[adapters.acme]
platform = "slack"
bot_token = "file:empty"
app_token = ""
[[routes]]
adapter = "acme"
channels = ["C1", "env:CHANNEL"]
`
	env := func(name string) (string, bool) { return "", name == "CHANNEL" }
	_, faults := Parse(filepath.Join(dir, "config.toml"), text, env)
	unset, rest := Pending(faults)
	keys := func(faults []Fault) (list []string) {
		for _, f := range faults {
			list = append(list, f.Key)
		}
		return list
	}
	for got, want := range map[string]string{
		fmt.Sprint(keys(unset)): "[ccm.base_url ccm.app_secret adapters.acme.bot_token]",
		fmt.Sprint(keys(rest)):  "[ccm.app_key adapters.acme.app_token routes[0].channels[1]]",
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
