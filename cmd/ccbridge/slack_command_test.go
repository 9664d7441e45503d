package main

import (
	"regexp"
	"slices"
	"testing"

	"ccbridge/adapters/slack/slacksim"
	"ccbridge/ccm/ccmsim"
)

const lineHowToStart = "You have no open conversation here. Write a message in this channel (mention me if I do not answer) to start one."

// TestSlackCommandWithoutThread: there is nothing to talk to a human about yet; the caller is told how to start.
func TestSlackCommandWithoutThread(t *testing.T) {
	t.Parallel()
	w := newWorld(t, echo)
	w.run()
	k := w.open(bob, "bob's")
	for _, command := range []string{"/agent", "/end"} {
		w.told(w.slash(ada, helpChannel, command), lineHowToStart)
	}
	w.ask(bob, k.root, botMention+" end")
	k.over()
	k.reads(lineEnded)
	w.told(w.slash(bob, helpChannel, "/agent"), lineHowToStart) // an ended one is no open one
	if n := w.centre.Calls()["send:TRANS2AGENT"]; n != 0 {
		t.Errorf("%d calls of TRANS2AGENT", n)
	}
	if len(w.centre.Sessions()) != 1 {
		t.Error("a command opened a session")
	}
	w.clean()
}

var action = regexp.MustCompile(`"action_id":"(ccb:[^"]+)"`)

// TestSlackCommandSeveralThreads: the caller chooses, privately, and only the chosen thread is concerned.
func TestSlackCommandSeveralThreads(t *testing.T) {
	t.Parallel()
	w := newWorld(t, echo)
	w.run()
	first, second := w.open(ada, "first"), w.open(ada, "second")
	w.open(bob, "bob's")
	choose := func(command string, k *talk) {
		i := w.slash(ada, helpChannel, command)
		m := w.told(i, "You have several open conversations. Which one do you mean?")
		actions := action.FindAllStringSubmatch(string(m.Blocks), -1)
		if len(actions) != 2 {
			t.Fatalf("%d buttons: %s", len(actions), m.Blocks)
		}
		at := slices.IndexFunc(actions, func(a []string) bool { return regexp.MustCompile(regexp.QuoteMeta(k.root)).MatchString(a[1]) })
		if at < 0 {
			t.Fatalf("no button for %s: %s", k.root, m.Blocks)
		}
		_, err := w.slack.Click(ada, helpChannel, m.TS, actions[at][1], "")
		must(t, err)
	}
	choose("/agent", second)
	second.waits()
	choose("/end", first)
	first.over()
	first.reads(lineEnded)
	if got := second.session().State; got != ccmsim.StateQueued {
		t.Errorf("the other session is %s", got)
	}
	w.told(w.slash(ada, helpChannel, "/end"), "I am ending this conversation.") // one is left
	second.over()
	w.channelClean()
	w.clean()
}

// TestSlackDirect: a direct-message channel is one conversation, without threads; verbs need no mention there.
func TestSlackDirect(t *testing.T) {
	t.Parallel()
	w := newWorld(t, echo)
	w.run()
	dm := w.slack.OpenDM(ada)
	write := func(text string) {
		_, err := w.slack.Post(slacksim.Post{Channel: dm, User: ada, Text: text})
		must(t, err)
	}
	shown := func(text string) {
		w.until(w.slack.Until, text, func() bool {
			return slices.ContainsFunc(w.slack.Messages(dm), func(m slacksim.Message) bool { return m.BotID != "" && m.Plain() == text })
		}, func() string { return "" })
	}
	write("one")
	shown(lineWelcome)
	shown("one")
	visitor := w.visitorOf("one")
	write("Agent")
	w.atCentre("the queue", func(v ccmsim.View) bool { return len(v.Waiting()) == 1 })
	must(t, w.centre.Desk().Accept(visitor, "Grace"))
	say(t, w, visitor, "I am Grace")
	shown("I am Grace")
	write("to Grace")
	w.atCentre("her text", func(v ccmsim.View) bool { return slices.Equal(v.Session(visitor).ToAgent, []string{"to Grace"}) })
	w.told(w.slash(ada, dm, "/agent"), "You are already talking to a human.")
	write("end")
	shown(lineEnded)
	write("thanks") // opens at once
	other := w.visitorOf("thanks")
	w.atCentre("a second session", func(v ccmsim.View) bool { return other != visitor && len(v.Session(other).ToRobot) == 1 })
	w.told(w.slash(ada, dm, "/end"), "I am ending this conversation.")
	w.atCentre("the end", func(v ccmsim.View) bool { return v.Session(other).State == ccmsim.StateEnded })
	for _, m := range w.slack.All(dm) {
		if m.ThreadTS != "" {
			t.Errorf("%q stands in a thread", m.Text)
		}
	}
	w.channelClean()
	w.clean()
}

// TestSlackMentionRoute: only a mention opens; after that replies need none.
func TestSlackMentionRoute(t *testing.T) {
	t.Parallel()
	w := newWorld(t, echo, func(c *worldConfig) { c.open = "mention" })
	w.run()
	root := w.ask(ada, "", "people among themselves")
	w.ask(bob, root, "indeed")
	w.ask(ada, root, "hello "+botMention+", are you there?")
	k := &talk{world: w, root: root}
	k.reads(lineWelcome)
	k.visitor = w.visitorOf("hello , are you there?")
	k.say("no mention")
	k.robotHas("hello , are you there?", "no mention")
	w.ask(bob, root, botMention+" agent") // not bob's
	k.finish()

	alone := &talk{world: w, root: w.ask(ada, "", botMention)}
	alone.reads(lineWelcome)
	alone.reads(greeting)
	alone.say("first word")
	alone.visitor = w.visitorOf("first word")
	alone.reads("first word")
	alone.finish()
	alone.robotHas("first word")

	verb := &talk{world: w, root: w.ask(ada, "", botMention+" agent")}
	verb.reads(lineQueued)
	w.atCentre("the queue", func(v ccmsim.View) bool { return len(v.Waiting()) == 1 })
	if n := len(w.centre.Sessions()); n != 3 {
		t.Errorf("%d sessions, want 3", n)
	}
	w.clean()
}

// TestSlackOpenPerCustomer: more conversations than allowed are refused, and nothing is lost.
func TestSlackOpenPerCustomer(t *testing.T) {
	t.Parallel()
	w := newWorld(t, echo, func(c *worldConfig) { c.limits += "open_per_customer = 1\n" })
	w.run()
	first := w.open(ada, "first")
	w.open(bob, "bob's")
	second := &talk{world: w, root: w.ask(ada, "", "second")}
	second.reads("You already have 1 open conversations. Please end one of them first.")
	if n := len(w.centre.Sessions()); n != 2 {
		t.Errorf("%d sessions, want 2", n)
	}
	first.finish()
	w.click(ada, second.root, "ccb:resend")
	second.reads(lineWelcome)
	second.visitor = w.visitorOf("second")
	second.robotHas("second")
	second.finish()
	w.clean()
}
