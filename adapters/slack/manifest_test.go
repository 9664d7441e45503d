package slack

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"ccbridge/bridge"
)

// TestManifestOfEverything: without routes the manifest asks for all that the bridge can use.
func TestManifestOfEverything(t *testing.T) {
	t.Parallel()
	want, err := os.ReadFile("testdata/manifest.yaml")
	if err != nil {
		t.Fatal(err)
	}
	got := string(ManifestFor("Support", Commands{}, nil).YAML())
	if !slices.Equal(strings.Fields(got), strings.Fields(string(want))) {
		t.Errorf("the manifest is\n%s\nwant\n%s", got, want)
	}
}

func TestManifestFollowsRoutes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name        string
		channels    []string
		has, hasNot []string // scopes and events
		home        bool
	}{
		{"everything", nil, []string{"channels:history", "groups:history", "im:history", "message.channels", "message.groups", "message.im"}, nil, true},
		{"a channel of either kind", []string{"C0123ABCD"},
			[]string{"chat:write", "commands", "channels:history", "groups:history", "message.channels", "group_left", "tokens_revoked"},
			[]string{"im:history", "im:read", "message.im"}, false},
		{"a private channel", []string{"G0123ABCD"}, []string{"groups:read", "message.groups", "channel_id_changed"},
			[]string{"channels:history", "channels:read", "message.channels", "channel_left", "im:history"}, false},
		{"direct messages", []string{"dm"}, []string{"chat:write", "users:read", "im:history", "im:read", "message.im", "app_uninstalled"},
			[]string{"channels:history", "groups:history", "message.channels", "member_left_channel", "channel_id_changed"}, true},
		{"all channels", []string{"*"}, []string{"channels:read", "groups:read"}, []string{"im:history", "message.im"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var routes []bridge.Route
			if c.channels != nil {
				routes = []bridge.Route{{Adapter: "acme", Channels: c.channels}}
			}
			m := ManifestFor("Support", Commands{Agent: "/human"}, routes)
			all := slices.Concat(m.OAuth.Scopes.Bot, m.Settings.Events.Bot)
			for _, w := range c.has {
				if !slices.Contains(all, w) {
					t.Errorf("%s is missing among %q", w, all)
				}
			}
			for _, w := range c.hasNot {
				if slices.Contains(all, w) {
					t.Errorf("%s is there and not needed", w)
				}
			}
			if home := m.Features.Home; home.Messages != c.home || home.ReadOnly == c.home {
				t.Errorf("the tab of messages is %+v", home)
			}
			if m.Features.Commands[0].Command != "/human" || m.Features.Commands[1].Command != "/end" {
				t.Errorf("commands are %+v", m.Features.Commands)
			}
			if !bytes.Equal(m.JSON(), ManifestFor("Support", Commands{Agent: "/human"}, routes).JSON()) {
				t.Error("twice the same is not the same")
			}
			var back Manifest
			if err := json.Unmarshal(m.JSON(), &back); err != nil || !bytes.Equal(back.YAML(), m.YAML()) {
				t.Errorf("the JSON does not say what the YAML says: %v\n%s", err, m.JSON())
			}
		})
	}
}

func TestManifestNames(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"Support":        "Support",
		"Help desk 2":    "Help desk 2",
		"a: b":           `"a: b"`,
		"{x}":            `"{x}"`,
		"Ünïcode":        `"Ünïcode"`,
		"yes":            `"yes"`,
		"":               `""`,
		"x #y":           `"x #y"`,
		`say "hi" \ you`: `"say \"hi\" \\ you"`,
		" led":           `" led"`,
	} {
		if got := string(ManifestFor(name, Commands{}, nil).YAML()); !strings.HasPrefix(got, "display_information: {name: "+want+"}\n") {
			t.Errorf("%q becomes %s", name, strings.SplitN(got, "\n", 2)[0])
		}
	}
	long := ManifestFor(strings.Repeat("ä", 50), Commands{}, nil)
	if got := []rune(long.Display.Name); len(got) != maxAppName {
		t.Errorf("the name has %d characters", len(got))
	}
}
