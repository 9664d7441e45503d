package main

import (
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"ccbridge/adapters/discord"
	"ccbridge/adapters/discord/discordsim"
	"ccbridge/adapters/slack"
	"ccbridge/adapters/slack/slacksim"
	"ccbridge/bridge"
	"ccbridge/ccm/ccmsim"
	"ccbridge/cmd/ccbridge/doctor"
	"ccbridge/cmd/ccbridge/service"
)

// serveOnly leaves nothing but channels in the route of an adapter, and gives the routes as the adapter gets them.
func (w *world) serveOnly(adapter string, channels ...string) []bridge.Route {
	w.t.Helper()
	of := regexp.MustCompile(`adapter = "` + adapter + `"\nchannels = \[.*\]`)
	if !of.MatchString(w.config) {
		w.t.Fatalf("no route of %s", adapter)
	}
	w.config = of.ReplaceAllString(w.config, `adapter = "`+adapter+`"`+"\nchannels = [\""+strings.Join(channels, `", "`)+`"]`)
	return service.Routes(w.load(), adapter)
}

// well has an adapter look at its platform: it must find nothing.
func (w *world) well(adapter string, routes []bridge.Route) {
	w.t.Helper()
	for _, a := range w.load().Adapters {
		if a.Name != adapter {
			continue
		}
		one, err := service.Subject(w.load(), nil, doctor.ThisMachine(), slog.New(slog.DiscardHandler)).Adapter(a)
		must(w.t, err)
		for _, f := range one.(bridge.Examiner).Examine(w.ctx, routes, false) {
			if f.Level != bridge.FindingOK {
				w.t.Errorf("not well: %+v", f)
			}
		}
		return
	}
	w.t.Fatalf("no adapter %s", adapter)
}

// TestSlackManifestSuffices: with the scopes, events and commands of the manifest for its configuration, and no others, a
// whole conversation works, what was missed is read, and the end of the channel is heard.
func TestSlackManifestSuffices(t *testing.T) {
	t.Parallel()
	for _, private := range []bool{false, true} {
		t.Run(fmt.Sprintf("private %t", private), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, echo)
			w.slack.AddChannel(slacksim.Channel{ID: helpChannel, Name: "help", Private: private})
			routes := w.serveOnly("acme", helpChannel)
			must(t, w.slack.ApplyManifest(slack.ManifestFor("Support", slack.Commands{}, routes).JSON()))
			w.well("acme", routes)
			w.run()
			k := w.open(ada, "one")
			k.told(k.slash(ada, helpChannel, "/agent"), "I am asking for a human.")
			k.waits()
			must(t, w.centre.Desk().Accept(k.visitor, "Grace"))
			k.agentSays("I am Grace")
			k.reads("I am Grace")
			for _, m := range w.slack.Thread(helpChannel, k.root) {
				if m.Text == "I am Grace" && m.Username != "Grace" {
					t.Errorf("the agent's words stand under the name %q", m.Username)
				}
			}
			w.stop()
			w.ask(ada, k.root, "while you were away")
			w.run()
			k.agentHas("while you were away")
			if who := w.bodies(k.visitor, "send:CHAT")[0]["senderNickname"]; who != "Ada" {
				t.Errorf("the agent sees the name %v", who)
			}
			k.shortcut(ada, "bridge_end")
			k.over()
			k = w.open(bob, "two")
			k.click(bob, k.root, "ccb:agent")
			k.waits()
			must(t, w.slack.KickBot(helpChannel))
			k.over()
			w.clean()
			if _, err := w.slack.Post(slacksim.Post{Channel: w.slack.OpenDM(ada), User: ada, Text: "hello"}); err == nil {
				t.Error("people can write directly to a bot that serves no direct messages")
			}
		})
	}
}

// TestSlackManifestSufficesDirect is TestSlackManifestSuffices for direct messages.
func TestSlackManifestSufficesDirect(t *testing.T) {
	t.Parallel()
	w := newWorld(t, echo)
	routes := w.serveOnly("acme", "dm")
	must(t, w.slack.ApplyManifest(slack.ManifestFor("Support", slack.Commands{}, routes).JSON()))
	w.well("acme", routes)
	w.run()
	dm := w.slack.OpenDM(ada)
	write := func(text string) {
		t.Helper()
		_, err := w.slack.Post(slacksim.Post{Channel: dm, User: ada, Text: text})
		must(t, err)
	}
	write("one")
	visitor := w.visitorOf("one")
	w.told(w.slash(ada, dm, "/agent"), "I am asking for a human.")
	w.atCentre("the queue", func(v ccmsim.View) bool { return slices.Contains(v.Waiting(), visitor) })
	must(t, w.centre.Desk().Accept(visitor, "Grace"))
	say(t, w, visitor, "I am Grace")
	w.until(w.slack.Until, "her words", func() bool {
		return slices.ContainsFunc(w.slack.Messages(dm), func(m slacksim.Message) bool { return m.Username == "Grace" })
	}, func() string { return fmt.Sprint(w.slack.Messages(dm)) })
	w.stop()
	write("while you were away")
	w.run()
	w.atCentre("it", func(v ccmsim.View) bool {
		return slices.Equal(v.Session(visitor).ToAgent, []string{"while you were away"})
	})
	w.clean()
}

// TestDiscordInvitationSuffices: with the permissions that the invitation asks for, and no others, a whole conversation
// works in a text channel and in a forum, and what was missed is read.
func TestDiscordInvitationSuffices(t *testing.T) {
	t.Parallel()
	w := newWorld(t, echo)
	routes := w.serveOnly("guild", guildChannel, guildForum)
	_, bits, _ := strings.Cut(discord.Invite(botID, routes).URL, "permissions=")
	permissions, err := strconv.ParseInt(bits, 10, 64)
	must(t, err)
	must(t, w.discord.SetRole(guildID, discordsim.Role{ID: guildID}))
	must(t, w.discord.SetRole(guildID, discordsim.Role{ID: guildID + "1", Permissions: permissions}))
	w.runDiscord()
	k := w.openDiscord("one")
	w.well("guild", routes) // by now it has registered its commands
	k.say(botPing + " agent")
	k.waits()
	must(t, w.centre.Desk().Accept(k.visitor, "Grace"))
	k.agentSays("I am Grace")
	k.reads("**Grace:** I am Grace")
	post, err := w.discord.ForumPost(guildForum, eve, "My kettle", "two")
	must(t, err)
	w.shows(post, map[string]int{"two": 2}) // hers, and its echo
	w.stop()
	k.say("while you were away")
	w.runDiscord()
	k.agentHas("while you were away")
	k.say(botPing + " end")
	k.over()
	k.reads(lineEnded)
	w.clean()
}
