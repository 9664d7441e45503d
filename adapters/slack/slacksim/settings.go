package slacksim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
)

// settings are what the app's owner has set: what Slack sends to the app at all. Without them it sends everything.
type settings struct {
	events    []string // as a manifest names them: message.channels
	commands  []string
	shortcuts []string // callback ids
	clicks    bool     // Interactivity is on
	messages  bool     // the Messages tab is there and can be written in
}

// manifest is an app manifest, as far as it is simulated. Other fields are refused.
type manifest struct {
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
		Commands []struct {
			Command     string `json:"command"`
			Description string `json:"description"`
			Hint        string `json:"usage_hint"`
			Escape      bool   `json:"should_escape"`
		} `json:"slash_commands"`
		Shortcuts []struct {
			Name        string `json:"name"`
			Type        string `json:"type"`
			Callback    string `json:"callback_id"`
			Description string `json:"description"`
		} `json:"shortcuts"`
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
		Org      bool `json:"org_deploy_enabled"`
		Socket   bool `json:"socket_mode_enabled"`
		Rotation bool `json:"token_rotation_enabled"`
	} `json:"settings"`
}

// eventScopes are the scopes of which an event needs one (Slack: events, each one's page); none for those not named.
var eventScopes = map[string][]string{
	"app_mention": {"app_mentions:read"}, "message.channels": {"channels:history"}, "message.groups": {"groups:history"}, "message.im": {"im:history"},
	"member_left_channel": {"channels:read", "groups:read"}, "member_joined_channel": {"channels:read", "groups:read"},
	"channel_archive": {"channels:read"}, "channel_unarchive": {"channels:read"}, "channel_deleted": {"channels:read"}, "channel_left": {"channels:read"},
	"channel_id_changed": {"channels:read", "groups:read"},
	"group_archive":      {"groups:read"}, "group_unarchive": {"groups:read"}, "group_deleted": {"groups:read"}, "group_left": {"groups:read"},
	"app_uninstalled": nil, "tokens_revoked": nil,
}

// ApplyManifest sets the app up and installs it as a manifest in JSON says: from now on it has those scopes, gets those
// events, and people have those commands and shortcuts. What Slack would refuse is an error, and so is what it does not
// need a word about because it could never work: an event without its scope.
func (s *Sim) ApplyManifest(raw []byte) error {
	var m manifest
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&m); err != nil {
		return fmt.Errorf("read the manifest: %w", err)
	}
	scopes := set(m.OAuth.Scopes.Bot)
	set := settings{events: m.Settings.Events.Bot, clicks: m.Settings.Interactivity.Enabled, messages: m.Features.Home.Messages && !m.Features.Home.ReadOnly}
	for _, c := range m.Features.Commands {
		set.commands = append(set.commands, c.Command)
	}
	for _, c := range m.Features.Shortcuts {
		set.shortcuts = append(set.shortcuts, c.Callback)
	}
	switch n := len([]rune(m.Display.Name)); {
	case n < 1 || n > 35:
		return fmt.Errorf("manifest: a name of %d characters", n)
	case !m.Settings.Socket:
		return fmt.Errorf("manifest: without Socket Mode there must be request URLs")
	case (len(set.commands) > 0 || len(set.shortcuts) > 0) && !scopes["commands"]:
		return fmt.Errorf("manifest: commands and shortcuts need the scope commands")
	}
	for _, e := range set.events {
		if needs, known := eventScopes[e]; !known {
			return fmt.Errorf("manifest: no event %q is simulated", e)
		} else if len(needs) > 0 && !slices.ContainsFunc(needs, func(n string) bool { return scopes[n] }) {
			return fmt.Errorf("manifest: the event %s needs one of the scopes %q", e, needs)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scopes, s.settings = scopes, &set
	return nil
}

// subscribed says whether the app gets an event.
func (s *Sim) subscribed(inner any) bool {
	if s.settings == nil {
		return true
	}
	name := eventName(inner)
	needs := eventScopes[name]
	return slices.Contains(s.settings.events, name) && (len(needs) == 0 || slices.ContainsFunc(needs, func(n string) bool { return s.scopes[n] }))
}

// eventName is what an event is called where it is subscribed.
func eventName(inner any) string {
	var e struct {
		Type        string `json:"type"`
		ChannelType string `json:"channel_type"`
	}
	if json.Unmarshal(encode(inner), &e) != nil {
		return ""
	}
	if e.Type != "message" {
		return e.Type
	}
	if e.ChannelType == "im" {
		return "message.im"
	}
	return "message." + e.ChannelType + "s"
}

// offers says whether people have a command (or a shortcut, by its callback id) of the app's.
func (s *Sim) offers(name string) bool {
	return s.settings == nil || slices.Contains(s.settings.commands, name) || slices.Contains(s.settings.shortcuts, name)
}
