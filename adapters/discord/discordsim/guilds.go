package discordsim

import (
	"fmt"
	"slices"
)

// Permission bits of the bot in a channel, for SetPermissions.
const (
	AddReactions         int64 = 1 << 6
	ViewChannel          int64 = 1 << 10
	SendMessages         int64 = 1 << 11
	ManageMessages       int64 = 1 << 13
	EmbedLinks           int64 = 1 << 14
	AttachFiles          int64 = 1 << 15
	ReadHistory          int64 = 1 << 16
	MentionEveryone      int64 = 1 << 17
	ManageThreads        int64 = 1 << 34
	CreatePublicThreads  int64 = 1 << 35
	CreatePrivateThreads int64 = 1 << 36
	SendInThreads        int64 = 1 << 38

	// DefaultPermissions is what the bot has in a new channel: what the sheet of permissions advises, and MentionEveryone
	// too, as a careless administrator grants it, so that a missing allowed_mentions shows.
	DefaultPermissions = AddReactions | ViewChannel | SendMessages | EmbedLinks | AttachFiles | ReadHistory | MentionEveryone |
		ManageThreads | CreatePublicThreads | CreatePrivateThreads | SendInThreads
)

// User is a person, or another bot.
type User struct {
	ID         string   `json:"id"`
	Name       string   `json:"name"`
	GlobalName string   `json:"global_name"`
	Nick       string   `json:"nick"`
	Roles      []string `json:"roles"`
	Bot        bool     `json:"bot"`
}

func (s *Sim) orNewID(id string) string {
	if id == "" {
		return format(s.newID())
	}
	return id
}

// AddGuild makes a guild the bot is in, or lets the bot in again; "" makes up an id. It answers the id.
func (s *Sim) AddGuild(id string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addGuild(id).id
}

func (s *Sim) addGuild(id string) *guild {
	id = s.orNewID(id)
	g := s.guilds[id]
	if g == nil {
		g = s.newGuild(id)
		s.guilds[id] = g
		s.guildOrder = append(s.guildOrder, id)
	} else if !g.absent {
		return g
	}
	g.absent = false
	s.dispatch(g.id, intentGuilds, "GUILD_CREATE", s.guildCreate(g))
	return g
}

// AddChannel makes a channel of type Announcement, Forum, Voice or Category, or else Text, and its guild if that is
// unknown. The calls of a voice channel are not simulated.
func (s *Sim) AddChannel(guildID, id string, kind ChannelType) string {
	if !slices.Contains([]ChannelType{Announcement, Forum, Voice, Category}, kind) {
		kind = Text
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.addGuild(guildID)
	c := &channel{id: s.orNewID(id), guild: g.id, kind: kind, name: "channel", created: s.now()}
	s.channels[c.id] = c
	g.channels = append(g.channels, c)
	s.dispatch(g.id, intentGuilds, "CHANNEL_CREATE", s.wire(c))
	return c.id
}

// AddUser makes a person, or replaces one; "" makes up an id and the name. It answers the id.
func (s *Sim) AddUser(u User) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	u.ID = s.orNewID(u.ID)
	if u.Name == "" {
		u.Name = "user" + u.ID
	}
	n := &user{ID: u.ID, Username: u.Name, Discriminator: "0", Bot: u.Bot, nick: u.Nick, roles: u.Roles}
	if u.GlobalName != "" {
		n.GlobalName = &u.GlobalName
	}
	s.users[u.ID] = n
	for _, r := range u.Roles {
		for _, g := range s.guilds {
			if g.roles[r] == nil {
				g.roles[r] = &role{Role: Role{ID: r, Name: "role " + r}}
			}
		}
	}
	return u.ID
}

