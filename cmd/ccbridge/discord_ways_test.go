package main

import (
	"slices"
	"strings"
	"testing"

	"ccbridge/adapters/discord/discordsim"
	"ccbridge/ccm/ccmsim"
)

const (
	lineCalling        = "I am asking for a human."
	lineAlreadyCalling = "A human has been asked for already."
	lineAlreadyAgent   = "You are already talking to a human."
	lineEnding         = "I am ending this conversation."
	lineNothingToEnd   = "There is no open conversation to end."
	lineOpening        = "I am opening the conversation again."
	lineNotYours       = "Only the person whose conversation this is can do that."
	lineWhichThread    = "You have several open conversations. Which one do you mean?"
)

func mentionOpens(c *worldConfig) { c.open = "mention" }

// TestDiscordWaysToOpen holds a whole conversation that is opened in each way there is.
func TestDiscordWaysToOpen(t *testing.T) {
	t.Parallel()
	type way struct {
		opts []option
		open func(w *world) (place string) // opens with "one"
	}
	each(t, map[string]way{
		"message": {nil, func(w *world) string { return w.write(guildChannel, "one") }},
		"mention": {[]option{mentionOpens}, func(w *world) string {
			w.write(guildChannel, "people among themselves")
			return w.write(guildChannel, botPing+" one")
		}},
		"reply that pings": {[]option{mentionOpens}, func(w *world) string {
			return w.write(guildChannel, "one "+botPing)
		}},
		"forum post": {nil, func(w *world) string {
			place, err := w.discord.ForumPost(guildForum, eve, "My kettle", "one")
			must(w.t, err)
			return place
		}},
		"forum post, by mention": {[]option{mentionOpens}, func(w *world) string {
			place, err := w.discord.ForumPost(guildForum, eve, "My kettle", "not for the bot")
			must(w.t, err)
			w.write(place, botPing+" one")
			return place
		}},
		"existing thread, by mention": {nil, func(w *world) string {
			place, err := w.discord.StartThread(guildChannel, mallory, discordsim.NewThread{Name: "old"})
			must(w.t, err)
			w.writeAs(mallory, place, "among ourselves")
			w.write(place, "indeed")
			w.write(place, botPing+" one")
			return place
		}},
		"thread of another's message": {[]option{mentionOpens}, func(w *world) string {
			root := w.writeAs(mallory, guildChannel, "look at this")
			place, err := w.discord.StartThread(guildChannel, eve, discordsim.NewThread{Name: "from it", From: root})
			must(w.t, err)
			w.write(place, botPing+" one")
			return place
		}},
		"private thread": {nil, func(w *world) string {
			place, err := w.discord.StartThread(guildChannel, eve, discordsim.NewThread{Name: "private", Private: true})
			must(w.t, err)
			w.write(place, botPing+" one")
			return place
		}},
		"direct message": {[]option{mentionOpens}, func(w *world) string {
			dm := w.discord.OpenDM(eve)
			w.write(dm, "one")
			return dm
		}},
	}, func(t *testing.T, c way) {
		w := discordWorld(t, append([]option{echo}, c.opts...)...)
		w.runDiscord()
		k := &dtalk{world: w, place: c.open(w)}
		k.visitor = w.visitorOf("one")
		k.reads("one")
		k.reads(lineWelcome)
		k.say("two")
		k.reads("two")
		k.agent()
		k.agentSays("I am Grace")
		k.reads("**Grace:** I am Grace")
		k.say("three")
		k.agentHas("three")
		k.finish()
		k.robotHas("one", "two")
		k.agentHas("three")
		k.shows(greeting, "one", "two", "**Grace:** I am Grace", lineEnded)
		if n := len(w.centre.Sessions()); n != 1 {
			t.Errorf("%d sessions at the centre", n)
		}
		w.elsewhereClean(k.place)
		w.clean()
	})
}

// TestDiscordOpensNot: what must not open a conversation does not.
func TestDiscordOpensNot(t *testing.T) {
	t.Parallel()
	w := discordWorld(t, echo)
	w.runDiscord()
	other := w.discord.AddChannel(guildID, "", discordsim.Text)
	stranger := w.discord.AddChannel(w.discord.AddGuild(""), "", discordsim.Text)
	helper := w.discord.AddUser(discordsim.User{Name: "helper", Bot: true})
	w.writeAs(helper, guildChannel, "a bot")
	w.writeAs(eve, guildChannel, "a webhook", discordsim.Extra{Webhook: true})
	w.writeAs(eve, guildChannel, "joined", discordsim.Extra{Type: 7})
	w.write(other, "no route")
	w.write(stranger, "no guild of ours")
	place, err := w.discord.StartThread(guildChannel, eve, discordsim.NewThread{Name: "old"})
	must(t, err)
	w.write(place, "in a thread, without a mention")
	k := w.openDiscord("one")
	if n := len(w.centre.Sessions()); n != 1 {
		t.Errorf("%d sessions at the centre: %+v", n, w.centre.Sessions())
	}
	k.finish()
	w.elsewhereClean(k.place)
	w.clean()
}

