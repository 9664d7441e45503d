package slack

import (
	"cmp"
	"context"
	"encoding/json"
	"strings"
	"time"

	"ccbridge/bridge"
)

const (
	slackbot  = "USLACKBOT" // writes in the name of Slack itself
	tombstone = "tombstone" // subtype of what stands in place of a deleted root
)

// draft is an event whose text still has ids in it.
type draft struct {
	event bridge.Event
	raw   string       // Slack's text; resolved into event.Text.Body
	about *userProfile // of the author, if the message brought it
}

// decodeEvent reads an Events API payload. Nothing to store: no draft. Unknown and unreadable events are acknowledged.
func (a *Adapter) decodeEvent(payload json.RawMessage, self identity) []draft {
	var p eventPayload
	var ev innerEvent
	if json.Unmarshal(payload, &p) != nil || !p.ours(self.team) || json.Unmarshal(p.Event, &ev) != nil {
		return nil
	}
	if ev.Type != "message" {
		return a.decodeGone(p, ev, self)
	}
	var m message
	if err := json.Unmarshal(p.Event, &m); err != nil {
		a.log.Warn("unreadable message event left out", "event", p.EventID)
		return nil
	}
	self.app = p.AppID
	var d draft
	var ok bool
	switch m.Subtype {
	case "message_changed":
		if m.Message != nil && m.Message.Subtype == tombstone {
			m.DeletedTS = m.Message.TS // a deleted root that had replies
			d, ok = a.deletion(m, self)
		} else {
			d, ok = a.edit(m, self)
		}
	case "message_deleted":
		d, ok = a.deletion(m, self)
	default:
		d, ok = a.said(m, self)
	}
	if !ok {
		return nil
	}
	return []draft{d}
}

// human reports whether a person wrote m as a message of a kind that is carried. Slack adds subtypes without notice,
// so they are allowed one by one (Slack: message subtypes).
func (m *message) human(self identity) bool {
	switch m.Subtype {
	case "", "file_share", "thread_broadcast", "me_message":
	default:
		return false
	}
	if m.BotID != "" || m.AppID != "" && m.AppID == self.app {
		return false
	}
	return m.User != "" && m.User != self.user && m.User != slackbot
}

// said is a new message.
func (a *Adapter) said(m message, self identity) (draft, bool) {
	at, err := parseTS(m.TS)
	if err != nil || m.Channel == "" || !m.human(self) {
		return draft{}, false
	}
	return draft{
		event: bridge.Event{
			ID:     a.messageID(m.Channel, m.TS),
			Thread: a.thread(self.team, m.Channel, m.TS, m.ThreadTS),
			Order:  m.TS,
			At:     at,
			Text: &bridge.Text{
				Author:   bridge.User{ID: bridge.UserID(m.User)},
				Message:  bridge.RemoteID(m.TS),
				TopLevel: m.root() || direct(m.Channel),
				Direct:   direct(m.Channel),
				Files:    m.fileNames(),
			},
		},
		raw:   m.Text,
		about: m.UserProfile,
	}, true
}

// edit is a message_changed event, if a person really changed the words: link previews and counters of replies cause
// it too.
func (a *Adapter) edit(m message, self identity) (draft, bool) {
	now, before := m.Message, m.Previous
	if now == nil || now.Edited == nil || !now.human(self) {
		return draft{}, false
	}
	if before != nil && (now.Text == before.Text || before.Edited != nil && before.Edited.TS == now.Edited.TS) {
		return draft{}, false
	}
	at, err := parseTS(cmp.Or(m.TS, now.Edited.TS))
	if err != nil || m.Channel == "" || now.TS == "" {
		return draft{}, false
	}
	return draft{
		event: bridge.Event{
			ID:     a.editID(m.Channel, now.TS, now.Edited.TS),
			Thread: a.thread(self.team, m.Channel, now.TS, now.ThreadTS),
			Order:  cmp.Or(m.TS, now.Edited.TS),
			At:     at,
			Text: &bridge.Text{
				Author:  bridge.User{ID: bridge.UserID(now.User)},
				Message: bridge.RemoteID(now.TS),
				Direct:  direct(m.Channel),
				Edited:  true,
			},
		},
		raw:   now.Text,
		about: now.UserProfile,
	}, true
}

