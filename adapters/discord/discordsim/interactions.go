package discordsim

import (
	"fmt"
	"slices"
	"time"
)

const (
	answerTime  = 3 * time.Second
	tokenTime   = 15 * time.Minute
	keptActions = 50_000

	interactionCommand   = 2
	interactionComponent = 3
)

// Types of an interaction's first answer.
const (
	answerMessage  = 4
	deferMessage   = 5
	deferUpdate    = 6
	updateMessage  = 7
	allPermissions = "2251799813685247"
)

// interaction is a command somebody used or a button they pressed.
type interaction struct {
	id, token, user, channel string
	kind                     int
	at                       time.Time
	acked, deferred          bool
	ephemeral                bool
	original                 *message // what @original names
	source                   *message // the message with the button
	answers                  []*message
	received                 bool // a session was there to get it
}

// Slash uses a command as a person. Options are strings, booleans or numbers. It answers the interaction's id, for
// View.Interaction; an error means that the person's client refused.
func (s *Sim) Slash(userID, channelID, command string, options map[string]any) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ch, u, err := s.place(channelID, userID)
	if err != nil {
		return "", fmt.Errorf("use /%s: %w", command, err)
	}
	o, err := s.usableNow(ch, command, chatCommand)
	if err != nil {
		return "", fmt.Errorf("use /%s: %w", command, err)
	}
	data := object{"id": o["id"], "name": command, "type": chatCommand, "options": optionList(options)}
	return s.interact(ch, u, interactionCommand, data, nil).id, nil
}

// Context uses a message command, from a message's menu.
func (s *Sim) Context(userID, messageID, command string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.messages[messageID]
	if m == nil || m.deleted {
		return "", fmt.Errorf("use %q: unknown message %q", command, messageID)
	}
	ch, u, err := s.place(m.ChannelID, userID)
	if err != nil {
		return "", fmt.Errorf("use %q: %w", command, err)
	}
	o, err := s.usableNow(ch, command, messageCommand)
	if err != nil {
		return "", fmt.Errorf("use %q: %w", command, err)
	}
	target := *m // with its content, whatever the intents say
	target.Nonce = nil
	data := object{"id": o["id"], "name": command, "type": messageCommand, "target_id": m.ID,
		"resolved": object{"messages": object{m.ID: &target}}}
	return s.interact(ch, u, interactionCommand, data, nil).id, nil
}

// usableNow adds what depends on the state of the thread.
func (s *Sim) usableNow(ch *channel, name string, kind int) (object, error) {
	if ch.archived {
		return nil, fmt.Errorf("thread %s is archived", ch.id)
	}
	o, err := s.usable(ch, name, kind)
	if err != nil {
		return nil, err
	}
	if o["default_member_permissions"] == "0" {
		return nil, fmt.Errorf("command %q is for administrators", name)
	}
	return o, nil
}

func optionList(options map[string]any) []object {
	names := make([]string, 0, len(options))
	for name := range options {
		names = append(names, name)
	}
	slices.Sort(names)
	list := []object{}
	for _, name := range names {
		kind := 3 // string
		switch options[name].(type) {
		case bool:
			kind = 5
		case int, int64:
			kind = 4
		case float64:
			kind = 10
		}
		list = append(list, object{"name": name, "type": kind, "value": options[name]})
	}
	return list
}

// Click presses a button as a person.
func (s *Sim) Click(userID, messageID, customID string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.messages[messageID]
	if m == nil || m.deleted || m.visibleTo != "" && m.visibleTo != userID {
		return "", fmt.Errorf("click: unknown message %q", messageID)
	}
	ch, u, err := s.place(m.ChannelID, userID)
	if err != nil {
		return "", fmt.Errorf("click: %w", err)
	}
	i := slices.IndexFunc(m.buttons(), func(b Button) bool { return b.CustomID == customID && customID != "" })
	switch {
	case i < 0:
		return "", fmt.Errorf("click: message %s has no button %q", messageID, customID)
	case m.buttons()[i].Disabled:
		return "", fmt.Errorf("click: button %q is disabled", customID)
	case ch.archived && ch.locked:
		return "", fmt.Errorf("click: thread %s is locked", ch.id)
	}
	data := object{"custom_id": customID, "component_type": buttonComponent}
	return s.interact(ch, u, interactionComponent, data, m).id, nil
}

// interact makes an interaction and sends it: no intent is needed.
func (s *Sim) interact(ch *channel, u *user, kind int, data object, source *message) *interaction {
	if len(s.actions) >= keptActions {
		for id, old := range s.actions {
			if s.now().Sub(old.at) > tokenTime {
				delete(s.actions, id)
				delete(s.tokens, old.token)
			}
		}
	}
	id := format(s.newID())
	x := &interaction{id: id, token: "aW50ZXJhY3Rpb246" + id, user: u.ID, channel: ch.id, kind: kind, at: s.now(), source: source}
	s.actions[x.id], s.tokens[x.token] = x, x
	o := object{
		"id": x.id, "application_id": s.cfg.AppID, "type": kind, "data": data, "token": x.token, "version": 1,
		"channel_id": ch.id, "channel": s.wire(ch), "app_permissions": allPermissions, "locale": "en-US",
		"entitlements": []any{}, "attachment_size_limit": maxFileSize,
	}
	if source != nil {
		o["message"] = s.show(source, false)
	}
	if ch.guild == "" {
		o["user"], o["context"] = *u, 1
		o["authorizing_integration_owners"] = object{"0": "0"}
	} else {
		member := u.member()
		member["user"], member["permissions"] = *u, allPermissions
		o["member"], o["guild_id"], o["guild_locale"], o["context"] = member, ch.guild, "en-US", 0
		o["guild"] = object{"id": ch.guild, "locale": "en-US", "features": []string{}}
		o["authorizing_integration_owners"] = object{"0": ch.guild}
	}
	if s.cfg.InteractionsURL == "" { // else they go there, of which nothing is simulated
		s.dispatchTo(ch.guild, 0, "INTERACTION_CREATE", func(*session) any { x.received = true; return o })
	}
	return x
}

// failed says whether the person sees "The application did not respond".
func (x *interaction) failed(now time.Time) bool { return !x.acked && now.Sub(x.at) > answerTime }
