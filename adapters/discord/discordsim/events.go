package discordsim

import (
	"encoding/json"
	"strconv"
	"time"
)

// Intents that the events served here need.
const (
	intentGuilds         = 1 << 0
	intentMessages       = 1 << 9
	intentReactions      = 1 << 10
	intentTyping         = 1 << 11
	intentDMs            = 1 << 12
	intentDMReactions    = 1 << 13
	intentDMTyping       = 1 << 14
	intentContent        = 1 << 15
	intentMembers        = 1 << 1
	intentPresences      = 1 << 8
	validIntents         = 1<<17 - 1 | 1<<20 | 1<<21 | 1<<24 | 1<<25
	privilegedNotGranted = intentMembers | intentPresences
)

// session is what Resume continues: the events since READY, with or without a connection.
type session struct {
	id         string
	intents    int
	shard      [2]int
	frames     []frame // seqs without gaps
	seq        int64
	conn       *conn
	detachedAt time.Time
	held       func() // an event that Swap holds back
}

type frame struct {
	seq  int64
	live bool // READY and RESUMED: not replayed
	data []byte
}

// append stores an event; the connection's writer takes it from here.
func (x *session) append(event string, data []byte, live bool) {
	x.seq++
	b := make([]byte, 0, len(data)+64)
	b = append(b, `{"op":0,"t":"`...)
	b = append(b, event...)
	b = append(b, `","s":`...)
	b = strconv.AppendInt(b, x.seq, 10)
	b = append(b, `,"d":`...)
	b = append(b, data...)
	b = append(b, '}')
	if len(x.frames) >= 2*keptFrames {
		x.frames = append([]frame(nil), x.frames[len(x.frames)-keptFrames:]...)
	}
	x.frames = append(x.frames, frame{x.seq, live, b})
	if x.conn != nil {
		x.conn.ring()
	}
}

// oldest is the lowest seq that is still kept.
func (x *session) oldest() int64 {
	if len(x.frames) == 0 {
		return x.seq + 1
	}
	return x.frames[0].seq
}

// sees says whether the shard of the session is the guild's; what has no guild goes to shard 0.
func (x *session) sees(guild string) bool {
	if guild == "" {
		return x.shard[0] == 0
	}
	n, _ := parseID(guild)
	return int((n>>22)%uint64(x.shard[1])) == x.shard[0]
}

// dispatch sends an event to all sessions that asked for one of the intents (0: to all). The caller holds the lock.
func (s *Sim) dispatch(guild string, intents int, event string, data any) {
	s.dispatchTo(guild, intents, event, func(*session) any { return data })
}

func (s *Sim) dispatchTo(guildID string, intents int, event string, data func(*session) any) {
	s.changedLocked()
	if g := s.guilds[guildID]; guildID != "" && event != "GUILD_DELETE" && (g == nil || g.absent || g.out) {
		return
	}
	s.expireSessions()
	duplicate := s.gateway.duplicate > 0 && len(s.gateway.sessions) > 0
	if duplicate {
		s.gateway.duplicate--
	}
	swap := s.gateway.swap
	for _, x := range s.gateway.sessions {
		if intents != 0 && x.intents&intents == 0 || !x.sees(guildID) {
			continue
		}
		body, err := json.Marshal(data(x))
		if err != nil {
			s.violate("simulator: encode %s: %v", event, err)
			return
		}
		send := func() {
			x.append(event, body, false)
			if duplicate {
				x.append(event, body, false)
			}
		}
		if swap {
			x.held, s.gateway.swap = send, false
			continue
		}
		send()
		if held := x.held; held != nil {
			x.held = nil
			held()
		}
	}
}

// dispatchMessage sends a message event. Sessions without the content intent get the text of their own messages,
// direct messages and mentions only.
func (s *Sim) dispatchMessage(event string, m *message) {
	if m.visibleTo != "" {
		return // ephemeral messages have no events
	}
	ch := s.channels[m.ChannelID]
	if s.gateway.mute || !s.botSees(ch) {
		return
	}
	intents := intentMessages
	if ch.kind == dmChannel {
		intents = intentDMs
	}
	copied := *m
	copied.GuildID = ch.guild
	if u := s.users[m.Author.ID]; u != nil && ch.guild != "" && m.WebhookID == "" {
		copied.Member = u.member()
	}
	s.dispatchTo(ch.guild, intents, event, func(x *session) any {
		return s.scrub(&copied, x.intents&intentContent != 0)
	})
}

// scrub empties what the content intent guards, unless an exception applies.
func (s *Sim) scrub(m *message, content bool) *message {
	ch := s.channels[m.ChannelID]
	if content || m.Author.ID == s.bot.ID || ch.kind == dmChannel || s.mentionsBot(m) {
		return m
	}
	c := *m
	c.Content, c.Attachments, c.Embeds, c.Components = "", []attachment{}, []json.RawMessage{}, []json.RawMessage{}
	return &c
}

func (s *Sim) mentionsBot(m *message) bool {
	for _, u := range m.Mentions {
		if u.ID == s.bot.ID {
			return true
		}
	}
	return false
}

// dispatchThread sends a thread event, if the bot can see the thread.
func (s *Sim) dispatchThread(event string, c *channel, extra object) {
	if !s.botSees(c) {
		return
	}
	o := s.wire(c)
	for k, v := range extra {
		o[k] = v
	}
	s.dispatch(c.guild, intentGuilds, event, o)
}

func (s *Sim) guildCreate(g *guild) object {
	channels, threads := []object{}, []object{}
	for _, c := range g.channels {
		switch {
		case c.deleted || !s.botSees(c):
		case !c.kind.isThread():
			channels = append(channels, s.wire(c))
		case !c.archived:
			threads = append(threads, s.wire(c))
		}
	}
	return object{
		"id": g.id, "name": "guild " + g.id, "owner_id": "1400000000000000000", "unavailable": false, "large": false,
		"joined_at": stamp(epoch), "member_count": len(s.users), "channels": channels, "threads": threads,
		"roles": g.roleList(), "members": []object{s.botMember(g)}, "emojis": []any{}, "stickers": []any{}, "features": []string{},
		"presences": []any{}, "voice_states": []any{}, "stage_instances": []any{}, "preferred_locale": "en-US",
		"premium_tier": 0, "nsfw_level": 0, "verification_level": 0,
	}
}