// TestDiscordMentionAlone: CONNECT only; and a verb as the first word.
func TestDiscordMentionAlone(t *testing.T) {
	t.Parallel()
	w := discordWorld(t, echo, mentionOpens)
	w.runDiscord()
	alone := &dtalk{world: w, place: w.write(guildChannel, botPing)}
	alone.reads(lineWelcome)
	alone.reads(greeting)
	alone.say("first word")
	alone.visitor = w.visitorOf("first word")
	alone.robotHas("first word")
	alone.finish()

	verb := &dtalk{world: w, place: w.write(guildChannel, botPing+" Human")}
	verb.reads(lineQueued)
	verb.say("for her")
	verb.visitor = w.visitorOf("for her")
	verb.waits()
	verb.agentHas("for her")
	verb.finish()
	verb.robotHas()

	end := &dtalk{world: w, place: w.write(guildChannel, botPing+" end")}
	end.reads(lineNothingToEnd)
	if n := len(w.centre.Sessions()); n != 2 {
		t.Errorf("%d sessions, want 2", n)
	}
	w.clean()
}

// TestDiscordWaysToAgent: a human is asked for in each way there is; each private answer is finished.
func TestDiscordWaysToAgent(t *testing.T) {
	t.Parallel()
	each(t, map[string]func(k *dtalk){
		"button":            func(k *dtalk) { k.press(eve, "ccb:agent", lineCalling) },
		"@bot agent":        func(k *dtalk) { k.say(botPing + " agent") },
		"@bot HUMAN":        func(k *dtalk) { k.say(botPing + "  HUMAN ") },
		"agent @bot":        func(k *dtalk) { k.say("agent " + botPing) },
		"/agent":            func(k *dtalk) { k.command(eve, k.place, "agent", lineCalling) },
		"/agent in channel": func(k *dtalk) { k.command(eve, guildChannel, "agent", lineCalling) },
		"button, by staff":  func(k *dtalk) { k.press(warden, "ccb:agent", lineCalling) },
		"/agent, by staff":  func(k *dtalk) { k.command(warden, k.place, "agent", lineCalling) },
		"mention, by staff": func(k *dtalk) { k.writeAs(warden, k.place, botPing+" agent") },
		"all at once": func(k *dtalk) {
			k.say(botPing + " agent")
			k.command(eve, k.place, "agent", lineAlreadyCalling)
			k.press(eve, "ccb:agent", lineAlreadyCalling)
			k.command(eve, guildChannel, "agent", lineAlreadyCalling)
		},
		"twice by Discord": func(k *dtalk) {
			k.discord.Duplicate(3)
			k.press(eve, "ccb:agent", lineCalling)
		},
	}, func(t *testing.T, ask func(k *dtalk)) {
		w := discordWorld(t, echo)
		w.runDiscord()
		k := w.openDiscord("one")
		k.reads("one")
		ask(k)
		k.waits()
		k.say("two")
		k.agentHas("two")
		must(t, w.centre.Desk().Accept(k.visitor, "Grace"))
		k.agentSays("I am Grace")
		k.reads("**Grace:** I am Grace")
		k.command(eve, k.place, "agent", lineAlreadyAgent)
		k.finish()
		k.robotHas("one")
		k.shows(greeting, "one", "**Grace:** I am Grace", lineEnded)
		if n := w.centre.Calls()["send:TRANS2AGENT"]; n != 1 {
			t.Errorf("%d calls of TRANS2AGENT, want 1", n)
		}
		w.clean()
	})
}

// TestDiscordWaysToEnd: the conversation ends in each way there is, and can be opened again.
func TestDiscordWaysToEnd(t *testing.T) {
	t.Parallel()
	type end struct {
		do       func(k *dtalk)
		line, by string
	}
	each(t, map[string]end{
		"button":           {func(k *dtalk) { k.press(eve, "ccb:end", lineEnding) }, lineEnded, "visitor"},
		"@bot end":         {func(k *dtalk) { k.say(botPing + " end") }, lineEnded, "visitor"},
		"/end":             {func(k *dtalk) { k.command(eve, k.place, "end", lineEnding) }, lineEnded, "visitor"},
		"/end in channel":  {func(k *dtalk) { k.command(eve, guildChannel, "end", lineEnding) }, lineEnded, "visitor"},
		"by staff":         {func(k *dtalk) { k.press(warden, "ccb:end", lineEnding) }, lineEnded, "visitor"},
		"agent":            {func(k *dtalk) { must(k.t, k.centre.Desk().End(k.visitor)) }, lineAgentEnds, "agent"},
		"centre's timeout": {func(k *dtalk) { must(k.t, k.centre.Desk().TimeOut(k.visitor, false)) }, lineCentreEnds, "system"},
	}, func(t *testing.T, c end) {
		w := discordWorld(t, echo)
		w.runDiscord()
		k := w.openDiscord("one")
		k.agent()
		k.agentSays("I am Grace")
		k.reads("**Grace:** I am Grace")
		c.do(k)
		k.over()
		k.reads(c.line)
		if got := k.session().EndedBy; got != c.by {
			t.Errorf("ended by %q, want %q", got, c.by)
		}
		k.command(eve, k.place, "end", lineNothingToEnd)
		k.say("thanks")
		k.reads(lineAsk)
		k.say("thanks again")
		k.press(eve, "ccb:again", lineOpening)
		former := k.visitor
		k.visitor = w.visitorOf("thanks")
		if k.visitor == former || len(w.centre.Sessions()) != 2 {
			t.Errorf("the new session is %s, the old was %s; %d at the centre", k.visitor, former, len(w.centre.Sessions()))
		}
		k.robotHas("thanks", "thanks again")
		if n := k.count(lineAsk); n != 1 {
			t.Errorf("asked %d times", n)
		}
		k.finish()
		w.clean()
	})
}

