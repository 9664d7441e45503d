package discordsim

// callback is POST /interactions/{interaction}/{token}/callback: the first answer, once and within 3 s.
func (s *Sim) callback(c *call) (int, any, *apiError) {
	x := s.tokens[c.PathValue("token")]
	switch {
	case x == nil || x.id != c.PathValue("interaction"):
		return 0, nil, errUnknownInteraction
	case x.acked:
		return 0, nil, refuse(400, 40060, "Interaction has already been acknowledged.")
	case x.failed(s.now()):
		return 0, nil, errUnknownInteraction
	}
	var req struct {
		Type int            `json:"type"`
		Data messageRequest `json:"data"`
	}
	if refusal := c.decode(&req); refusal != nil {
		return 0, nil, refusal
	}
	ch := s.channels[x.channel]
	switch {
	case ch.deleted:
		return 0, nil, errUnknownChannel
	case ch.archived && ch.locked:
		return 0, nil, errArchived
	}
	if refusal := s.firstAnswer(x, req.Type, &req.Data, c.files); refusal != nil {
		return 0, nil, refusal
	}
	x.acked = true
	s.changedLocked()
	if c.URL.Query().Get("with_response") != "true" {
		return 204, nil, nil
	}
	about := object{"id": x.id, "type": x.kind}
	o := object{"interaction": about}
	if m := x.original; m != nil && (req.Type == answerMessage || req.Type == deferMessage || req.Type == updateMessage) {
		about["response_message_id"] = m.ID
		about["response_message_loading"] = m.Flags&flagLoading != 0
		about["response_message_ephemeral"] = x.ephemeral
		o["resource"] = object{"type": req.Type, "message": s.show(m, false)}
	}
	return 200, o, nil
}

func (s *Sim) firstAnswer(x *interaction, kind int, req *messageRequest, files []upload) *apiError {
	component := x.kind == interactionComponent
	switch {
	case kind == answerMessage:
		m, refusal := s.reply(x, req, files, false)
		if refusal != nil {
			return refusal
		}
		x.original, x.ephemeral = m, m.visibleTo != ""
	case kind == deferMessage:
		x.deferred, x.ephemeral = true, req.Flags&flagEphemeral != 0
		x.original = s.thinking(x)
	case kind == deferUpdate && component:
		x.deferred, x.original = true, x.source
	case kind == updateMessage && component:
		x.original = x.source
		return s.edit(x.source, req, files, mentionUsers)
	default:
		return invalid("type", "BASE_TYPE_CHOICES", "This type of answer does not fit the interaction.")
	}
	return nil
}

// draft is an empty answer in the interaction's channel.
func (s *Sim) draft(x *interaction, ephemeral bool) *message {
	m := s.newMessage(s.channels[x.channel], s.bot, s.newID())
	m.ApplicationID, m.WebhookID = s.cfg.AppID, s.cfg.AppID
	m.InteractionMetadata = object{
		"id": x.id, "type": x.kind, "user": *s.users[x.user], "authorizing_integration_owners": object{"0": s.channels[x.channel].guild},
	}
	if x.source != nil {
		m.InteractionMetadata["interacted_message_id"] = x.source.ID
	}
	if ephemeral {
		m.Flags |= flagEphemeral
		m.visibleTo = x.user
	}
	return m
}

// thinking is the message a deferred answer shows.
func (s *Sim) thinking(x *interaction) *message {
	m := s.draft(x, x.ephemeral)
	m.Type, m.Flags = typeCommand, m.Flags|flagLoading
	s.deliver(x, m)
	return m
}

