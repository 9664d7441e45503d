package slacksim

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	maxText     = 40_000 // characters; chat.postMessage cuts what is over
	splitOver   = 4_040  // characters; longer texts become several messages
	splitAt     = 4_000
	maxUpdate   = 4_000  // chat.update: msg_too_long
	maxMarkdown = 12_000 // characters of markdown_text, and of all markdown blocks together
	maxMetadata = 16 << 10
)

var (
	tsPattern    = regexp.MustCompile(`^\d{10}\.\d{6}$`)
	emojiPattern = regexp.MustCompile(`^:[^:\s]+:$`)
)

// target is the channel the bot may write to. Slack hides private channels the bot is not in.
func (s *Sim) target(id string) (*channel, *refusal) {
	if strings.HasPrefix(id, "U") && s.users[id] != nil {
		ch, _ := s.openDM(id)
		return ch, nil
	}
	ch := s.channels[id]
	switch {
	case ch == nil, !ch.bot && ch.kind == "group":
		return nil, refuse("channel_not_found")
	case !ch.bot:
		return nil, refuse("not_in_channel")
	case ch.archived:
		return nil, refuse("is_archived")
	}
	return ch, nil
}

// draft reads what all posting methods share: text, blocks, metadata, name and face.
func (s *Sim) draft(a args) (*message, *refusal) {
	m := &message{Message: Message{User: s.cfg.BotUser, BotID: s.cfg.BotID, Text: a["text"]}}
	if md := a["markdown_text"]; md != "" {
		switch {
		case a["text"] != "" || a["blocks"] != "":
			return nil, refuse("markdown_text_conflict")
		case utf8.RuneCountInString(md) > maxMarkdown:
			return nil, refuse("msg_too_long")
		}
		m.Text = md
	}
	if text := a["blocks"]; text != "" && text != "[]" {
		marks, bad := checkBlocks(text)
		if bad != nil {
			return nil, bad
		}
		m.Blocks, m.Pings = json.RawMessage(text), marks
	}
	if text := a["attachments"]; text != "" && text != "[]" {
		var list []json.RawMessage
		switch err := json.Unmarshal([]byte(text), &list); {
		case err != nil:
			return nil, refuse("invalid_attachments")
		case len(list) > 100:
			return nil, refuse("too_many_attachments")
		}
		m.attachments = json.RawMessage(text)
	}
	if m.Text == "" && m.Blocks == nil && m.attachments == nil {
		return nil, refuse("no_text")
	}
	var bad *refusal
	if m.Metadata, bad = readMetadata(a["metadata"]); bad != nil {
		return nil, bad
	}
	for _, who := range pings(m.Text) {
		if !slices.Contains(m.Pings, who) {
			m.Pings = append(m.Pings, who)
		}
	}
	return m, s.dress(m, a)
}

// dress gives the message the name and icon asked for.
func (s *Sim) dress(m *message, a args) *refusal {
	if a["link_names"] != "" && a["link_names"] != "0" && a["link_names"] != "false" {
		s.violate("link_names is set")
	}
	if a["parse"] == "full" {
		s.violate("parse=full")
	}
	if a["username"] == "" && a["icon_url"] == "" && a["icon_emoji"] == "" {
		return nil
	}
	if bad := s.needs("chat:write.customize"); bad != nil {
		return bad
	}
	m.Subtype, m.User, m.Username = "bot_message", "", a["username"]
	if m.Username == "" {
		m.Username = s.cfg.BotName
	}
	if e := a["icon_emoji"]; e != "" && emojiPattern.MatchString(e) {
		m.IconEmoji = e
	} else if u := a["icon_url"]; strings.HasPrefix(u, "https://") || strings.HasPrefix(u, "http://") {
		m.IconURL = u
	}
	return nil
}

func readMetadata(text string) (*Metadata, *refusal) {
	if text == "" {
		return nil, nil
	}
	if len(text) > maxMetadata {
		return nil, refuse("metadata_too_large")
	}
	var md Metadata
	var payload map[string]json.RawMessage
	if json.Unmarshal([]byte(text), &md) != nil || md.EventType == "" || json.Unmarshal(md.EventPayload, &payload) != nil || payload == nil {
		return nil, refuse("invalid_metadata_format")
	}
	return &md, nil
}

// thread decides where a post with this thread_ts goes: "" is the channel itself.
func (s *Sim) thread(ch *channel, ts string) (string, *refusal) {
	if ts == "" {
		return "", nil
	}
	if !tsPattern.MatchString(ts) {
		return "", refuse("invalid_thread_ts")
	}
	root := ch.byTS[ts]
	switch {
	case root == nil && !ch.gone[ts]:
		s.violate("thread_ts %s never was a message in %s", ts, ch.id)
		return "", nil
	case root == nil || root.deleted:
		return "", nil // the trap: into the channel, with ok:true
	case root.ThreadTS != "":
		s.violate("thread_ts %s in %s is a reply's, not the root's", ts, ch.id)
		return root.ThreadTS, nil
	case strings.HasPrefix(root.Subtype, "channel_") || strings.HasPrefix(root.Subtype, "group_"):
		return "", refuse("cannot_reply_to_message")
	}
	return ts, nil
}

