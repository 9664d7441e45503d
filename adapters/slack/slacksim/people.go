package slacksim

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// User is a person of the workspace.
type User struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	RealName    string `json:"real_name"`
	DisplayName string `json:"display_name"`
	Deleted     bool   `json:"deleted"` // deactivated
	Bot         bool   `json:"bot"`
}

// Channel describes a new channel. Everybody is in it; the bot too unless BotAbsent.
type Channel struct {
	ID        string `json:"id"`
	Name      string `json:"name"` // default: the id in lower case
	Private   bool   `json:"private"`
	BotAbsent bool   `json:"bot_absent"`
	Shared    bool   `json:"shared"`    // with another organisation (Slack Connect)
	ReadOnly  bool   `json:"read_only"` // only some may post
}

// Post is what somebody writes.
type Post struct {
	Channel   string          `json:"channel"`
	User      string          `json:"user"`
	Text      string          `json:"text"`      // as typed: Slack escapes & < > but keeps tokens such as <@U…> and links
	ThreadTS  string          `json:"thread_ts"` // the root's ts, to reply
	Broadcast bool            `json:"broadcast"` // a reply also sent to the channel: subtype thread_broadcast
	Subtype   string          `json:"subtype"`   // file_share (set by Files), me_message, bot_message, or any other
	Files     []File          `json:"files"`
	BotID     string          `json:"bot_id"` // posted by another app
	Blocks    json.RawMessage `json:"blocks"` // instead of the rich_text block made from Text
}

// AddUser makes a person known.
func (s *Sim) AddUser(u User) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users[u.ID] = &u
}

// AddChannel makes a channel.
func (s *Sim) AddChannel(c Channel) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.Name == "" {
		c.Name = strings.ToLower(c.ID)
	}
	kind := "channel"
	if c.Private {
		kind = "group"
	}
	s.addChannel(&channel{id: c.ID, name: c.Name, kind: kind, bot: !c.BotAbsent, shared: c.Shared, readOnly: c.ReadOnly})
}

func (s *Sim) addChannel(ch *channel) {
	ch.created = s.cfg.Now().Unix()
	ch.byTS = map[string]*message{}
	ch.absent = map[string]bool{}
	ch.gone = map[string]bool{}
	if s.channels[ch.id] == nil {
		s.order = append(s.order, ch.id)
	}
	s.channels[ch.id] = ch
}

// OpenDM gives the direct-message channel between the person and the bot, made if needed.
func (s *Sim) OpenDM(user string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	ch, _ := s.openDM(user)
	return ch.id
}

func (s *Sim) openDM(user string) (ch *channel, made bool) {
	id := "D" + strings.TrimPrefix(user, "U")
	if ch := s.channels[id]; ch != nil {
		return ch, false
	}
	ch = &channel{id: id, kind: "im", person: user, bot: true}
	s.addChannel(ch)
	return ch, true
}

// Post writes a message as a person (or another app) and returns its ts.
func (s *Sim) Post(p Post) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ch, err := s.place(p.Channel)
	if err != nil {
		return "", err
	}
	if ch.kind == "im" && s.settings != nil && !s.settings.messages {
		return "", errors.New("post: sending messages to this app has been turned off")
	}
	if s.users[p.User] == nil && p.BotID == "" {
		return "", fmt.Errorf("post: no user %s", p.User)
	}
	m := &message{Message: Message{Channel: ch.id, TS: s.nextTS(), User: p.User, BotID: p.BotID, Subtype: p.Subtype, Files: p.Files}}
	if p.ThreadTS != "" {
		root := ch.byTS[p.ThreadTS]
		if root == nil || root.deleted || root.ThreadTS != "" {
			return "", fmt.Errorf("post: %s is no root in %s", p.ThreadTS, ch.id)
		}
		m.ThreadTS = p.ThreadTS
	}
	if m.Text, m.Blocks = typed(p.Text); p.Subtype == "me_message" {
		m.Blocks = nil
	}
	if len(p.Blocks) > 0 {
		if !json.Valid(p.Blocks) {
			return "", errors.New("post: blocks are no JSON")
		}
		m.Blocks = p.Blocks
	}
	switch {
	case m.Subtype != "":
	case len(p.Files) > 0:
		m.Subtype = "file_share"
	case p.Broadcast:
		m.Subtype = "thread_broadcast"
	}
	if m.Subtype == "" && p.BotID == "" || m.Subtype == "thread_broadcast" {
		m.clientMsgID = s.id("msg-")
	}
	s.publish(ch, m)
	return m.TS, nil
}

