package discord

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"
)

// How much the directory remembers. What was dropped is asked for again.
const (
	maxPlaces  = 50_000
	maxRoles   = 10_000
	maxMembers = 20_000
	// lookupTime is how long one question may keep an event from the inbox.
	lookupTime = time.Second
)

// place is what must be known of a channel or thread to tell which conversation a message in it belongs to.
type place struct {
	guild  snowflake // zero: direct messages
	parent snowflake // of a thread
	kind   int
	name   string
}

func (p place) thread() bool {
	return p.kind == kindNewsThread || p.kind == kindThread || p.kind == kindPrivate
}

// text: threads are made from the messages in it.
func (p place) text() bool { return p.kind == kindText || p.kind == kindAnnouncement }

// forum: its posts are threads, and it has no messages of its own.
func (p place) forum() bool { return p.kind == kindForum || p.kind == kindMedia }

type memberKey struct{ guild, user snowflake }

// directory remembers channels, roles and members, from what the gateway tells and from questions.
type directory struct {
	places  *cache[snowflake, place]
	roles   *cache[snowflake, string]
	members *cache[memberKey, member]
	// botRoles are the roles that Discord made for bots: role → bot.
	botRoles *cache[snowflake, snowflake]
	// bot is our own user id, app our application's; zero until known.
	bot, app atomic.Uint64
}

func newDirectory() *directory {
	return &directory{
		places:   newCache[snowflake, place](maxPlaces),
		roles:    newCache[snowflake, string](maxRoles),
		members:  newCache[memberKey, member](maxMembers),
		botRoles: newCache[snowflake, snowflake](maxRoles),
	}
}

func (d *directory) botID() snowflake { return snowflake(d.bot.Load()) }

func (d *directory) appID() snowflake { return snowflake(d.app.Load()) }

// learnGuild takes in GUILD_CREATE, whose channels and threads do not name the guild.
func (d *directory) learnGuild(g *guild) {
	for _, list := range [][]channel{g.Channels, g.Threads} {
		for _, c := range list {
			c.Guild = g.ID
			d.learn(&c)
		}
	}
	for i := range g.Roles {
		d.learnRole(&g.Roles[i])
	}
}

// learn takes in a channel or thread; partial ones, without a type, teach nothing.
func (d *directory) learn(c *channel) {
	if c.ID == 0 || c.Type == nil {
		return
	}
	d.places.put(c.ID, place{guild: c.Guild, parent: c.Parent, kind: *c.Type, name: c.Name})
}

func (d *directory) learnRole(r *role) {
	if r.ID == 0 {
		return
	}
	d.roles.put(r.ID, r.Name)
	if r.Tags != nil && r.Tags.Bot != 0 {
		d.botRoles.put(r.ID, r.Tags.Bot)
	}
}

// place finds where id is, by asking Discord if need be.
func (a *Adapter) place(ctx context.Context, id snowflake) (place, error) {
	if p, ok := a.dir.places.find(id); ok {
		return p, nil
	}
	c, err := a.channel(ctx, id)
	if err != nil {
		return place{}, err
	}
	p, ok := a.dir.places.find(c.ID)
	if !ok {
		return place{}, fmt.Errorf("channel %s: answer without id or type", id)
	}
	return p, nil
}

// channel asks Discord for a channel or thread (GET /channels/{id}) and remembers the answer.
func (a *Adapter) channel(ctx context.Context, id snowflake) (*channel, error) {
	var c channel
	if err := a.rest.patientGet(ctx, endpointChannel(id), &c); err != nil {
		return nil, fmt.Errorf("channel %s: %w", id, err)
	}
	a.dir.learn(&c)
	return &c, nil
}

// member finds what is known of a guild's member; ask says whether Discord may be asked. Unknown members have neither
// nick nor roles.
func (a *Adapter) member(ctx context.Context, guild, id snowflake, ask bool) member {
	key := memberKey{guild, id}
	m, ok := a.dir.members.find(key)
	if ok || !ask || guild == 0 {
		return m
	}
	ctx, cancel := context.WithTimeout(ctx, lookupTime)
	defer cancel()
	if err := a.rest.patientGet(ctx, endpointMember(guild, id), &m); err != nil {
		a.log.Debug("member not found", "guild", guild, "user", id, "error", err)
	}
	a.dir.members.put(key, m) // also an empty one: asked once is enough
	return m
}

// displayName is the name that people see.
func displayName(u *user, m *member) string {
	if m == nil {
		m = u.Member
	}
	switch {
	case m != nil && m.Nick != "":
		return m.Nick
	case u.GlobalName != "":
		return u.GlobalName
	case u.Username != "":
		return u.Username
	}
	return u.ID.String()
}

// served says whether the adapter is configured to work in guild; zero means direct messages.
func (a *Adapter) served(guild snowflake) bool {
	return guild == 0 || slices.Contains(a.guilds, guild)
}

// roleNames writes role ids as bridge.User.Roles.
func roleNames(ids []snowflake) []string {
	var out []string
	for _, id := range ids {
		out = append(out, id.String())
	}
	return out
}