// reply makes an answer or a follow-up.
func (s *Sim) reply(x *interaction, req *messageRequest, files []upload, followUp bool) (*message, *apiError) {
	m := s.draft(x, req.Flags&flagEphemeral != 0)
	req.MessageReference = nil
	if refusal := s.compose(m, req, files, mentionUsers); refusal != nil {
		return nil, refusal
	}
	target := x.source
	if followUp {
		target = x.original
	}
	if target == nil {
		m.Type = typeCommand
	} else {
		m.Type, m.ReferencedMessage = typeReply, target
		m.MessageReference = &reference{MessageID: target.ID, ChannelID: target.ChannelID, GuildID: s.channels[x.channel].guild}
	}
	s.deliver(x, m)
	return m, nil
}

func (s *Sim) deliver(x *interaction, m *message) {
	if m.visibleTo == "" {
		s.unarchive(s.channels[x.channel])
	}
	s.store(m)
	x.answers = append(x.answers, m)
}

// authorized finds the interaction of a token that still lives.
func (s *Sim) authorized(c *call) (*interaction, *apiError) {
	x := s.tokens[c.PathValue("token")]
	switch {
	case x == nil || c.PathValue("app") != s.cfg.AppID:
		return nil, errUnknownWebhook
	case s.now().Sub(x.at) > tokenTime:
		return nil, refuse(401, 50027, "Invalid Webhook Token")
	case !x.acked:
		return nil, errUnknownWebhook
	}
	return x, nil
}

// answerFor finds the message of …/messages/@original or …/messages/<id>.
func (s *Sim) answerFor(c *call) (*interaction, *message, *apiError) {
	x, refusal := s.authorized(c)
	if refusal != nil {
		return nil, nil, refusal
	}
	id := c.PathValue("answer")
	m := x.original
	if id != "@original" {
		m = nil
		for _, a := range x.answers {
			if a.ID == id {
				m = a
			}
		}
	}
	if m == nil || m.deleted {
		return nil, nil, errUnknownMessage
	}
	if s.channels[x.channel].deleted {
		return nil, nil, errUnknownChannel
	}
	return x, m, nil
}

func (s *Sim) getAnswer(c *call) (int, any, *apiError) {
	_, m, refusal := s.answerFor(c)
	if refusal != nil {
		return 0, nil, refusal
	}
	return 200, s.show(m, false), nil
}

func (s *Sim) patchAnswer(c *call) (int, any, *apiError) {
	x, m, refusal := s.answerFor(c)
	if refusal != nil {
		return 0, nil, refusal
	}
	var req messageRequest
	if refusal := c.decode(&req); refusal != nil {
		return 0, nil, refusal
	}
	if ch := s.channels[x.channel]; ch.archived {
		return 0, nil, errArchived
	}
	if refusal := s.edit(m, &req, c.files, mentionUsers); refusal != nil {
		return 0, nil, refusal
	}
	s.changedLocked()
	return 200, s.show(m, false), nil
}

func (s *Sim) deleteAnswer(c *call) (int, any, *apiError) {
	_, m, refusal := s.answerFor(c)
	if refusal != nil {
		return 0, nil, refusal
	}
	s.remove(m)
	return 204, nil, nil
}

// followUp is POST /webhooks/{app}/{token}. Right after a deferred answer it acts as the edit of @original.
func (s *Sim) followUp(c *call) (int, any, *apiError) {
	x, refusal := s.authorized(c)
	if refusal == nil && s.channels[x.channel].deleted {
		refusal = errUnknownChannel
	}
	if refusal != nil {
		return 0, nil, refusal
	}
	var req messageRequest
	if refusal := c.decode(&req); refusal != nil {
		return 0, nil, refusal
	}
	if m := x.original; m != nil && !m.deleted && m.Flags&flagLoading != 0 {
		s.violate("follow-up instead of PATCH @original after a deferred answer (deprecated)")
		if refusal := s.edit(m, &req, c.files, mentionUsers); refusal != nil {
			return 0, nil, refusal
		}
		return 200, s.show(m, false), nil
	}
	m, refusal := s.reply(x, &req, c.files, true)
	if refusal != nil {
		return 0, nil, refusal
	}
	return 200, s.show(m, false), nil
}
