package discord

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/bwmarrin/discordgo"

	"ccbridge/bridge"
)

// sight is what was seen of one guild.
type sight struct {
	id       snowflake
	name     string
	roles    map[snowflake]examinedRole
	own      []snowflake // roles of the bot
	channels []examinedChannel
}

// examinedRole is a role with its rights (Discord: GET /guilds/{id}).
type examinedRole struct {
	ID          snowflake `json:"id"`
	Name        string    `json:"name"`
	Permissions int64     `json:"permissions,string"`
	Tags        *struct {
		Bot snowflake `json:"bot_id"`
	} `json:"tags"`
}

// examinedChannel is a channel with what is granted and denied there (Discord: GET /guilds/{id}/channels).
type examinedChannel struct {
	ID         snowflake `json:"id"`
	Name       string    `json:"name"`
	Type       int       `json:"type"`
	Flags      int64     `json:"flags"`
	Overwrites []struct {
		ID    snowflake `json:"id"`
		Type  int       `json:"type"` // 0 role, 1 member
		Allow int64     `json:"allow,string"`
		Deny  int64     `json:"deny,string"`
	} `json:"permission_overwrites"`
	Tags []struct {
		Moderated bool `json:"moderated"`
	} `json:"available_tags"`
}

func (c *examinedChannel) place() place { return place{kind: c.Type, name: c.Name} }

// visit looks at each configured guild: what it is, what the bot is in it, and which channels it has.
func (e *examination) visit(ctx context.Context) {
	for i, id := range e.a.guilds {
		if e.quick && i >= quickGuilds {
			e.blind = true
			return
		}
		if g := e.guild(ctx, id); g != nil {
			e.guilds = append(e.guilds, g)
		} else {
			e.blind = true
		}
	}
}

// guild looks at one guild; nil if it cannot be served.
func (e *examination) guild(ctx context.Context, id snowflake) *sight {
	var g struct {
		Name  string         `json:"name"`
		Roles []examinedRole `json:"roles"`
	}
	var me struct {
		Roles   []snowflake `json:"roles"`
		Timeout string      `json:"communication_disabled_until"`
	}
	seen := &sight{id: id, roles: make(map[snowflake]examinedRole)}
	for _, q := range []struct {
		url string
		out any
	}{
		{discordgo.EndpointGuild(id.String()), &g},
		{endpointMember(id, e.app.Bot.ID), &me},
		{discordgo.EndpointGuildChannels(id.String()), &seen.channels},
	} {
		err, ok := e.get(ctx, "the server "+id.String(), q.url, q.out)
		if !ok {
			return nil
		}
		if err != nil {
			e.Fault(checkGuild, id.String(), fmt.Sprintf("The bot is not in the server %s, or there is none (%s).", id, err), "Nobody there is served.",
				"Invite it: "+Invite(e.app.ID.String(), e.routes).URL+" . If the id is wrong, correct it in "+e.key("guilds")+" (Developer Mode on, right click on the server, Copy Server ID).")
			return nil
		}
	}
	seen.name, seen.own = g.Name, me.Roles
	for _, r := range g.Roles {
		seen.roles[r.ID] = r
	}
	e.OK(checkGuild, id.String(), "The bot is in the server "+g.Name+" ("+id.String()+").")
	if until, err := time.Parse(time.RFC3339, me.Timeout); err == nil && time.Now().Before(until) {
		e.Fault(checkTimeout, id.String(), fmt.Sprintf("The bot is in time-out in the server %s until %s.", g.Name, until.UTC().Format(time.DateTime)),
			"It cannot answer there.", "In Discord: right click on the bot in the list of members, Remove Timeout.")
	}
	return seen
}

// channels looks at what the routes name.
func (e *examination) channels(ctx context.Context) {
	var named []string
	for _, r := range e.routes {
		for _, c := range r.Channels {
			if c != "dm" && c != "*" && !slices.Contains(named, c) {
				named = append(named, c)
				e.channel(ctx, c)
			}
		}
	}
	if e.serves("*") {
		e.everywhere(named)
	}
}

// channel looks at a channel that a route names by its id.
func (e *examination) channel(ctx context.Context, text string) {
	id, err := parseSnowflake(text)
	if err != nil {
		e.Fault(checkChannel, text, "The route names "+text+", which is no id.", "Nobody there is served.", fixID)
		return
	}
	for _, g := range e.guilds {
		if i := slices.IndexFunc(g.channels, func(c examinedChannel) bool { return c.ID == id }); i >= 0 {
			e.judge(g, &g.channels[i])
			return
		}
	}
	if !e.quick {
		e.stray(ctx, id)
	}
}

const fixID = "Developer Mode on, right click on the channel, Copy Channel ID, and put that into the route."

