package discordsim

import (
	"encoding/json"
	"fmt"
	"time"
)

// Extra is what a person's message can have beside its text.
type Extra struct {
	Attachments []File            `json:"attachments"`
	ReplyTo     string            `json:"reply_to"`   // id of a message in the same channel; its author is pinged
	Sticker     string            `json:"sticker"`    // name of a sticker
	Forward     *Forward          `json:"forward"`    // forwarded from elsewhere; the text is empty then
	Components  []json.RawMessage `json:"components"` // as they are, types unknown to the client too
	Webhook     bool              `json:"webhook"`    // posted by a webhook that bears the user's name
	Type        int               `json:"type"`       // message type, when not 0 or 19
	Age         time.Duration     `json:"age_ns"`     // written so long ago
}

// File is a person's attachment.
type File struct {
	Name        string `json:"name"`
	ContentType string `json:"content_type"`
	Data        []byte `json:"data"` // base64 in JSON
}

// Forward is the snapshot in a forwarded message.
type Forward struct {
	Content    string            `json:"content"`
	Components []json.RawMessage `json:"components"`
}

// NewThread says how a person starts a thread.
type NewThread struct {
	Name    string        `json:"name"`
	From    string        `json:"from"` // id of the message it starts from; "": from none
	Private bool          `json:"private"`
	Age     time.Duration `json:"age_ns"` // started so long ago; not with From
}

// Post writes a message as a person and answers its id. An archived thread is unarchived; a locked one refuses.
func (s *Sim) Post(channelID, userID, content string, extra ...Extra) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ch, u, err := s.place(channelID, userID)
	if err != nil {
		return "", fmt.Errorf("post: %w", err)
	}
	switch {
	case ch.locked:
		return "", fmt.Errorf("post: thread %s is locked", channelID)
	case ch.kind == Forum:
		return "", fmt.Errorf("post: forum %s has posts only, use ForumPost", channelID)
	}
	var x Extra
	if len(extra) > 0 {
		x = extra[0]
	}
	m, err := s.written(ch, u, content, x, s.agedID(x.Age))
	if err != nil {
		return "", fmt.Errorf("post: %w", err)
	}
	s.unarchive(ch)
	if ch.kind.isThread() && !ch.members[s.bot.ID] && s.mentionsBot(m) {
		ch.members[s.bot.ID] = true
		s.dispatchThread("THREAD_CREATE", ch, nil)
	}
	if ch.kind.isThread() {
		ch.members[u.ID] = true
	}
	s.store(m)
	return m.ID, nil
}

// place finds where and who; the lock is held.
func (s *Sim) place(channelID, userID string) (*channel, *user, error) {
	ch, u := s.channels[channelID], s.users[userID]
	switch {
	case ch == nil || ch.deleted:
		return nil, nil, fmt.Errorf("unknown channel %q", channelID)
	case u == nil:
		return nil, nil, fmt.Errorf("unknown user %q", userID)
	}
	return ch, u, nil
}

// written makes a person's message; the caller stores it.
func (s *Sim) written(ch *channel, u *user, content string, x Extra, id uint64) (*message, error) {
	m := s.newMessage(ch, u, id)
	m.Content, m.Type = strip(content), x.Type
	for _, f := range x.Attachments {
		m.Attachments = append(m.Attachments, s.newAttachment(ch.id, upload{f.Name, f.ContentType, f.Data}))
	}
	if x.Sticker != "" {
		m.StickerItems = []sticker{{ID: format(s.newID()), Name: x.Sticker, FormatType: 1}}
	}
	if x.Components != nil {
		m.Components = x.Components
	}
	if x.Webhook {
		m.WebhookID = "9" + u.ID[1:]
		m.Author = user{ID: m.WebhookID, Username: u.Username, Discriminator: "0000", Bot: true}
	}
	if x.ReplyTo != "" {
		target := s.messages[x.ReplyTo]
		if target == nil || target.ChannelID != ch.id {
			return nil, fmt.Errorf("reply to unknown message %q", x.ReplyTo)
		}
		m.Type, m.ReferencedMessage = typeReply, target
		m.MessageReference = &reference{MessageID: target.ID, ChannelID: ch.id, GuildID: ch.guild}
	}
	if f := x.Forward; f != nil {
		s.forward(m, f)
	}
	s.ping(m, allowed{everyone: true, allUsers: true, allRoles: true, replied: true}, true)
	return m, nil
}

func (s *Sim) forward(m *message, f *Forward) {
	components := f.Components
	if components == nil {
		components = []json.RawMessage{}
	}
	snapshot, _ := json.Marshal(object{"message": object{
		"type": 0, "content": f.Content, "mentions": []any{}, "mention_roles": []any{}, "attachments": []any{},
		"embeds": []any{}, "timestamp": m.Timestamp, "edited_timestamp": nil, "flags": 0, "components": components,
	}})
	origin := format(s.newID())
	m.Content, m.Flags = "", m.Flags|flagHasSnapshot
	m.MessageReference = &reference{Type: 1, MessageID: origin, ChannelID: m.ChannelID}
	m.MessageSnapshots = []json.RawMessage{snapshot}
}