// postMessage is Slack's chat.postMessage.
func (s *Sim) postMessage(a args) (answer, *refusal) {
	ch, bad := s.target(a["channel"])
	if bad != nil {
		return nil, bad
	}
	m, bad := s.draft(a)
	if bad != nil {
		return nil, bad
	}
	if m.ThreadTS, bad = s.thread(ch, a["thread_ts"]); bad != nil {
		return nil, bad
	}
	if m.ThreadTS != "" && a.flag("reply_broadcast") {
		m.Subtype = "thread_broadcast"
	}
	delete(s.typing, ch.id+" "+m.ThreadTS)
	for i, text := range splitText(m.Text, m.Blocks != nil) {
		part := m
		if i > 0 {
			part = &message{Message: m.Message}
			part.Metadata = nil
		}
		part.Channel, part.TS, part.Text = ch.id, s.nextTS(), text
		s.publish(ch, part)
	}
	return answer{"channel": ch.id, "ts": m.TS, "message": s.answerMessage(ch, m)}, nil
}

// answerMessage is a message as the posting methods show it.
func (s *Sim) answerMessage(ch *channel, m *message) wire {
	w := s.wire(ch, m)
	w.ReplyCount, w.ReplyUsersCount, w.ReplyUsers, w.LatestReply = 0, 0, nil, ""
	return w
}

// splitText cuts as Slack was measured to do.
func splitText(text string, hasBlocks bool) []string {
	if len(text) <= splitAt {
		return []string{text}
	}
	runes := []rune(text)
	runes = runes[:min(len(runes), maxText)]
	if hasBlocks || len(runes) <= splitOver {
		return []string{string(runes)}
	}
	var parts []string
	for part := range slices.Chunk(runes, splitAt) {
		parts = append(parts, string(part))
	}
	return parts
}

// postEphemeral is Slack's chat.postEphemeral.
func (s *Sim) postEphemeral(a args) (answer, *refusal) {
	ch, bad := s.target(a["channel"])
	if bad != nil {
		return nil, bad
	}
	user := a["user"]
	if s.users[user] == nil || ch.absent[user] || ch.kind == "im" && ch.person != user {
		return nil, refuse("user_not_in_channel")
	}
	m, bad := s.draft(a)
	if bad != nil {
		return nil, bad
	}
	if m.ThreadTS, bad = s.thread(ch, a["thread_ts"]); bad != nil {
		return nil, bad
	}
	m.Channel, m.TS, m.For = ch.id, s.nextTS(), user
	s.ephemerals = append(s.ephemerals, m.Message)
	return answer{"message_ts": m.TS}, nil
}

// own finds a message of ours. Slack: cant_update_message, cant_delete_message for others'.
func (s *Sim) own(a args, notOurs string) (*channel, *message, *refusal) {
	ch, bad := s.target(a["channel"])
	if bad != nil {
		return nil, nil, bad
	}
	m := ch.byTS[a["ts"]]
	switch {
	case m == nil || m.deleted:
		return nil, nil, refuse("message_not_found")
	case m.BotID != s.cfg.BotID:
		return nil, nil, refuse(notOurs)
	}
	return ch, m, nil
}

// updateMessage is Slack's chat.update: text without blocks removes blocks, metadata stays if not given, the name
// and the icon cannot change.
func (s *Sim) updateMessage(a args) (answer, *refusal) {
	ch, m, bad := s.own(a, "cant_update_message")
	if bad != nil {
		return nil, bad
	}
	for _, fixed := range []string{"username", "icon_url", "icon_emoji"} {
		if a[fixed] != "" {
			s.violate("chat.update has no %s", fixed)
			delete(a, fixed)
		}
	}
	d, bad := s.draft(a)
	switch {
	case bad != nil:
		return nil, bad
	case utf8.RuneCountInString(d.Text) > maxUpdate:
		return nil, refuse("msg_too_long")
	}
	s.rewrite(ch, m, d)
	w := s.answerMessage(ch, m)
	return answer{"channel": ch.id, "ts": m.TS, "text": m.Text, "message": w}, nil
}

func (s *Sim) rewrite(ch *channel, m, d *message) {
	s.alter(ch, m, func() {
		m.Text, m.Blocks, m.attachments, m.Pings = d.Text, d.Blocks, d.attachments, d.Pings
		if d.Metadata != nil {
			m.Metadata = d.Metadata
		}
		m.EditedTS = s.nextTS()
	})
}

// deleteMessage is Slack's chat.delete.
func (s *Sim) deleteMessage(a args) (answer, *refusal) {
	ch, m, bad := s.own(a, "cant_delete_message")
	if bad != nil {
		return nil, bad
	}
	s.remove(ch, m)
	return answer{"channel": ch.id, "ts": a["ts"]}, nil
}
