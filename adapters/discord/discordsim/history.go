package discordsim

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// channelFor finds the channel of a call, or says why the bot may not know it.
func (s *Sim) channelFor(c *call) (*channel, *apiError) {
	ch := s.channels[c.PathValue("channel")]
	switch {
	case ch == nil || ch.deleted:
		return nil, errUnknownChannel
	case !s.botSees(ch):
		return nil, errMissingAccess
	}
	return ch, nil
}

// messageFor finds the message of a call. Ephemeral ones are reached by their interaction's token only.
func (s *Sim) messageFor(c *call) (*channel, *message, *apiError) {
	ch, refusal := s.channelFor(c)
	if refusal != nil {
		return nil, nil, refusal
	}
	m := s.messages[c.PathValue("message")]
	if m == nil || m.deleted || m.ChannelID != ch.id || m.visibleTo != "" {
		return nil, nil, errUnknownMessage
	}
	return ch, m, nil
}

// getMessages is GET /channels/{channel}/messages: newest first, and an empty list without the right to read history.
func (s *Sim) getMessages(c *call) (int, any, *apiError) {
	ch, refusal := s.channelFor(c)
	if refusal != nil {
		return 0, nil, refusal
	}
	q := c.URL.Query()
	limit := 50
	if v := q.Get("limit"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 || n > 100 {
			return 0, nil, invalid("limit", "NUMBER_TYPE_MAX", "int value should be between 1 and 100.")
		}
		limit = n
	}
	var by string
	var at uint64
	for _, name := range []string{"around", "before", "after"} {
		if v := q.Get(name); v != "" {
			n, ok := parseID(v)
			if !ok && v != "0" {
				return 0, nil, invalid(name, "NUMBER_TYPE_COERCE", fmt.Sprintf("Value %q is not snowflake.", v))
			}
			if by != "" {
				return 0, nil, invalid(name, "MUTUALLY_EXCLUSIVE", "Only one of around, before and after may be given.")
			}
			by, at = name, n
		}
	}
	page := []*message{}
	if ch.kind != dmChannel && !s.botMay(ch, ReadHistory) {
		return 200, page, nil
	}
	for _, m := range slice(ch, by, at, limit) {
		page = append(page, s.show(m, false))
	}
	slices.Reverse(page)
	return 200, page, nil
}

// slice takes up to limit messages beside at, in ascending order.
func slice(ch *channel, by string, at uint64, limit int) []*message {
	var all []*message
	for _, m := range ch.messages {
		if !m.deleted && m.visibleTo == "" {
			all = append(all, m)
		}
	}
	i, found := slices.BinarySearchFunc(all, at, func(m *message, id uint64) int {
		switch {
		case m.num < id:
			return -1
		case m.num > id:
			return 1
		}
		return 0
	})
	switch by {
	case "after":
		if found {
			i++
		}
		return all[i:min(i+limit, len(all))]
	case "before":
		return all[max(i-limit, 0):i]
	case "around":
		from := max(i-limit/2, 0)
		return all[from:min(from+limit, len(all))]
	}
	return all[max(len(all)-limit, 0):]
}

func (s *Sim) getMessage(c *call) (int, any, *apiError) {
	ch, m, refusal := s.messageFor(c)
	if refusal != nil {
		return 0, nil, refusal
	}
	if ch.kind != dmChannel && !s.botMay(ch, ReadHistory) {
		return 0, nil, errMissingPermissions
	}
	return 200, s.show(m, false), nil
}

func (s *Sim) patchMessage(c *call) (int, any, *apiError) {
	ch, m, refusal := s.messageFor(c)
	switch {
	case refusal != nil:
		return 0, nil, refusal
	case m.Author.ID != s.bot.ID || m.WebhookID != "" && m.WebhookID != s.cfg.AppID:
		return 0, nil, errNotYours
	case ch.archived:
		return 0, nil, errArchived
	}
	var req messageRequest
	if refusal := c.decode(&req); refusal != nil {
		return 0, nil, refusal
	}
	if refusal := s.edit(m, &req, c.files, mentionAll); refusal != nil {
		return 0, nil, refusal
	}
	return 200, s.show(m, false), nil
}

