package slacksim_test

import (
	"testing"

	"ccbridge/adapters/slack/slacksim"
)

// TestManifestsRefused: what could never work is refused as a whole.
func TestManifestsRefused(t *testing.T) {
	t.Parallel()
	s := open(t, slacksim.Config{})
	for name, text := range map[string]string{
		"no JSON":                     `{`,
		"an unknown field":            `{"display_information":{"name":"x","colour":"red"}}`,
		"no name":                     `{"settings":{"socket_mode_enabled":true}}`,
		"no Socket Mode":              `{"display_information":{"name":"x"}}`,
		"a command without its scope": `{"display_information":{"name":"x"},"features":{"slash_commands":[{"command":"/agent"}]},"settings":{"socket_mode_enabled":true}}`,
		"an event without its scope":  `{"display_information":{"name":"x"},"settings":{"socket_mode_enabled":true,"event_subscriptions":{"bot_events":["message.groups"]}}}`,
		"an unknown event":            `{"display_information":{"name":"x"},"settings":{"socket_mode_enabled":true,"event_subscriptions":{"bot_events":["no.such"]}}}`,
	} {
		if err := s.ApplyManifest([]byte(text)); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

// TestManifestRules: only what was subscribed is sent, only what is offered can be used.
func TestManifestRules(t *testing.T) {
	t.Parallel()
	s := open(t, slacksim.Config{})
	s.AddChannel(slacksim.Channel{ID: "C0CLOSED", Name: "closed", Private: true})
	err := s.ApplyManifest([]byte(`{"display_information":{"name":"x"},"features":{"slash_commands":[{"command":"/agent"}]},
		"oauth_config":{"scopes":{"bot":["commands","channels:history"]}},
		"settings":{"socket_mode_enabled":true,"event_subscriptions":{"bot_events":["message.channels"]}}}`))
	if err != nil {
		t.Fatal(err)
	}
	l := connect(t, s)
	post(t, s, slacksim.Post{Channel: "C0CLOSED", Text: "unheard"})
	ts := post(t, s, slacksim.Post{Text: "heard"})
	if f := l.next(); f.Type != "events_api" {
		t.Errorf("%s came", f.Type)
	} else {
		l.ack(f)
	}
	if n := s.Stats().Events; n != 1 {
		t.Errorf("%d events, want that of the public channel", n)
	}
	if _, err := s.Slash(ada, chn, "/end", ""); err == nil {
		t.Error("a command that is not there was used")
	}
	if _, err := s.Shortcut(ada, chn, ts, "bridge_end"); err == nil {
		t.Error("a shortcut that is not there was used")
	}
	if _, err := s.Post(slacksim.Post{Channel: s.OpenDM(ada), User: ada, Text: "hello"}); err == nil {
		t.Error("written into a Messages tab that is not there")
	}
}