// deletion is a message that was deleted. Without its root a thread is gone: Slack would post replies into the channel.
func (a *Adapter) deletion(m message, self identity) (draft, bool) {
	at, err := parseTS(m.TS)
	if err != nil || m.DeletedTS == "" || m.Channel == "" {
		return draft{}, false
	}
	was := message{TS: m.DeletedTS}
	if m.Previous != nil {
		was = *m.Previous
		was.TS = m.DeletedTS
	}
	ev := bridge.Event{
		ID:     a.deletionID(m.Channel, m.DeletedTS),
		Thread: a.thread(self.team, m.Channel, m.DeletedTS, was.ThreadTS),
		Order:  m.TS,
		At:     at,
	}
	switch {
	case was.User == self.user || was.BotID != "" && was.BotID == self.bot:
		return draft{}, false // a post of ours, a stray taken back perhaps
	case was.root() && !direct(m.Channel):
		ev.Gone = &bridge.Gone{What: "thread"}
	case was.BotID != "":
		return draft{}, false
	default:
		ev.Text = &bridge.Text{
			Author:  bridge.User{ID: bridge.UserID(was.User)},
			Message: bridge.RemoteID(m.DeletedTS),
			Direct:  direct(m.Channel),
			Deleted: true,
		}
	}
	return draft{event: ev}, true
}

// decodeGone reads the events that end a channel or the installation.
func (a *Adapter) decodeGone(p eventPayload, ev innerEvent, self identity) []draft {
	what, channel := "channel", asString(ev.Channel)
	switch ev.Type {
	case "channel_archive", "channel_deleted", "channel_left", "group_archive", "group_deleted", "group_left":
	case "member_left_channel":
		if asString(ev.User) != self.user {
			return nil
		}
	case "channel_id_changed":
		channel = ev.OldChannel // its threads cannot be reached under the old id any more
	case "app_uninstalled":
		what, channel = "installation", ""
	case "tokens_revoked":
		if len(ev.Tokens.Bot) == 0 {
			return nil // only tokens of persons
		}
		what, channel = "installation", ""
	default:
		return nil
	}
	if what == "channel" && channel == "" {
		return nil
	}
	at := time.Unix(p.EventTime, 0).UTC()
	return []draft{{event: bridge.Event{
		ID:     a.eventID("g", ev.Type, channel, p.EventID),
		Thread: a.goneKey(self.team, channel),
		Order:  formatTS(at),
		At:     at,
		Gone:   &bridge.Gone{What: what},
	}}}
}

// asString is a JSON string, or "" for anything else.
func asString(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

// fileNames are the names of what came with a message. Of a file in a shared channel only its id may be known.
func (m *message) fileNames() []string {
	var names []string
	for _, f := range m.Files {
		names = append(names, cmp.Or(f.Name, f.Title, f.ID, "file"))
	}
	if len(names) == 0 && m.Text == "" && len(m.Attachments) > 0 {
		names = []string{"attachment"} // a message passed on, without words of its own
	}
	return names
}

// finish resolves the ids of a draft. Names that do not come before ctx ends stay ids.
func (a *Adapter) finish(ctx context.Context, d draft, self identity) bridge.Event {
	t := d.event.Text
	if t == nil {
		return d.event
	}
	t.Author.Name = a.authorName(ctx, t.Author.ID, d.about)
	if t.Deleted {
		return d.event
	}
	r := resolver{
		self:    self.user,
		user:    func(id string) string { return a.users.name(ctx, id) },
		channel: func(id string) string { return a.channels.name(ctx, id) },
	}
	t.Body, t.Mention = r.plain(d.raw)
	return d.event
}

// authorName prefers what the message itself says: people of other organisations may not be looked up.
func (a *Adapter) authorName(ctx context.Context, id bridge.UserID, about *userProfile) string {
	if about != nil {
		if name := cmp.Or(about.DisplayName, about.RealName, about.Name); strings.TrimSpace(name) != "" {
			return name
		}
	}
	if id == "" {
		return ""
	}
	return cmp.Or(a.users.name(ctx, string(id)), string(id))
}
