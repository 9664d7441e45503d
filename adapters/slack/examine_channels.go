package slack

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"ccbridge/bridge"
)

// sight is what was seen of one routed channel.
type sight struct {
	id   string
	info *slack.Channel
	err  error // Slack's refusal
}

// look asks for the routed channels (conversations.info), and learns which kinds of places there are.
func (e *examination) look(ctx context.Context) []sight {
	ids, all, dm := e.channels()
	e.places = places{public: all, private: all, direct: dm}
	if len(e.routes) == 0 {
		e.places = placesOf(nil)
	}
	var seen []sight
	for i, id := range ids {
		if e.quick && i >= quickChannels {
			e.places = placesOf(e.routes)
			break
		}
		s := sight{id: id}
		var ok bool
		s.err, ok = e.ask(ctx, methodChannel, func(ctx context.Context) (err error) {
			s.info, err = e.api.GetConversationInfoContext(ctx, &slack.GetConversationInfoInput{ChannelID: id})
			return err
		})
		p := placesOf([]bridge.Route{{Channels: []string{id}}})
		if ok && s.err == nil {
			p = places{public: !s.info.IsPrivate && !s.info.IsIM, private: s.info.IsPrivate, direct: s.info.IsIM}
		}
		e.places = places{e.places.public || p.public, e.places.private || p.private, e.places.direct || p.direct}
		if ok {
			seen = append(seen, s)
		}
	}
	return seen
}

// judgeScopes compares the token's scopes with those that the places need.
func (e *examination) judgeScopes() {
	if e.scopes == nil {
		e.Warn(checkScope, "", "Slack's answer does not say which scopes bot_token has.", "What is missing shows only when it is needed.",
			"Something between may strip the header X-OAuth-Scopes: look without the proxy.")
		return
	}
	if e.scopes["bot"] || e.scopes["bot:basic"] {
		e.Fault(checkScope, "bot", "The app is a classic one (scope bot): it has neither Socket Mode nor scopes one by one.", meansNothing,
			"At https://api.slack.com/apps: Create New App, From a manifest, with what `ccbridge manifest slack` prints.")
		return
	}
	known := make(map[string]bool)
	for _, s := range allScopes {
		known[s.name] = true
	}
	for _, s := range scopesFor(e.places) {
		if e.scopes[s.name] {
			e.OK(checkScope, s.name, "bot_token has the scope "+s.name+".")
			continue
		}
		e.Add(bridge.Finding{Check: checkScope, Subject: s.name, Level: s.level, Found: "bot_token lacks the scope " + s.name + ".", Means: s.without,
			Fix: capital(e.page("OAuth & Permissions", "/oauth")) + ": under Bot Token Scopes add " + s.name + ", then press Reinstall to Workspace."})
	}
	var surplus []string
	for s := range e.scopes {
		if !known[s] {
			surplus = append(surplus, s)
		}
	}
	if slices.Sort(surplus); len(surplus) > 0 {
		e.OK(checkSurplus, "", "bot_token also has scopes that the bridge does not use, and that can be taken away: "+strings.Join(surplus, ", ")+".")
	}
}

// judge says what follows from what was seen of the channels.
func (e *examination) judge(seen []sight) {
	for _, s := range seen {
		switch code := errorCode(s.err); {
		case s.err == nil:
			e.judgeChannel(s.id, s.info)
		case code == "missing_scope", e.scopes != nil && (!e.scopes["groups:read"] || !e.scopes["channels:read"]) && code == "channel_not_found":
			if e.scopes == nil { // else the scope is a finding of its own, and the channel cannot be judged without it
				e.Warn(checkChannel, s.id, "The channel "+s.id+" may not be looked at (missing_scope).", sayNoRead, "Add the scopes channels:read and groups:read.")
			}
		default:
			e.Fault(checkChannel, s.id, fmt.Sprintf("The bot does not see the channel %s (%s): there is none with this id in the workspace %s, or it is private and the bot is not in it.",
				s.id, code, e.auth.Team), "Nobody there is served.",
				"Compare the id with what stands at the bottom of the channel's details, and correct it in the route; in a private channel write: /invite @"+e.auth.User+
					". If the channel is in another workspace, its bot's token must stand in "+e.key("bot_token")+".")
		}
	}
}

func (e *examination) judgeChannel(id string, c *slack.Channel) {
	name := "#" + c.Name
	invite := "In the channel " + name + " write: /invite @" + e.auth.User
	switch {
	case c.IsIM:
		e.OK(checkChannel, id, "The direct messages "+id+" are there.")
		return
	case c.IsArchived:
		e.Fault(checkChannel, id, "The channel "+name+" ("+id+") is archived.", "Nobody can write there.",
			"In Slack: "+name+", Settings, Unarchive. Or take it out of the route.")
	case !c.IsMember:
		e.Fault(checkChannel, id, "The bot is not in the channel "+name+" ("+id+").", "Nobody there is served.", invite)
	case c.IsReadOnly:
		e.Warn(checkChannel, id, "In the channel "+name+" ("+id+") only some may post.", "The bot may not be able to answer there.",
			"In Slack: "+name+", Settings, Posting permissions: let everyone post, or the bot @"+e.auth.User+".")
	default:
		e.OK(checkChannel, id, "The bot is in the channel "+name+" ("+id+").")
	}
	if c.IsExtShared {
		e.Warn(checkShared, id, "The channel "+name+" ("+id+") is shared with another organisation.",
			"Its guests can use neither slash commands nor message shortcuts; buttons and words to the bot do work.",
			"Tell them to write: @"+e.auth.User+" agent")
	}
}