// Edit changes a person's message.
func (s *Sim) Edit(messageID, content string) error {
	return s.onMessage("edit", messageID, func(m *message) {
		now := stamp(s.now())
		m.Content, m.EditedTimestamp = strip(content), &now
		s.ping(m, allowed{everyone: true, allUsers: true, allRoles: true}, true)
		s.dispatchMessage("MESSAGE_UPDATE", m)
	})
}

// Unfurl adds the preview of a link: an update with the same text and no edited_timestamp.
func (s *Sim) Unfurl(messageID string) error {
	return s.onMessage("unfurl", messageID, func(m *message) {
		m.Embeds = []json.RawMessage{json.RawMessage(`{"type":"link","url":"https://example.com/","title":"Example"}`)}
		s.dispatchMessage("MESSAGE_UPDATE", m)
	})
}

// Delete deletes any message, as a moderator.
func (s *Sim) Delete(messageID string) error { return s.onMessage("delete", messageID, s.remove) }

func (s *Sim) onMessage(what, id string, f func(*message)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.messages[id]
	if m == nil || m.deleted {
		return fmt.Errorf("%s: unknown message %q", what, id)
	}
	f(m)
	return nil
}

// StartThread starts a thread as a person and answers its id.
func (s *Sim) StartThread(channelID, userID string, n NewThread) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ch, u, err := s.place(channelID, userID)
	if err != nil {
		return "", fmt.Errorf("start thread: %w", err)
	}
	if refusal := (&threadRequest{Name: n.Name}).check(); refusal != nil {
		return "", fmt.Errorf("start thread: name of %d bytes is not allowed", len(n.Name))
	}
	if n.From != "" {
		m := s.messages[n.From]
		if m == nil || m.deleted || m.ChannelID != channelID {
			return "", fmt.Errorf("start thread: unknown message %q", n.From)
		}
		t, refusal := s.threadFrom(ch, m, u, n.Name, 1440)
		if refusal != nil {
			return "", fmt.Errorf("start thread: %s", refusal.message)
		}
		return t.id, nil
	}
	if ch.kind != Text && ch.kind != Announcement {
		return "", fmt.Errorf("start thread: not in channel %s", channelID)
	}
	kind := threadKind(ch)
	if n.Private {
		kind = privateThread
	}
	t := s.openThread(ch, kind, s.agedID(n.Age), u.ID, n.Name, 1440)
	if !n.Private {
		s.announce(ch, t, u)
	}
	return t.id, nil
}

// ForumPost opens a post in a forum and answers the thread's id, which is its first message's too.
func (s *Sim) ForumPost(forumID, userID, title, content string, extra ...Extra) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	forum, u, err := s.place(forumID, userID)
	if err != nil {
		return "", fmt.Errorf("forum post: %w", err)
	}
	var x Extra
	if len(extra) > 0 {
		x = extra[0]
	}
	if refusal := (&threadRequest{Name: title}).check(); refusal != nil || forum.kind != Forum {
		return "", fmt.Errorf("forum post: not in channel %s with a title of %d bytes", forumID, len(title))
	}
	id := s.agedID(x.Age)
	m, err := s.written(forum, u, content, x, id)
	if err != nil {
		return "", fmt.Errorf("forum post: %w", err)
	}
	t := s.openThread(forum, publicThread, id, u.ID, title, 1440)
	m.ChannelID = t.id
	s.store(m)
	return t.id, nil
}

// Archive archives a thread, as a moderator.
func (s *Sim) Archive(thread string) error {
	return s.onThread(thread, func(t *channel) { s.setThread(t, true, t.locked) })
}

// Unarchive makes an archived thread active.
func (s *Sim) Unarchive(thread string) error {
	return s.onThread(thread, func(t *channel) { s.setThread(t, false, t.locked) })
}

// Lock leaves a thread to moderators.
func (s *Sim) Lock(thread string) error {
	return s.onThread(thread, func(t *channel) { s.setThread(t, t.archived, true) })
}

// Unlock gives a thread back to all.
func (s *Sim) Unlock(thread string) error {
	return s.onThread(thread, func(t *channel) { s.setThread(t, t.archived, false) })
}

func (s *Sim) onThread(id string, f func(*channel)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.channels[id]
	if t == nil || t.deleted || !t.kind.isThread() {
		return fmt.Errorf("change thread: unknown thread %q", id)
	}
	f(t)
	return nil
}

// Remove deletes a thread or channel, as a moderator. Threads go with their channel, and no event tells of them.
func (s *Sim) Remove(channelID string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	ch := s.channels[channelID]
	if ch == nil || ch.deleted || ch.kind == dmChannel {
		return fmt.Errorf("remove: unknown channel %q", channelID)
	}
	s.removeChannel(ch)
	return nil
}

func (s *Sim) removeChannel(ch *channel) {
	seen := s.botSees(ch)
	ch.deleted = true
	s.changedLocked()
	for _, t := range s.guilds[ch.guild].channels {
		if t.parent == ch.id {
			t.deleted = true
		}
	}
	switch {
	case !seen:
	case ch.kind.isThread():
		s.dispatch(ch.guild, intentGuilds, "THREAD_DELETE", object{"id": ch.id, "guild_id": ch.guild, "parent_id": ch.parent, "type": int(ch.kind)})
	default:
		s.dispatch(ch.guild, intentGuilds, "CHANNEL_DELETE", s.wire(ch))
	}
}
