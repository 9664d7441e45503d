package discordsim

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	maxContent  = 2000 // code points
	maxNonce    = 25   // characters
	maxEmbeds   = 10
	maxFiles    = 10
	maxFileSize = 10 << 20
	keptNonces  = 50_000
	maxStickers = 3
)

// messageRequest is the body of a message's creation or edit. A nil field was not sent.
type messageRequest struct {
	Content          *string            `json:"content"`
	Nonce            json.RawMessage    `json:"nonce"`
	EnforceNonce     bool               `json:"enforce_nonce"`
	TTS              bool               `json:"tts"`
	Embeds           *[]json.RawMessage `json:"embeds"`
	AllowedMentions  json.RawMessage    `json:"allowed_mentions"`
	MessageReference *struct {
		reference
		FailIfNotExists *bool `json:"fail_if_not_exists"`
	} `json:"message_reference"`
	Components *[]json.RawMessage `json:"components"`
	StickerIDs []string           `json:"sticker_ids"`
	Flags      int                `json:"flags"`
}

type sentNonce struct {
	message string
	at      time.Time
}

// strip normalizes content as Discord does: outer white space and characters that no text holds go.
func strip(content string) string {
	content = strings.ReplaceAll(strings.ToValidUTF8(content, ""), "\r\n", "\n")
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r == 0x7f || r == 0xfeff || r == 0xfffe || r == 0xffff {
			return -1
		}
		return r
	}, content))
}

var nonceNumber = regexp.MustCompile(`^-?\d{1,20}$`)

// parseNonce gives the nonce as text, "" when none was sent.
func parseNonce(raw json.RawMessage) (string, *apiError) {
	if len(raw) == 0 || string(raw) == "null" {
		return "", nil
	}
	var text string
	if json.Unmarshal(raw, &text) != nil {
		if !nonceNumber.Match(raw) {
			return "", invalid("nonce", "NONCE_TYPE_COERCE", "Nonce is neither a string nor an integer.")
		}
		text = string(raw)
	}
	if utf8.RuneCountInString(text) > maxNonce {
		return "", invalid("nonce", "NONCE_TYPE_TOO_LONG", "Must be 25 or fewer in length.")
	}
	return text, nil
}

// createMessage is POST /channels/{channel}/messages.
func (s *Sim) createMessage(c *call) (int, any, *apiError) {
	ch, refusal := s.channelFor(c)
	if refusal != nil {
		return 0, nil, refusal
	}
	var req messageRequest
	if refusal := c.decode(&req); refusal != nil {
		return 0, nil, refusal
	}
	m, refusal := s.postAsBot(ch, &req, c.files)
	if refusal != nil {
		return 0, nil, refusal
	}
	return 200, s.show(m, true), nil
}

// postAsBot makes the bot's message, or finds the one its nonce names.
func (s *Sim) postAsBot(ch *channel, req *messageRequest, files []upload) (*message, *apiError) {
	if refusal := s.maySend(ch); refusal != nil {
		return nil, refusal
	}
	nonce, refusal := parseNonce(req.Nonce)
	if refusal != nil {
		return nil, refusal
	}
	if req.EnforceNonce && nonce == "" {
		s.violate("enforce_nonce without a nonce")
	}
	if sent, ok := s.nonces[nonce]; ok && req.EnforceNonce && s.now().Sub(sent.at) < s.cfg.NonceWindow {
		earlier := s.messages[sent.message]
		if earlier.deleted {
			return nil, errUnknownMessage
		}
		return earlier, nil
	}
	m := s.newMessage(ch, s.bot, s.newID())
	if refusal := s.compose(m, req, files, mentionAll); refusal != nil {
		return nil, refusal
	}
	if nonce != "" {
		m.Nonce = req.Nonce
		s.rememberNonce(nonce, m.ID)
	}
	s.unarchive(ch)
	s.store(m)
	return m, nil
}

func (s *Sim) rememberNonce(nonce, id string) {
	if len(s.nonces) >= keptNonces {
		for k, sent := range s.nonces {
			if s.now().Sub(sent.at) >= s.cfg.NonceWindow {
				delete(s.nonces, k)
			}
		}
	}
	s.nonces[nonce] = sentNonce{id, s.now()}
}

// maySend says whether the bot may post here now.
func (s *Sim) maySend(ch *channel) *apiError {
	switch {
	case ch.kind == dmChannel:
		if s.users[ch.recipient].dmsClosed {
			return refuse(403, 50007, "Cannot send messages to this user")
		}
		return nil
	case ch.kind == Forum:
		return refuse(400, 50008, "Cannot send messages in a non-text channel")
	case ch.kind.isThread() && !s.botMay(ch, SendInThreads), !ch.kind.isThread() && !s.botMay(ch, SendMessages):
		return errMissingPermissions
	case ch.locked && !s.botMay(ch, ManageThreads):
		return errLocked
	}
	return nil
}

func (s *Sim) newMessage(ch *channel, author *user, id uint64) *message {
	return &message{
		ID: format(id), num: id, ChannelID: ch.id, Author: *author, Timestamp: stamp(idTime(id)),
		Mentions: []user{}, MentionRoles: []string{}, Attachments: []attachment{},
		Embeds: []json.RawMessage{}, Components: []json.RawMessage{},
	}
}