// histories makes sure that what was missed can be read (conversations.history).
func (e *examination) histories(ctx context.Context, seen []sight) {
	if e.quick {
		return
	}
	var readable []string
	for _, s := range seen {
		if s.err == nil && (s.info.IsMember || s.info.IsIM) && e.mayRead(s.info) {
			readable = append(readable, s.id)
		}
	}
	if _, all, _ := e.channels(); all {
		readable = append(readable, e.joined(ctx)...)
	}
	for i, id := range readable {
		err, ok := e.peek(ctx, id)
		if ok && err == nil && i == 0 && len(readable) == 1 {
			err, ok = e.peek(ctx, id) // the tight limit shows at the second call only
		}
		switch {
		case !ok:
			return
		case limited(err):
			e.Warn(checkHistory, id, "Slack limits reading of histories to about one call a minute: the app is distributed, and not from Slack's Marketplace.",
				"After a restart or a gap it takes long until what was missed is found.",
				capital(e.page("Manage Distribution", "/distribute"))+": let the app be one of your own workspace only. (A bridge that reads much just now looks the same: then look again later.)")
			return
		case err != nil:
			e.Warn(checkHistory, id, "The history of the channel "+id+" cannot be read ("+errorCode(err)+").", "What is written there while the bridge is down is lost.",
				"See that the bot is in the channel and has the scopes channels:history and groups:history.")
		default:
			e.OK(checkHistory, id, "The history of "+id+" can be read.")
		}
	}
}

// mayRead says whether the scope for a channel's history is there, or is not known to be missing.
func (e *examination) mayRead(c *slack.Channel) bool {
	scope := "channels:history"
	switch {
	case c.IsIM:
		scope = "im:history"
	case c.IsPrivate:
		scope = "groups:history"
	}
	return e.scopes == nil || e.scopes[scope]
}

// peek reads one message of a channel.
func (e *examination) peek(ctx context.Context, id string) (err error, ok bool) {
	return e.call(ctx, func(ctx context.Context) error {
		_, err := e.api.GetConversationHistoryContext(ctx, &slack.GetConversationHistoryParameters{ChannelID: id, Limit: 1})
		return err
	})
}

// joined is one of the channels that the route "*" serves, if there is any (users.conversations).
func (e *examination) joined(ctx context.Context) []string {
	if e.scopes != nil && (!e.scopes["channels:read"] || !e.scopes["groups:read"]) {
		return nil
	}
	var list []slack.Channel
	err, ok := e.ask(ctx, methodChannels, func(ctx context.Context) (err error) {
		list, _, err = e.api.GetConversationsForUserContext(ctx, &slack.GetConversationsForUserParameters{
			Types: []string{"public_channel", "private_channel"}, Limit: pageSize, ExcludeArchived: true,
		})
		return err
	})
	switch {
	case !ok || err != nil:
		return nil
	case len(list) == 0:
		e.Warn(checkChannel, "*", "The bot is in no channel.", "The route \"*\" serves nobody.", "In each channel that shall be served write: /invite @"+e.auth.User)
		return nil
	}
	e.OK(checkChannel, "*", fmt.Sprintf("The bot is in %d channels, which the route \"*\" serves.", len(list)))
	return []string{list[0].ID}
}

// direct says what can be seen of direct messages.
func (e *examination) direct() {
	if _, _, dm := e.channels(); dm && !e.quick && !e.unreachable && (e.scopes == nil || e.scopes["im:history"]) {
		e.OK(checkDirect, "", "Direct messages to @"+e.auth.User+" are served, if the app's Messages tab is switched on, which these tokens do not show (App Home, Show Tabs).")
	}
}

// people looks at the staff that routes name (users.info).
func (e *examination) people(ctx context.Context) {
	if e.quick || e.scopes != nil && !e.scopes["users:read"] {
		return
	}
	var staff []string
	for _, r := range e.routes {
		for _, id := range r.Staff {
			if !slices.Contains(staff, id) {
				staff = append(staff, id)
			}
		}
	}
	const means = "Whoever is meant cannot call an agent or end a conversation in others' threads."
	for _, id := range staff {
		var u *slack.User
		err, ok := e.ask(ctx, methodUser, func(ctx context.Context) (err error) {
			u, err = e.api.GetUserInfoContext(ctx, id)
			return err
		})
		fix := "In Slack open the person's profile, ⋮, Copy member ID, and put it in place of " + id + " into staff of the route; or take it out."
		switch {
		case !ok:
			return
		case err != nil:
			e.Warn(checkPeople, id, "Nobody of the staff's id "+id+" is known ("+errorCode(err)+").", means, fix)
		case u.Deleted:
			e.Warn(checkPeople, id, "The account "+id+" of the staff is deactivated.", means, fix)
		case u.IsBot:
			e.Warn(checkPeople, id, "The account "+id+" of the staff is a bot's.", means, fix)
		default:
			e.OK(checkPeople, id, "The person "+id+" of the staff is known.")
		}
	}
}
