package discordsim

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// Role is a role of a guild.
type Role struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Permissions int64  `json:"permissions,string"`
}

// role is a role with what only the guild knows of it.
type role struct {
	Role
	bot string // the bot it was made for
}

// overwrite is what a channel grants or denies to a role or a member (Discord: permissions, overwrites).
type overwrite struct {
	ID    string `json:"id"`
	Type  int    `json:"type"` // 0 role, 1 member
	Allow int64  `json:"allow,string"`
	Deny  int64  `json:"deny,string"`
}

// ForumRules are how a forum wants its posts.
type ForumRules struct {
	RequireTag bool     `json:"require_tag"`
	Tags       []string `json:"tags"`
	Moderated  bool     `json:"moderated"` // the tags can be set by moderators only
}

const (
	administrator = 1 << 3
	allBits       = 1<<53 - 1
	// everyonePermissions are those of a new guild's @everyone.
	everyonePermissions = AddReactions | ViewChannel | SendMessages | EmbedLinks | AttachFiles | ReadHistory | CreatePublicThreads | SendInThreads
	// whileTimedOut are what is left to a member in time-out (Discord: permissions for timed out members).
	whileTimedOut = ViewChannel | ReadHistory

	flagRequireTag = 1 << 4 // of a forum
)

// botRoleID is the role that Discord makes for the bot.
func (s *Sim) botRoleID(g *guild) string { return g.id + "1" }

// newGuild has the role @everyone, whose id is the guild's, and the bot's own.
func (s *Sim) newGuild(id string) *guild {
	g := &guild{id: id, roles: map[string]*role{}}
	g.roles[id] = &role{Role: Role{ID: id, Name: "@everyone", Permissions: everyonePermissions}}
	own := s.botRoleID(g)
	g.roles[own] = &role{Role: Role{ID: own, Name: s.bot.Username, Permissions: DefaultPermissions}, bot: s.bot.ID}
	g.botRoles = []string{own}
	return g
}

// SetRole makes a role in a guild or changes it. @everyone's id is the guild's; the bot's own is that plus a 1.
func (s *Sim) SetRole(guildID string, r Role) error {
	return s.onGuild(guildID, func(g *guild) {
		old := g.roles[r.ID]
		if old == nil {
			old = &role{}
			g.roles[r.ID] = old
		}
		r.Name = cmp.Or(r.Name, old.Name, "role "+r.ID)
		old.Role = r
	})
}

// GiveBot sets the roles that the bot has in a guild beside @everyone.
func (s *Sim) GiveBot(guildID string, roles ...string) error {
	return s.onGuild(guildID, func(g *guild) { g.botRoles = roles })
}

// TimeoutBot puts the bot into time-out for so long.
func (s *Sim) TimeoutBot(guildID string, d time.Duration) error {
	return s.onGuild(guildID, func(g *guild) { g.botTimeout = s.now().Add(d) })
}

// WithoutCommands takes the scope applications.commands away in a guild: the bot was invited without it.
func (s *Sim) WithoutCommands(guildID string) error {
	return s.onGuild(guildID, func(g *guild) { g.noCommands = true })
}

// Overwrite sets what a channel allows and denies to a role, or to a member if the id is no role's.
func (s *Sim) Overwrite(channelID, id string, allow, deny int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.channels[channelID]
	if c == nil || c.kind.isThread() || c.kind == dmChannel {
		return fmt.Errorf("overwrite permissions: %s is no guild channel", channelID)
	}
	o := overwrite{ID: id, Type: 1, Allow: allow, Deny: deny}
	if s.guilds[c.guild].roles[id] != nil {
		o.Type = 0
	}
	c.overwrites = append(slices.DeleteFunc(c.overwrites, func(x overwrite) bool { return x.ID == id }), o)
	return nil
}

// SetPermissions sets what the bot may do in a channel and its threads, by an overwrite of its own. No event tells of it.
func (s *Sim) SetPermissions(channelID string, bits int64) error {
	return s.Overwrite(channelID, s.bot.ID, bits, DefaultPermissions&^bits)
}

