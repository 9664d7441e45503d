package discordsim

import (
	"cmp"
	"slices"
	"unicode/utf8"
)

const (
	maxName          = 100
	maxActiveThreads = 1000 // per guild (community)
)

var autoArchiveMinutes = []int{60, 1440, 4320, 10080}

// threadRequest is the body of POST …/threads.
type threadRequest struct {
	Name        string          `json:"name"`
	AutoArchive *int            `json:"auto_archive_duration"`
	Type        *ChannelType    `json:"type"`
	Slowmode    *int            `json:"rate_limit_per_user"`
	Message     *messageRequest `json:"message"`
}

func (q *threadRequest) check() *apiError {
	switch n := utf8.RuneCountInString(strip(q.Name)); {
	case n < 1 || n > maxName:
		return invalid("name", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length.")
	case q.AutoArchive != nil && !slices.Contains(autoArchiveMinutes, *q.AutoArchive):
		return invalid("auto_archive_duration", "BASE_TYPE_CHOICES", "Value must be one of (60, 1440, 4320, 10080).")
	case q.Slowmode != nil && (*q.Slowmode < 0 || *q.Slowmode > 21600):
		return invalid("rate_limit_per_user", "NUMBER_TYPE_MAX", "int value should be between 0 and 21600.")
	}
	return nil
}

func (q *threadRequest) duration() int {
	if q.AutoArchive == nil {
		return 1440
	}
	return *q.AutoArchive
}

// openThread makes a thread and tells the gateway.
func (s *Sim) openThread(parent *channel, kind ChannelType, id uint64, owner, name string, autoArchive int) *channel {
	at := idTime(id)
	t := &channel{
		id: format(id), guild: parent.guild, parent: parent.id, kind: kind, owner: owner, name: strip(name),
		autoArchive: autoArchive, created: at, archiveStamp: at, members: map[string]bool{owner: true},
	}
	s.channels[t.id] = t
	g := s.guilds[t.guild]
	g.channels = append(g.channels, t)
	s.dispatchThread("THREAD_CREATE", t, object{"newly_created": true})
	s.changedLocked()
	return t
}

// threadCap refuses a new thread in a guild that has too many active ones.
func (s *Sim) threadCap(parent *channel) *apiError {
	active := 0
	for _, t := range s.guilds[parent.guild].channels {
		if t.kind.isThread() && !t.archived && !t.deleted {
			active++
		}
	}
	if active >= maxActiveThreads && !s.cfg.NoLimits {
		return refuse(400, 160006, "Maximum number of active threads reached")
	}
	return nil
}

func threadKind(parent *channel) ChannelType {
	if parent.kind == Announcement {
		return announcementThread
	}
	return publicThread
}

// threadFrom starts a thread from a message: same id, and a first message of type 21 that points to it.
func (s *Sim) threadFrom(parent *channel, m *message, owner *user, name string, autoArchive int) (*channel, *apiError) {
	switch {
	case s.channels[m.ID] != nil:
		return nil, refuse(400, 160004, "A thread has already been created for this message")
	case parent.kind != Text && parent.kind != Announcement:
		return nil, refuse(400, 50024, "Cannot execute action on this channel type")
	case m.Type != typeDefault && m.Type != typeReply && m.Type != typeCommand && m.Type != typeContextMenu:
		return nil, refuse(400, 50021, "Cannot execute action on a system message")
	}
	t := s.openThread(parent, threadKind(parent), m.num, owner.ID, name, autoArchive)
	starter := s.newMessage(t, &m.Author, s.newID())
	starter.Type = typeStarter
	starter.MessageReference = &reference{MessageID: m.ID, ChannelID: m.ChannelID, GuildID: parent.guild}
	starter.ReferencedMessage = m
	s.store(starter)
	m.Flags |= flagHasThread
	s.dispatchMessage("MESSAGE_UPDATE", m)
	return t, nil
}

// createThreadFrom is POST /channels/{channel}/messages/{message}/threads.
func (s *Sim) createThreadFrom(c *call) (int, any, *apiError) {
	ch, m, refusal := s.messageFor(c)
	if refusal != nil {
		return 0, nil, refusal
	}
	var req threadRequest
	if refusal := cmp.Or(c.decode(&req), req.check()); refusal != nil {
		return 0, nil, refusal
	}
	switch {
	case ch.guild == "":
		return 0, nil, refuse(400, 50024, "Cannot execute action on this channel type")
	case !s.botMay(ch, CreatePublicThreads):
		return 0, nil, errMissingPermissions
	case s.threadCap(ch) != nil:
		return 0, nil, s.threadCap(ch)
	}
	t, refusal := s.threadFrom(ch, m, s.bot, req.Name, req.duration())
	if refusal != nil {
		return 0, nil, refusal
	}
	return 201, s.wire(t), nil
}

// createThread is POST /channels/{channel}/threads: without a message, private unless the type says otherwise; in a
// forum with its first message, whose id is the thread's.
func (s *Sim) createThread(c *call) (int, any, *apiError) {
	ch, refusal := s.channelFor(c)
	if refusal != nil {
		return 0, nil, refusal
	}
	var req threadRequest
	if refusal := cmp.Or(c.decode(&req), req.check()); refusal != nil {
		return 0, nil, refusal
	}
	if ch.kind != Text && ch.kind != Announcement && ch.kind != Forum {
		return 0, nil, refuse(400, 50024, "Cannot execute action on this channel type")
	}
	if refusal := s.threadCap(ch); refusal != nil {
		return 0, nil, refusal
	}
	if ch.kind == Forum {
		return s.createPost(ch, &req, c.files)
	}
	kind := privateThread
	if req.Type != nil {
		kind = *req.Type
	}
	switch {
	case kind == privateThread && ch.kind == Text:
		if !s.botMay(ch, CreatePrivateThreads) {
			return 0, nil, errMissingPermissions
		}
	case kind == threadKind(ch):
		if !s.botMay(ch, CreatePublicThreads) {
			return 0, nil, errMissingPermissions
		}
	default:
		return 0, nil, invalid("type", "BASE_TYPE_CHOICES", "This type of thread cannot be started here.")
	}
	t := s.openThread(ch, kind, s.newID(), s.bot.ID, req.Name, req.duration())
	if kind != privateThread {
		s.announce(ch, t, s.bot)
	}
	return 201, s.wire(t), nil
}

// announce leaves the line "… started a thread" in the parent.
func (s *Sim) announce(parent, t *channel, by *user) {
	m := s.newMessage(parent, by, s.newID())
	m.Type, m.Content = typeThreadCreated, t.name
	m.MessageReference = &reference{ChannelID: t.id, GuildID: t.guild}
	s.store(m)
}

func (s *Sim) createPost(forum *channel, req *threadRequest, files []upload) (int, any, *apiError) {
	switch {
	case !s.botMay(forum, SendMessages):
		return 0, nil, errMissingPermissions
	case req.Message == nil:
		return 0, nil, invalid("message", "BASE_TYPE_REQUIRED", "This field is required")
	}
	id := s.newID()
	draft := s.newMessage(forum, s.bot, id)
	if refusal := s.compose(draft, req.Message, files, mentionAll); refusal != nil {
		return 0, nil, refusal
	}
	t := s.openThread(forum, publicThread, id, s.bot.ID, req.Name, req.duration())
	draft.ChannelID = t.id
	s.store(draft)
	o := s.wire(t)
	o["message"] = s.show(draft, false)
	return 201, o, nil
}

// unarchive is what a post does to an archived thread.
func (s *Sim) unarchive(ch *channel) {
	if ch.archived {
		s.setThread(ch, false, ch.locked)
	}
}

func (s *Sim) setThread(t *channel, archived, locked bool) {
	if t.archived != archived {
		t.archiveStamp = s.now()
	}
	t.archived, t.locked = archived, locked
	s.dispatchThread("THREAD_UPDATE", t, nil)
	s.changedLocked()
}

func (s *Sim) getChannel(c *call) (int, any, *apiError) {
	ch, refusal := s.channelFor(c)
	if refusal != nil {
		return 0, nil, refusal
	}
	return 200, s.wire(ch), nil
}

// patchChannel changes a thread. An archived one can only be unarchived, with further changes in the same call.
func (s *Sim) patchChannel(c *call) (int, any, *apiError) {
	ch, refusal := s.channelFor(c)
	if refusal != nil {
		return 0, nil, refusal
	}
	var req struct {
		Name        *string `json:"name"`
		Archived    *bool   `json:"archived"`
		Locked      *bool   `json:"locked"`
		AutoArchive *int    `json:"auto_archive_duration"`
	}
	if refusal := c.decode(&req); refusal != nil {
		return 0, nil, refusal
	}
	manage := s.botMay(ch, ManageThreads)
	unarchives := req.Archived != nil && !*req.Archived
	check := threadRequest{Name: ch.name, AutoArchive: req.AutoArchive}
	if req.Name != nil {
		check.Name = *req.Name
	}
	switch {
	case !ch.kind.isThread():
		return 0, nil, errMissingPermissions // MANAGE_CHANNELS is never granted
	case check.check() != nil:
		return 0, nil, check.check()
	case ch.archived && !unarchives:
		return 0, nil, errArchived
	case ch.locked && !manage:
		return 0, nil, errLocked
	case req.Locked != nil && !manage:
		return 0, nil, errMissingPermissions
	case !manage && ch.owner != s.bot.ID && (!unarchives || req.Name != nil || req.AutoArchive != nil || !s.botMay(ch, SendInThreads)):
		return 0, nil, errMissingPermissions
	}
	if req.Name != nil {
		if wait := s.mayRename(ch.id); wait > 0 {
			return 0, nil, &apiError{wait: wait}
		}
		ch.name = strip(*req.Name)
	}
	if req.AutoArchive != nil {
		ch.autoArchive = *req.AutoArchive
	}
	archived, locked := ch.archived, ch.locked
	if req.Archived != nil {
		archived = *req.Archived
	}
	if req.Locked != nil {
		locked = *req.Locked
	}
	s.setThread(ch, archived, locked)
	return 200, s.wire(ch), nil
}

func (s *Sim) deleteChannel(c *call) (int, any, *apiError) {
	ch, refusal := s.channelFor(c)
	switch {
	case refusal != nil:
		return 0, nil, refusal
	case ch.kind == dmChannel:
		return 200, s.wire(ch), nil // closes it in the client only
	case !ch.kind.isThread() || !s.botMay(ch, ManageThreads):
		return 0, nil, errMissingPermissions
	}
	answer := s.wire(ch)
	s.removeChannel(ch)
	return 200, answer, nil
}

func (s *Sim) joinThread(c *call) (int, any, *apiError) {
	ch, refusal := s.channelFor(c)
	switch {
	case refusal != nil:
		return 0, nil, refusal
	case !ch.kind.isThread():
		return 0, nil, refuse(400, 50024, "Cannot execute action on this channel type")
	case ch.archived:
		return 0, nil, errArchived
	}
	ch.members[s.bot.ID] = true
	s.dispatchThread("THREAD_CREATE", ch, nil)
	return 204, nil, nil
}