// edit changes a message of the bot, wholly or not at all.
func (s *Sim) edit(m *message, req *messageRequest, files []upload, byDefault mentionDefault) *apiError {
	changed := *m
	changed.Flags &^= flagLoading
	if refusal := s.rewrite(&changed, req, files, byDefault); refusal != nil {
		return refusal
	}
	now := stamp(s.now())
	changed.EditedTimestamp = &now
	*m = changed
	s.dispatchMessage("MESSAGE_UPDATE", m)
	return nil
}

func (s *Sim) deleteMessage(c *call) (int, any, *apiError) {
	ch, m, refusal := s.messageFor(c)
	switch {
	case refusal != nil:
		return 0, nil, refusal
	case m.Author.ID != s.bot.ID && ch.kind == dmChannel:
		return 0, nil, refuse(403, 50003, "Cannot execute action on a DM channel")
	case m.Author.ID != s.bot.ID && !s.botMay(ch, ManageMessages):
		return 0, nil, errMissingPermissions
	case ch.archived:
		return 0, nil, errArchived
	}
	s.remove(m)
	return 204, nil, nil
}

// remove deletes a message and tells the gateway its ids.
func (s *Sim) remove(m *message) {
	m.deleted = true
	s.changedLocked()
	ch := s.channels[m.ChannelID]
	if m.visibleTo != "" || !s.botSees(ch) {
		return
	}
	o, intents := object{"id": m.ID, "channel_id": ch.id}, intentDMs
	if ch.guild != "" {
		o["guild_id"], intents = ch.guild, intentMessages
	}
	s.dispatch(ch.guild, intents, "MESSAGE_DELETE", o)
}

func (s *Sim) addReaction(c *call) (int, any, *apiError)    { return s.react(c, true) }
func (s *Sim) removeReaction(c *call) (int, any, *apiError) { return s.react(c, false) }

func (s *Sim) react(c *call, add bool) (int, any, *apiError) {
	ch, m, refusal := s.messageFor(c)
	switch {
	case refusal != nil:
		return 0, nil, refusal
	case ch.archived:
		return 0, nil, errArchived
	case add && ch.kind != dmChannel && (!s.botMay(ch, ReadHistory) || !s.botMay(ch, AddReactions)):
		return 0, nil, errMissingPermissions
	}
	emoji := c.PathValue("emoji")
	event := "MESSAGE_REACTION_REMOVE"
	had := slices.Contains(m.reactions, emoji)
	if add {
		event = "MESSAGE_REACTION_ADD"
	}
	if had == add {
		return 204, nil, nil
	}
	if add {
		m.reactions = append(slices.Clone(m.reactions), emoji)
	} else {
		m.reactions = slices.DeleteFunc(slices.Clone(m.reactions), func(e string) bool { return e == emoji })
	}
	o, intents := object{"user_id": s.bot.ID, "channel_id": ch.id, "message_id": m.ID, "emoji": object{"id": nil, "name": emoji}, "burst": false, "type": 0}, intentDMReactions
	if ch.guild != "" {
		o["guild_id"], intents = ch.guild, intentReactions
	}
	s.dispatch(ch.guild, intents, event, o)
	return 204, nil, nil
}

func (s *Sim) typing(c *call) (int, any, *apiError) {
	ch, refusal := s.channelFor(c)
	if refusal == nil {
		refusal = s.maySend(ch)
	}
	if refusal != nil {
		return 0, nil, refusal
	}
	return 204, nil, nil
}

// serveAttachment stands for the CDN.
func (s *Sim) serveAttachment(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/") // attachments, channel, id, name
	s.mu.Lock()
	var found *attachment
	if len(parts) == 4 && s.channels[parts[1]] != nil {
		for _, m := range s.channels[parts[1]].messages {
			for i := range m.Attachments {
				if m.Attachments[i].ID == parts[2] && !m.deleted {
					found = &m.Attachments[i]
				}
			}
		}
	}
	expires, err := strconv.ParseInt(r.URL.Query().Get("ex"), 16, 64)
	stale := err != nil || s.now().Unix() > expires
	s.mu.Unlock()
	if found == nil || stale {
		http.Error(w, "This content is no longer available.", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", found.ContentType)
	_, _ = w.Write(found.data)
}
