package slack

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"ccbridge/bridge"
)

// maxAppName bounds an app's name (Slack: app manifests, display_information.name).
const maxAppName = 35

// ids of the message shortcuts, which the manifest sets and interactions.go understands.
const (
	shortcutAgent = "bridge_human"
	shortcutEnd   = "bridge_end"
)

// Manifest is what an app's settings must be for one configuration (Slack: app manifests).
type Manifest struct {
	Display struct {
		Name string `json:"name"`
	} `json:"display_information"`
	Features struct {
		Home struct {
			Home     bool `json:"home_tab_enabled"`
			Messages bool `json:"messages_tab_enabled"`
			ReadOnly bool `json:"messages_tab_read_only_enabled"`
		} `json:"app_home"`
		Bot struct {
			Name   string `json:"display_name"`
			Online bool   `json:"always_online"`
		} `json:"bot_user"`
		Commands  []manifestCommand  `json:"slash_commands"`
		Shortcuts []manifestShortcut `json:"shortcuts"`
	} `json:"features"`
	OAuth struct {
		Scopes struct {
			Bot []string `json:"bot"`
		} `json:"scopes"`
	} `json:"oauth_config"`
	Settings struct {
		Events struct {
			Bot []string `json:"bot_events"`
		} `json:"event_subscriptions"`
		Interactivity struct {
			Enabled bool `json:"is_enabled"`
		} `json:"interactivity"`
		Socket   bool `json:"socket_mode_enabled"`
		Rotation bool `json:"token_rotation_enabled"`
	} `json:"settings"`
}

type manifestCommand struct {
	Command     string `json:"command"`
	Description string `json:"description"`
	Escape      bool   `json:"should_escape"`
}

type manifestShortcut struct {
	Name        string `json:"name"`
	Type        string `json:"type"`
	Callback    string `json:"callback_id"`
	Description string `json:"description"`
}

// ManifestFor is the manifest of an app called name (of which 35 characters count) that serves routes, all of them of this
// adapter. Without routes it serves everything that routes can name.
func ManifestFor(name string, c Commands, routes []bridge.Route) Manifest {
	setDefault(&c.Agent, "/agent")
	setDefault(&c.End, "/end")
	if r := []rune(name); len(r) > maxAppName {
		name = string(r[:maxAppName])
	}
	p := placesOf(routes)
	var m Manifest
	m.Display.Name = name
	m.Features.Home.Messages, m.Features.Home.ReadOnly = p.direct, !p.direct
	m.Features.Bot.Name, m.Features.Bot.Online = name, true
	m.Features.Commands = []manifestCommand{
		{c.Agent, "Talk to a human", true},
		{c.End, "End my conversation", true},
	}
	m.Features.Shortcuts = []manifestShortcut{
		{"Talk to a human", "message", shortcutAgent, "Hand this thread to an agent"},
		{"End conversation", "message", shortcutEnd, "End the conversation in this thread"},
	}
	for _, s := range scopesFor(p) {
		m.OAuth.Scopes.Bot = append(m.OAuth.Scopes.Bot, s.name)
	}
	m.Settings.Events.Bot = eventsFor(p)
	m.Settings.Interactivity.Enabled = true
	m.Settings.Socket = true
	return m
}

// JSON is the manifest as JSON.
func (m Manifest) JSON() []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(m); err != nil {
		return nil // it holds nothing that cannot be encoded
	}
	return b.Bytes()
}

// YAML is the manifest as YAML.
func (m Manifest) YAML() []byte {
	var b bytes.Buffer
	say := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	f := m.Features
	say("display_information: {name: %s}", scalar(m.Display.Name))
	say("features:")
	say("  app_home: {home_tab_enabled: %t, messages_tab_enabled: %t, messages_tab_read_only_enabled: %t}", f.Home.Home, f.Home.Messages, f.Home.ReadOnly)
	say("  bot_user: {display_name: %s, always_online: %t}", scalar(f.Bot.Name), f.Bot.Online)
	say("  slash_commands:")
	for _, c := range f.Commands {
		say("    - {command: %s, description: %s, should_escape: %t}", scalar(c.Command), scalar(c.Description), c.Escape)
	}
	say("  shortcuts:")
	for _, s := range f.Shortcuts {
		say("    - {name: %s, type: %s, callback_id: %s, description: %s}", scalar(s.Name), s.Type, s.Callback, scalar(s.Description))
	}
	say("oauth_config:")
	say("  scopes:")
	say("    bot: [%s]", wrapped(m.OAuth.Scopes.Bot, len("    bot: [")))
	say("settings:")
	say("  event_subscriptions:")
	say("    bot_events: [%s]", wrapped(m.Settings.Events.Bot, len("    bot_events: [")))
	say("  interactivity: {is_enabled: %t}", m.Settings.Interactivity.Enabled)
	say("  socket_mode_enabled: %t", m.Settings.Socket)
	say("  token_rotation_enabled: %t", m.Settings.Rotation)
	return b.Bytes()
}

// plain are texts that YAML takes as they are, in the middle of a line too; all others are quoted, as JSON, which is YAML.
var plain = regexp.MustCompile(`^[/A-Za-z][-/A-Za-z0-9_.]*( [-/A-Za-z0-9_.]+)*$`)

// notText are words that YAML would take for something else than text.
var notText = strings.Fields("true false null yes no on off y n")

func scalar(s string) string {
	if plain.MatchString(s) && !slices.Contains(notText, strings.ToLower(s)) {
		return s
	}
	b, err := json.Marshal(s)
	if err != nil {
		return `""` // no text cannot be encoded
	}
	return string(b)
}

// lineWidth is where lists are wrapped, in characters.
const lineWidth = 95

// wrapped lists words, with line ends and so much indent.
func wrapped(words []string, indent int) string {
	var b strings.Builder
	at := indent
	for i, w := range words {
		switch {
		case i == 0:
		case at+len(w)+2 > lineWidth:
			b.WriteString(",\n" + strings.Repeat(" ", indent))
			at = indent
		default:
			b.WriteString(", ")
			at += 2
		}
		b.WriteString(w)
		at += len(w)
	}
	return b.String()
}