// compose fills a new message of the bot from a request.
func (s *Sim) compose(m *message, req *messageRequest, files []upload, byDefault mentionDefault) *apiError {
	m.TTS = req.TTS
	m.Flags |= req.Flags & flagsAllowedInCreate
	if r := req.MessageReference; r != nil && r.MessageID != "" {
		target := s.messages[r.MessageID]
		known := target != nil && !target.deleted && target.ChannelID == m.ChannelID
		switch {
		case known && target.Type != typeDefault && target.Type != typeReply && target.Type != typeCommand:
			return invalid("message_reference", "REPLIES_CANNOT_REPLY_TO_SYSTEM_MESSAGE", "Cannot reply to a system message")
		case known:
			m.Type = typeReply
			m.MessageReference = &reference{MessageID: target.ID, ChannelID: target.ChannelID, GuildID: s.channels[m.ChannelID].guild}
			m.ReferencedMessage = target
		case r.FailIfNotExists == nil || *r.FailIfNotExists:
			return invalid("message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message")
		}
	}
	if len(req.StickerIDs) > maxStickers {
		return invalid("sticker_ids", "BASE_TYPE_MAX_LENGTH", "Must be 3 or fewer in length.")
	}
	for _, id := range req.StickerIDs {
		m.StickerItems = append(m.StickerItems, sticker{ID: id, Name: "sticker", FormatType: 1})
	}
	return s.rewrite(m, req, files, byDefault)
}

// rewrite sets what an edit can change too.
func (s *Sim) rewrite(m *message, req *messageRequest, files []upload, byDefault mentionDefault) *apiError {
	if req.Content != nil {
		m.Content = strip(*req.Content)
		if utf8.RuneCountInString(m.Content) > maxContent {
			return invalid("content", "BASE_TYPE_MAX_LENGTH", "Must be 2000 or fewer in length.")
		}
		if s.automod != "" && strings.Contains(m.Content, s.automod) {
			return refuse(400, 200000, "Message was blocked by automatic moderation")
		}
	}
	if req.Embeds != nil {
		if len(*req.Embeds) > maxEmbeds {
			return invalid("embeds", "BASE_TYPE_MAX_LENGTH", "Must be 10 or fewer in length.")
		}
		m.Embeds = append([]json.RawMessage{}, *req.Embeds...)
	}
	if req.Components != nil {
		components, refusal := checkComponents(*req.Components, m.Flags&flagComponentsV2 != 0)
		if refusal != nil {
			return refusal
		}
		m.Components = components
	}
	if refusal := s.attach(m, files); refusal != nil {
		return refusal
	}
	if m.Content == "" && len(m.Embeds) == 0 && len(m.Attachments) == 0 && len(m.StickerItems) == 0 && len(m.Components) == 0 {
		return errEmptyMessage
	}
	return s.mention(m, req.AllowedMentions, byDefault)
}

func (s *Sim) attach(m *message, files []upload) *apiError {
	if len(m.Attachments)+len(files) > maxFiles {
		return invalid("attachments", "BASE_TYPE_MAX_LENGTH", "Must be 10 or fewer in length.")
	}
	list := slices.Clone(m.Attachments)
	for _, f := range files {
		if len(f.data) > maxFileSize {
			return errTooLarge
		}
		list = append(list, s.newAttachment(m.ChannelID, f))
	}
	m.Attachments = list
	return nil
}

var asciiName = regexp.MustCompile(`[^A-Za-z0-9._-]`)

// newAttachment gives a file its signed address, good for a day.
func (s *Sim) newAttachment(channel string, f upload) attachment {
	a := attachment{ID: format(s.newID()), Filename: asciiName.ReplaceAllString(f.name, ""), ContentType: f.contentType, Size: len(f.data), data: f.data}
	if a.Filename == "" {
		a.Filename = "unknown"
	}
	if a.Filename != f.name {
		a.Title = f.name
	}
	a.URL = fmt.Sprintf("%s/attachments/%s/%s/%s?ex=%x&is=%x&hm=0", s.cfg.CDN, channel, a.ID, a.Filename, s.now().Add(24*time.Hour).Unix(), s.now().Unix())
	a.ProxyURL = a.URL
	return a
}

// store puts a message in its place in the channel and tells the gateway.
func (s *Sim) store(m *message) {
	ch := s.channels[m.ChannelID]
	s.messages[m.ID] = m
	i := len(ch.messages)
	for i > 0 && ch.messages[i-1].num > m.num {
		i--
	}
	ch.messages = slices.Insert(ch.messages, i, m)
	if m.visibleTo == "" {
		ch.last = ch.messages[len(ch.messages)-1].ID
		ch.total++
	}
	s.dispatchMessage("MESSAGE_CREATE", m)
	s.changedLocked()
}

// show is a message as REST answers it.
func (s *Sim) show(m *message, nonce bool) *message {
	c := *s.scrub(m, !s.cfg.NoMessageContent)
	if !nonce {
		c.Nonce = nil
	}
	if t := s.channels[c.ID]; t != nil && t.kind.isThread() && !t.deleted && c.ChannelID == t.parent {
		c.Thread = s.wire(t)
	}
	if ref := c.ReferencedMessage; ref != nil {
		if ref.deleted {
			c.ReferencedMessage = nil
		} else {
			r := *s.scrub(ref, !s.cfg.NoMessageContent)
			r.ReferencedMessage, r.Nonce = nil, nil
			c.ReferencedMessage = &r
		}
	}
	return &c
}
