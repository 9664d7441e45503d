package discord

import (
	"slices"

	"github.com/bwmarrin/discordgo"

	"ccbridge/bridge"
)

// duty is what the bridge does in a kind of channel.
type duty int

// The duties: a text or announcement channel, in which it makes threads of messages; a forum, in which people do.
const (
	dutyText duty = iota
	dutyForum
)

// permission is a right of the bot that the bridge uses (Discord: permissions), with what customers miss without it.
type permission struct {
	key     string // part of bridge.Finding.Subject
	name    string // as Discord's settings show it
	bit     int64
	duties  []duty
	level   bridge.FindingLevel
	without string
}

// allPermissions are all that the bridge may need, for each kind of channel. In threads, Send Messages has no effect; the
// parent's other rights hold there too.
var allPermissions = []permission{
	{"view", "View Channel", discordgo.PermissionViewChannel, []duty{dutyText, dutyForum}, bridge.FindingFault,
		"The bridge sees nothing of the channel: nobody there is served."},
	{"history", "Read Message History", discordgo.PermissionReadMessageHistory, []duty{dutyText, dutyForum}, bridge.FindingWarning,
		"What is written while the bridge is down is lost, and a post in doubt cannot be looked up and may appear twice."},
	{"make", "Create Public Threads", discordgo.PermissionCreatePublicThreads, []duty{dutyText}, bridge.FindingFault,
		"The bridge cannot make the thread that a conversation takes place in: customers get no answer."},
	{"threads", "Send Messages in Threads", discordgo.PermissionSendMessagesInThreads, []duty{dutyText, dutyForum}, bridge.FindingFault,
		"The bridge cannot post: customers get no answer."},
	{"send", "Send Messages", discordgo.PermissionSendMessages, []duty{dutyText}, bridge.FindingWarning,
		"The bridge posts in threads only, but Discord may refuse to make threads for whoever lacks this."},
}

// permissionsFor are the permissions that the bridge needs for d.
func permissionsFor(d duty) []permission {
	return slices.DeleteFunc(slices.Clone(allPermissions), func(p permission) bool { return !slices.Contains(p.duties, d) })
}

// servesChannels says whether routes name anything but direct messages. No routes: everything.
func servesChannels(routes []bridge.Route) bool {
	return len(routes) == 0 || slices.ContainsFunc(routes, func(r bridge.Route) bool {
		return slices.ContainsFunc(r.Channels, func(c string) bool { return c != "dm" })
	})
}
