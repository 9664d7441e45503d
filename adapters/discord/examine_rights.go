package discord

import (
	"slices"
	"strings"

	"github.com/bwmarrin/discordgo"
)

// administrator is the right to do everything (Discord: permissions).
const administrator = discordgo.PermissionAdministrator

// rights computes what the bot may do in a channel, time-outs left out (Discord: permissions, "Permission Overwrites").
func (g *sight) rights(c *examinedChannel, bot snowflake) int64 {
	have := g.base()
	if have&administrator != 0 {
		return -1
	}
	var allow, deny int64
	for _, o := range c.Overwrites { // @everyone's first
		if o.ID == g.id {
			have = have&^o.Deny | o.Allow
		}
		if o.Type == 0 && o.ID != g.id && slices.Contains(g.own, o.ID) {
			allow, deny = allow|o.Allow, deny|o.Deny
		}
	}
	have = have&^deny | allow
	for _, o := range c.Overwrites {
		if o.Type == 1 && o.ID == bot {
			have = have&^o.Deny | o.Allow
		}
	}
	return have
}

// base are the rights by roles alone.
func (g *sight) base() int64 {
	have := g.roles[g.id].Permissions // @everyone
	for _, id := range g.own {
		have |= g.roles[id].Permissions
	}
	return have
}

// remedy says how the bot gets a right that it lacks in a channel.
func (g *sight) remedy(c *examinedChannel, bot snowflake, p permission) string {
	inChannel := "In Discord: #" + c.Name + ", Edit Channel, Permissions, Advanced permissions, "
	var denying []string
	for _, o := range c.Overwrites {
		switch {
		case o.Deny&p.bit == 0:
		case o.ID == g.id:
			denying = append(denying, "@everyone")
		case o.Type == 0 && slices.Contains(g.own, o.ID):
			denying = append(denying, "the role "+g.roles[o.ID].Name)
		case o.Type == 1 && o.ID == bot:
			return inChannel + "the bot: set \"" + p.name + "\" to ✓."
		}
	}
	if len(denying) > 0 {
		return inChannel + "add the bot and set \"" + p.name + "\" to ✓ (it is ✗ there for " + strings.Join(denying, " and ") + ")."
	}
	return "In Discord: Server Settings, Roles, " + g.roleOf(bot) + ", Permissions: switch on \"" + p.name + "\". Or only in #" + c.Name +
		": Edit Channel, Permissions, Advanced permissions, add the bot and set it to ✓."
}

// roleOf names the role that Discord made for the bot.
func (g *sight) roleOf(bot snowflake) string {
	for _, r := range g.roles {
		if r.Tags != nil && r.Tags.Bot == bot {
			return r.Name
		}
	}
	return "the bot's role"
}
