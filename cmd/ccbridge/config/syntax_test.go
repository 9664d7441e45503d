package config

import (
	"strings"
	"testing"
)

// TestBrokenLinesHideNothing: lines that are no TOML, and keys and tables that stand twice, are reported together with
// all other faults, and nothing else is made of them.
func TestBrokenLinesHideNothing(t *testing.T) {
	t.Parallel()
	const text = `[server]
listen = 127.0.0.1:0
log_level "info"
[store]
url = "sqlite:x.db"
url = "sqlite:y.db"
[ccm]
base_url = "http://127.0.0.1:1/"
app_key = key
app_secret = "env:SECRET
channel_id = 99999999999999999999
localle = "en"
[adapters.sl]
platform = "slack"
bot_token = "env:BOT"
app_token = xapp-1
commands = { agent = "/a" end = "/e" }
[limits
held = 0
[adapters.sl]
bot_token = "env:OTHER_BOT"
[limits]
parts = 0
[routes]
adapter = "sl"
[[routes]]
adapter = "sl"
channels = ["C1"]
`
	want := []string{
		`2: server.listen: Invalid float value: something; write TOML`,
		`3: server.log_level: expected '.' or '=', but got '"' instead; write TOML`,
		`6: store.url: stands twice; write it once`,
		`9: ccm.app_key: expected value but found something instead; write TOML`,
		`10: ccm.app_secret: strings cannot contain newlines; write TOML`,
		`11: ccm.channel_id: is a number out of range; write TOML`,
		`12: ccm.localle: is no known key; write locale (did you mean that?)`,
		`13: adapters.sl: warning: no route uses this adapter`,
		`16: adapters.sl.app_token: expected value but found something instead; write TOML`,
		`17: adapters.sl.commands: expected a comma or an inline table terminator`,
		`18: limits: expected '.' or ']' to end table name`,
		`19: limits.held: is out of range; write a whole number`,
		`20: adapters.sl: stands twice; write it once`,
		`22: limits: stands twice; write it once`,
		`24: routes: must be an array of tables, not a table; write [[routes]], with two brackets`,
		`24: routes: no route is configured`,
		`26: routes: stands twice, once as a table and once as something else; write it once`,
	}
	for name, text := range map[string]string{"unix": text, "windows": strings.ReplaceAll(text, "\n", "\r\n")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, faults := loadText(t, text)
			requireFaults(t, faults, want)
		})
	}
}

// TestBrokenKeysAreNotMissing: a key that cannot be read is not called missing too.
func TestBrokenKeysAreNotMissing(t *testing.T) {
	t.Parallel()
	for i, line := range strings.Split(sound, "\n") {
		key, _, found := strings.Cut(line, " = ")
		if !found {
			continue
		}
		lines := strings.Split(sound, "\n")
		lines[i] = key + " = ?"
		_, faults := loadText(t, strings.Join(lines, "\n"))
		n := 0
		for _, f := range faults {
			if !f.Warning {
				n++
			}
		}
		switch {
		case n != 1 && key != "platform": // its routes name no adapter then
			t.Errorf("%s: %v", key, faults)
		case faults[0].Line != i+1 && !faults[0].Warning:
			t.Errorf("%s is in line %d: %v", key, i+1, faults[0])
		}
	}
}