// TestDiscordDirect: a direct-message channel is one conversation; verbs need no mention there; it opens again at once.
func TestDiscordDirect(t *testing.T) {
	t.Parallel()
	w := discordWorld(t, echo)
	w.runDiscord()
	k := &dtalk{world: w, place: w.discord.OpenDM(eve)}
	k.say("one")
	k.reads(lineWelcome)
	k.visitor = w.visitorOf("one")
	k.say("Agent")
	k.waits()
	must(t, w.centre.Desk().Accept(k.visitor, "Grace"))
	k.agentSays("I am Grace")
	k.reads("**Grace:** I am Grace")
	k.say("to Grace")
	k.agentHas("to Grace")
	k.press(eve, "ccb:agent", lineAlreadyAgent)
	k.press(eve, "ccb:end", lineEnding)
	k.over()
	k.reads(lineEnded)
	former := k.visitor
	k.say("thanks") // opens at once
	if k.visitor = w.visitorOf("thanks"); k.visitor == former {
		t.Error("the new session has the visitor of the old")
	}
	k.robotHas("thanks")
	k.say("end")
	k.over()
	w.clean()
}

// TestDiscordCommandElsewhere: a command in the channel means the caller's open thread, or is answered privately.
func TestDiscordCommandElsewhere(t *testing.T) {
	t.Parallel()
	w := discordWorld(t, echo)
	w.runDiscord()
	for _, name := range []string{"agent", "end"} {
		w.command(eve, guildChannel, name, lineHowToStart)
	}
	if n := len(w.centre.Sessions()); n != 0 {
		t.Errorf("a command opened %d sessions", n)
	}
	first, second := w.openDiscord("first"), w.openDiscord("second")
	w.command(mallory, guildChannel, "agent", lineHowToStart)
	w.command(mallory, first.place, "agent", lineNotYours)
	first.press(mallory, "ccb:end", lineNotYours)
	choose := func(name string, k *dtalk, answer string) {
		t.Helper()
		i := w.slashDiscord(eve, guildChannel, name)
		var m discordsim.Message
		w.until(w.untilDiscord, "the choice", func() bool {
			x, _ := w.discord.Interaction(i)
			if x.Loading || len(x.Answers) != 1 {
				return false
			}
			m = x.Answers[0]
			return true
		}, func() string { return "none" })
		at := slices.IndexFunc(m.Buttons, func(b discordsim.Button) bool { return strings.HasSuffix(b.CustomID, k.place) })
		if at < 0 || len(m.Buttons) != 2 || m.EphemeralTo != eve || m.Content[:len(lineWhichThread)] != lineWhichThread {
			t.Fatalf("the choice is %+v", m)
		}
		click, err := w.discord.Click(eve, m.ID, m.Buttons[at].CustomID)
		must(t, err)
		w.answered(click, answer)
	}
	choose("agent", second, lineCalling)
	second.waits()
	choose("end", first, lineEnding)
	first.over()
	if got := second.session().State; got != ccmsim.StateQueued {
		t.Errorf("the other session is %s", got)
	}
	first.reads(lineEnded)
	w.command(eve, guildChannel, "end", lineEnding) // one is left
	second.over()
	w.elsewhereClean(first.place, second.place)
	w.clean()
}

// TestDiscordCommandWithoutSession: in a thread that is no conversation of ours, and where no route leads, the caller is
// told how to start; nothing is left thinking.
func TestDiscordCommandWithoutSession(t *testing.T) {
	t.Parallel()
	w := discordWorld(t, echo)
	w.runDiscord()
	unrouted := w.discord.AddChannel(guildID, "", discordsim.Text)
	for _, channel := range []string{guildChannel, unrouted} {
		place, err := w.discord.StartThread(channel, eve, discordsim.NewThread{Name: "ours"})
		must(t, err)
		for _, name := range []string{"agent", "end"} {
			w.command(eve, place, name, lineHowToStart)
		}
	}
	w.command(eve, unrouted, "agent", lineHowToStart)
	if n := len(w.centre.Sessions()); n != 0 {
		t.Errorf("%d sessions at the centre", n)
	}
	w.clean()
}