// SetForum sets the rules of a forum.
func (s *Sim) SetForum(channelID string, rules ForumRules) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.channels[channelID]
	if c == nil || c.kind != Forum {
		return fmt.Errorf("set forum: %s is none", channelID)
	}
	c.rules = rules
	return nil
}

// botPermissions computes what the bot may do in a guild's channel (Discord: permissions, "Permission Overwrites").
func (s *Sim) botPermissions(c *channel) int64 {
	g := s.guilds[c.guild]
	have := g.roles[g.id].Permissions
	for _, id := range g.botRoles {
		if r := g.roles[id]; r != nil {
			have |= r.Permissions
		}
	}
	if have&administrator != 0 {
		return allBits
	}
	step := func(applies func(overwrite) bool) {
		var allow, deny int64
		for _, o := range c.overwrites {
			if applies(o) {
				allow, deny = allow|o.Allow, deny|o.Deny
			}
		}
		have = have&^deny | allow
	}
	step(func(o overwrite) bool { return o.ID == g.id })
	step(func(o overwrite) bool { return o.Type == 0 && o.ID != g.id && slices.Contains(g.botRoles, o.ID) })
	step(func(o overwrite) bool { return o.Type == 1 && o.ID == s.bot.ID })
	if have&ViewChannel == 0 {
		return 0
	}
	if s.now().Before(g.botTimeout) {
		have &= whileTimedOut
	}
	return have
}

// roleList are a guild's roles as the API shows them (GuildRoleResponse), @everyone first.
func (g *guild) roleList() []object {
	list := []object{}
	for _, r := range g.roles {
		position := 1
		if r.ID == g.id {
			position = 0
		}
		o := object{"id": r.ID, "name": r.Name, "permissions": strconv.FormatInt(r.Permissions, 10), "position": position, "color": 0,
			"colors": object{"primary_color": 0, "secondary_color": nil, "tertiary_color": nil}, "hoist": false, "managed": r.bot != "",
			"mentionable": r.bot == "" && position > 0, "icon": nil, "unicode_emoji": nil, "flags": 0}
		if r.bot != "" {
			o["tags"] = object{"bot_id": r.bot}
		}
		list = append(list, o)
	}
	slices.SortFunc(list, func(x, y object) int {
		return cmp.Or(cmp.Compare(x["position"].(int), y["position"].(int)), cmp.Compare(x["id"].(string), y["id"].(string)))
	})
	return list
}

// botMember is the bot as a member of a guild.
func (s *Sim) botMember(g *guild) object {
	o := s.bot.member()
	o["user"], o["roles"] = *s.bot, append([]string{}, g.botRoles...)
	if s.now().Before(g.botTimeout) {
		o["communication_disabled_until"] = stamp(g.botTimeout)
	}
	return o
}

// getGuild is GET /guilds/{guild} (GuildWithCountsResponse).
func (s *Sim) getGuild(c *call) (int, any, *apiError) {
	g := s.guilds[c.PathValue("guild")]
	if g == nil || g.absent {
		return 0, nil, errUnknownGuild
	}
	o := object{"id": g.id, "name": "guild " + g.id, "owner_id": "1400000000000000000", "roles": g.roleList(), "emojis": []any{}, "stickers": []any{},
		"features": []string{}, "preferred_locale": "en-US", "region": "deprecated", "afk_timeout": 300, "system_channel_flags": 0, "widget_enabled": false,
		"verification_level": 0, "default_message_notifications": 0, "mfa_level": 0, "explicit_content_filter": 0, "max_presences": nil,
		"max_members": 500000, "max_stage_video_channel_users": 50, "max_video_channel_users": 25, "premium_tier": 0, "premium_subscription_count": 0,
		"premium_progress_bar_enabled": false, "nsfw": false, "nsfw_level": 0}
	for _, empty := range []string{"icon", "description", "home_header", "splash", "discovery_splash", "banner", "application_id", "afk_channel_id",
		"system_channel_id", "widget_channel_id", "vanity_url_code", "rules_channel_id", "safety_alerts_channel_id", "public_updates_channel_id", "incidents_data"} {
		o[empty] = nil
	}
	return 200, o, nil
}