// OpenDM answers the direct message channel of a user with the bot, always the same. An unknown user is made.
func (s *Sim) OpenDM(userID string) string {
	s.mu.Lock()
	known := s.users[userID] != nil
	s.mu.Unlock()
	if !known {
		userID = s.AddUser(User{ID: userID})
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dm(userID).id
}

func (s *Sim) dm(userID string) *channel {
	if c := s.dms[userID]; c != nil {
		return c
	}
	c := &channel{id: format(s.newID()), kind: dmChannel, recipient: userID, created: s.now()}
	s.channels[c.id], s.dms[userID] = c, c
	s.changedLocked()
	return c
}

// CloseDMs makes a user refuse direct messages: posts get 50007.
func (s *Sim) CloseDMs(userID string, closed bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.users[userID]
	if u == nil {
		return fmt.Errorf("close direct messages: unknown user %s", userID)
	}
	u.dmsClosed = closed
	return nil
}

// SetToken replaces the bot token: calls with the old one get 401, Identify 4004. Open connections stay.
func (s *Sim) SetToken(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token = token
}

// SetAutomod refuses the bot's messages that contain text with 200000; "" refuses none.
func (s *Sim) SetAutomod(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.automod = text
}

// KickBot removes the bot from a guild; AddGuild lets it in again.
func (s *Sim) KickBot(guildID string) error {
	return s.onGuild(guildID, func(g *guild) {
		g.absent = true
		s.dispatch(g.id, intentGuilds, "GUILD_DELETE", object{"id": g.id})
	})
}

// Outage makes a guild unavailable, or well again. Its events of the meantime are lost.
func (s *Sim) Outage(guildID string, on bool) error {
	return s.onGuild(guildID, func(g *guild) {
		g.out = on
		if on {
			s.dispatch(g.id, intentGuilds, "GUILD_DELETE", object{"id": g.id, "unavailable": true})
			return
		}
		s.dispatch(g.id, intentGuilds, "GUILD_CREATE", s.guildCreate(g))
	})
}

func (s *Sim) onGuild(id string, f func(*guild)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.guilds[id]
	if g == nil {
		return fmt.Errorf("change guild: unknown guild %s", id)
	}
	f(g)
	return nil
}

// botSees says whether the bot has access to a channel.
func (s *Sim) botSees(c *channel) bool {
	if c.kind == dmChannel {
		return true
	}
	if g := s.guilds[c.guild]; g.absent || !s.botMay(c, ViewChannel) {
		return false
	}
	return c.kind != privateThread || c.members[s.bot.ID] || s.botMay(c, ManageThreads)
}

// botMay says whether the bot has a permission; threads have their parent's.
func (s *Sim) botMay(c *channel, bit int64) bool {
	if c.kind.isThread() {
		c = s.channels[c.parent]
	}
	return c.kind == dmChannel || s.botPermissions(c)&bit != 0
}

func (s *Sim) createDM(c *call) (int, any, *apiError) {
	var req struct {
		RecipientID string `json:"recipient_id"`
	}
	if refusal := c.decode(&req); refusal != nil {
		return 0, nil, refusal
	}
	u := s.users[req.RecipientID]
	if u == nil || u.Bot {
		return 0, nil, refuse(400, 50033, "Invalid Recipient(s)")
	}
	return 200, s.wire(s.dm(u.ID)), nil
}

func (s *Sim) getGuildChannels(c *call) (int, any, *apiError) {
	g := s.guilds[c.PathValue("guild")]
	if g == nil {
		return 0, nil, errUnknownGuild
	}
	if g.absent {
		return 0, nil, errMissingAccess
	}
	list := []object{}
	for _, ch := range g.channels {
		if !ch.deleted && !ch.kind.isThread() {
			list = append(list, s.wire(ch))
		}
	}
	return 200, list, nil
}

func (s *Sim) getMember(c *call) (int, any, *apiError) {
	g, u := s.guilds[c.PathValue("guild")], s.users[c.PathValue("user")]
	switch {
	case g == nil:
		return 0, nil, errUnknownGuild
	case g.absent:
		return 0, nil, errMissingAccess
	case u == nil:
		return 0, nil, refuse(404, 10007, "Unknown Member")
	}
	if u == s.bot {
		return 200, s.botMember(g), nil
	}
	o := u.member()
	o["user"] = *u
	return 200, o, nil
}