func (s *Sim) place(id string) (*channel, error) {
	ch := s.channels[id]
	switch {
	case ch == nil:
		return nil, fmt.Errorf("no channel %s", id)
	case ch.archived:
		return nil, fmt.Errorf("channel %s is archived", id)
	}
	return ch, nil
}

// publish stores a message and tells the app.
func (s *Sim) publish(ch *channel, m *message) {
	ch.log = append(ch.log, m)
	ch.byTS[m.TS] = m
	if root := ch.byTS[m.ThreadTS]; root != nil && m.ThreadTS != "" {
		root.replies = append(root.replies, m)
	}
	if !ch.bot {
		s.changed()
		return
	}
	ev := s.messageEvent(ch, m)
	s.emit(ev)
	written := m.Subtype == "" || m.Subtype == "file_share" || m.Subtype == "thread_broadcast"
	if s.cfg.AppMentions && m.BotID == "" && written && strings.Contains(m.Text, "<@"+s.cfg.BotUser) {
		s.emit(mention(ev))
	}
}

// Edit changes the text of a person's message.
func (s *Sim) Edit(channel, ts, text string) error {
	return s.change(channel, ts, func(m *message) {
		m.Text, m.Blocks = typed(text)
		m.EditedTS = s.nextTS()
	})
}

// Unfurl adds a link's preview: a message_changed without an edit.
func (s *Sim) Unfurl(channel, ts string) error {
	return s.change(channel, ts, func(m *message) {
		m.attachments = json.RawMessage(`[{"id":1,"from_url":"https://example.com","original_url":"https://example.com","fallback":"Example","title":"Example","service_name":"example.com"}]`)
	})
}

func (s *Sim) change(channel, ts string, f func(*message)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	ch, err := s.place(channel)
	if err != nil {
		return err
	}
	m := ch.byTS[ts]
	if m == nil || m.deleted {
		return fmt.Errorf("no message %s in %s", ts, channel)
	}
	s.alter(ch, m, func() { f(m) })
	return nil
}

// alter changes a stored message and tells the app with message_changed.
func (s *Sim) alter(ch *channel, m *message, f func()) {
	before := s.inner(ch, m)
	f()
	if !ch.bot {
		s.changed()
		return
	}
	s.emit(changedEvent{Type: "message", Subtype: "message_changed", Hidden: true, Channel: ch.id, ChannelType: ch.kind,
		Message: s.inner(ch, m), PreviousMessage: before, TS: s.nextTS(), EventTS: tsOf(s.lastTS)})
}

// Delete removes a message, whosever it is. A root with replies stays as a tombstone.
func (s *Sim) Delete(channel, ts string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	ch := s.channels[channel]
	if ch == nil || ch.byTS[ts] == nil || ch.byTS[ts].deleted {
		return fmt.Errorf("no message %s in %s", ts, channel)
	}
	s.remove(ch, ch.byTS[ts])
	return nil
}

func (s *Sim) remove(ch *channel, m *message) {
	if len(m.replies) > 0 {
		s.alter(ch, m, func() {
			m.deleted = true
			m.Message = Message{Channel: ch.id, TS: m.TS, Subtype: "tombstone", User: "USLACKBOT", Text: "This message was deleted."}
		})
		return
	}
	before := s.inner(ch, m)
	same := func(x *message) bool { return x == m }
	ch.log = slices.DeleteFunc(ch.log, same)
	delete(ch.byTS, m.TS)
	ch.gone[m.TS] = true
	if root := ch.byTS[m.ThreadTS]; root != nil {
		root.replies = slices.DeleteFunc(root.replies, same)
	}
	if !ch.bot {
		s.changed()
		return
	}
	s.emit(deletedEvent{Type: "message", Subtype: "message_deleted", Hidden: true, Channel: ch.id, ChannelType: ch.kind,
		DeletedTS: m.TS, PreviousMessage: before, TS: s.nextTS(), EventTS: tsOf(s.lastTS)})
}
