package slack

import (
	"slices"
	"strings"

	"ccbridge/bridge"
)

// places are the kinds of conversations that routes need; both kinds of channels where an id does not tell.
type places struct{ public, private, direct bool }

// placesOf tells what routes serve; no routes: everything. Ids of private channels begin with C too by now (Slack:
// conversations), those with G were always private.
func placesOf(routes []bridge.Route) places {
	if len(routes) == 0 {
		return places{true, true, true}
	}
	var p places
	for _, r := range routes {
		for _, c := range r.Channels {
			switch {
			case c == "dm", direct(c):
				p.direct = true
			case strings.HasPrefix(c, "G"):
				p.private = true
			default:
				p.public, p.private = true, true
			}
		}
	}
	return p
}

// scope is a right of the bot token that the bridge uses (Slack: scopes), with what customers miss without it.
type scope struct {
	name    string
	need    func(places) bool
	level   bridge.FindingLevel
	without string
}

const sayNoRead = "The bridge does not hear that a channel was archived or that it was put out, and the route \"*\" does not find what was missed."

func everywhere(places) bool { return true }

// allScopes are all that the bridge may ask for, in the order in which the manifest names them.
var allScopes = []scope{
	{"chat:write", everywhere, bridge.FindingFault, "Nothing can be posted: customers get no answer."},
	{"chat:write.customize", everywhere, bridge.FindingWarning, "Agents' names stand in the text of a message instead of above it."},
	{"commands", everywhere, bridge.FindingWarning, "There are no slash commands and no message shortcuts; buttons and words to the bot still work."},
	{"users:read", everywhere, bridge.FindingWarning, "Agents see ids instead of people's names."},
	{"channels:history", places.hasPublic, bridge.FindingFault, "What is written in public channels does not arrive."},
	{"channels:read", places.hasPublic, bridge.FindingWarning, sayNoRead},
	{"groups:history", places.hasPrivate, bridge.FindingFault, "What is written in private channels does not arrive."},
	{"groups:read", places.hasPrivate, bridge.FindingWarning, sayNoRead},
	{"im:history", places.hasDirect, bridge.FindingFault, "Direct messages to the bot do not arrive."},
	{"im:read", places.hasDirect, bridge.FindingWarning, "Direct messages that were written while the bridge was down are not found."},
}

func (p places) hasPublic() bool  { return p.public }
func (p places) hasPrivate() bool { return p.private }
func (p places) hasDirect() bool  { return p.direct }

// scopesFor are the scopes that p needs.
func scopesFor(p places) []scope {
	return slices.DeleteFunc(slices.Clone(allScopes), func(s scope) bool { return !s.need(p) })
}

// eventsFor are the events to subscribe (Slack: events), as message.go understands them.
func eventsFor(p places) []string {
	var list []string
	add := func(yes bool, events ...string) {
		if yes {
			list = append(list, events...)
		}
	}
	add(p.public, "message.channels")
	add(p.private, "message.groups")
	add(p.direct, "message.im")
	add(p.public || p.private, "member_left_channel")
	add(p.public, "channel_archive", "channel_deleted", "channel_left")
	add(p.public || p.private, "channel_id_changed")
	add(p.private, "group_archive", "group_deleted", "group_left")
	add(true, "app_uninstalled", "tokens_revoked")
	return list
}