// stray says why an id is none of a configured guild's channels.
func (e *examination) stray(ctx context.Context, id snowflake) {
	var c channel
	err, ok := e.get(ctx, "the channel "+id.String(), endpointChannel(id), &c)
	const means = "Nobody there is served."
	switch {
	case !ok:
	case err == nil && (place{kind: kindOf(&c)}).thread():
		e.Fault(checkChannel, id.String(), "The route names "+id.String()+", which is a thread.", means,
			"Put the id of the channel that it is in into the route: "+c.Parent.String()+".")
	case err == nil && c.Guild != 0:
		e.Fault(checkChannel, id.String(), fmt.Sprintf("The channel #%s (%s) is in the server %s, which is not configured.", c.Name, id, c.Guild), means,
			"Add \""+c.Guild.String()+"\" to "+e.key("guilds")+".")
	case err == nil:
		e.Fault(checkChannel, id.String(), "The route names "+id.String()+", which is not a server's channel.", means, fixID+" For direct messages write \"dm\".")
	case e.blind && !notFound(err): // it may be in the guild that could not be looked at
	case hasStatus(err, http.StatusForbidden):
		e.Fault(checkChannel, id.String(), "The channel "+id.String()+" is in a server that is not configured, and the bot may not see it.", means,
			fixID+" Or let the bot into that server, and add the server to "+e.key("guilds")+".")
	default:
		e.Fault(checkChannel, id.String(), fmt.Sprintf("There is no channel %s (%s).", id, err), means, fixID)
	}
}

// kindOf is a channel's type, 0 if it does not say.
func kindOf(c *channel) int {
	if c.Type == nil {
		return 0
	}
	return *c.Type
}

// everywhere looks at the channels that the route "*" serves: all that the bot sees and that no other route names.
func (e *examination) everywhere(named []string) {
	seen, hidden := 0, 0
	for _, g := range e.guilds {
		for i := range g.channels {
			c := &g.channels[i]
			switch p := c.place(); {
			case !p.text() && !p.forum(), slices.Contains(named, c.ID.String()):
			case g.rights(c, e.app.Bot.ID)&discordgo.PermissionViewChannel == 0:
				hidden++
			default:
				seen++
				e.judge(g, c)
			}
		}
	}
	switch {
	case seen == 0 && !e.blind:
		e.Warn(checkChannel, "*", "The bot sees no channel.", "The route \"*\" serves nobody.", "Give the bot's role the permission View Channel in those that shall be served.")
	case seen > 0:
		e.OK(checkChannel, "*", fmt.Sprintf("The bot sees %d channels, which the route \"*\" serves, and does not see %d.", seen, hidden))
	}
}

// judge says what the bot can do in a channel.
func (e *examination) judge(g *sight, c *examinedChannel) {
	id, p := c.ID.String(), c.place()
	d := dutyText
	switch {
	case p.forum():
		d = dutyForum
	case !p.text():
		e.Fault(checkChannel, id, "#"+c.Name+" ("+id+") is neither a text channel nor a forum.", "Nobody there is served.", "Name a text channel, an announcement channel or a forum in the route.")
		return
	}
	e.OK(checkChannel, id, "#"+c.Name+" ("+id+") is in the server "+g.name+".")
	have := g.rights(c, e.app.Bot.ID)
	for _, right := range permissionsFor(d) {
		check := checkPermission + right.key
		if have&right.bit != 0 {
			e.OK(check, id, "The bot has \""+right.name+"\" in #"+c.Name+".")
			continue
		}
		e.Add(bridge.Finding{Check: check, Subject: id, Level: right.level, Found: "The bot lacks \"" + right.name + "\" in #" + c.Name + " (" + id + ").",
			Means: right.without, Fix: g.remedy(c, e.app.Bot.ID, right)})
		if right.bit == discordgo.PermissionViewChannel {
			return // without it all others are lacking too
		}
	}
	if p.forum() {
		e.tags(c)
	}
}

// flagRequireTag: a forum's posts must have a tag (Discord: channel flags).
const flagRequireTag = 1 << 4

// tags says what a forum's tags mean for its customers: the bridge makes no posts of its own.
func (e *examination) tags(c *examinedChannel) {
	id := c.ID.String()
	free := slices.ContainsFunc(c.Tags, func(t struct {
		Moderated bool `json:"moderated"`
	}) bool {
		return !t.Moderated
	})
	switch {
	case c.Flags&flagRequireTag == 0:
		e.OK(checkTags, id, "Posts in the forum #"+c.Name+" need no tag.")
	case free:
		e.OK(checkTags, id, "Whoever posts in the forum #"+c.Name+" must choose a tag; the bridge makes no posts of its own.")
	default:
		e.Warn(checkTags, id, "The forum #"+c.Name+" requires a tag, but has none that everybody may choose.", "Customers cannot begin a conversation there.",
			"In Discord: #"+c.Name+", Edit Channel: add a tag without \"Only allow moderators to apply this tag\", or switch off \"Require people to select tags when posting\".")
	}
}
