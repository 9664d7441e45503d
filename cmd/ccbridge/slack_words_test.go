package main

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"ccbridge/adapters/slack/slacksim"
	"ccbridge/ccm/ccmsim"
)

const lineFile = "Files cannot be passed on yet. The other side only sees the file's name."

// TestSlackEditsAndFiles: what was sent and then changed, taken back or came with a file is told to the other side.
func TestSlackEditsAndFiles(t *testing.T) {
	t.Parallel()
	w := newWorld(t, echo)
	w.run()
	k := w.open(ada, "one")
	ts := k.say("my number is 12")
	k.robotHas("one", "my number is 12")
	must(t, w.slack.Edit(helpChannel, ts, "my number is 13"))
	k.robotHas("one", "my number is 12", "[Correction] my number is 13")
	must(t, w.slack.Unfurl(helpChannel, ts))
	must(t, w.slack.Edit(helpChannel, ts, "my number is 13")) // no change of words
	must(t, w.slack.Delete(helpChannel, ts))
	k.robotHas("one", "my number is 12", "[Correction] my number is 13", "[The customer deleted a message: “my number is 12”]")
	_, err := w.slack.Post(slacksim.Post{Channel: helpChannel, User: ada, ThreadTS: k.root, Text: "see here",
		Files: []slacksim.File{{ID: "F1", Name: "bill.pdf", Mimetype: "application/pdf"}}})
	must(t, err)
	k.reads(lineFile)
	_, err = w.slack.Post(slacksim.Post{Channel: helpChannel, User: ada, ThreadTS: k.root, Files: []slacksim.File{{ID: "F2"}}})
	must(t, err)
	w.heard() // over the other socket the next might overtake it
	k.say("last")
	k.reads("last")
	k.robotHas("one", "my number is 12", "[Correction] my number is 13", "[The customer deleted a message: “my number is 12”]",
		"see here", "[The customer sent a file: bill.pdf. It was not carried over.]", "[The customer sent a file: F2. It was not carried over.]", "last")
	k.finish()
	w.clean()
}

// TestSlackEditWhileHeld: what still waits is changed or forgotten, and the other side sees the last state only.
func TestSlackEditWhileHeld(t *testing.T) {
	t.Parallel()
	w := newWorld(t, echo)
	w.centre.Fail("send:CONNECT", 1, ccmsim.Delay(300_000_000))
	w.run()
	k := &talk{world: w, root: w.ask(ada, "", "one")}
	changed, dropped := k.say("first version"), k.say("never mind")
	must(t, w.slack.Edit(helpChannel, changed, "second version"))
	must(t, w.slack.Delete(helpChannel, dropped))
	k.visitor = w.visitorOf("one")
	k.say("last")
	k.robotHas("one", "second version", "last")
	k.finish()
	w.clean()
}

// TestSlackSystemTextsOnce: texts of the centre itself are shown once per session and content.
func TestSlackSystemTextsOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, echo)
	w.run()
	k := w.open(ada, "one")
	k.queue()
	k.reads(lineQueued)
	for range 3 {
		must(t, w.centre.Desk().SystemSay(k.visitor, "All lines are busy."))
	}
	must(t, w.centre.Desk().RobotSay(k.visitor, "I am still here"))
	k.reads("I am still here")
	if n := k.count("All lines are busy."); n != 1 {
		t.Errorf("shown %d times", n)
	}
	for _, m := range w.slack.Thread(helpChannel, k.root) {
		if m.Text == "I am still here" && m.Username != "bot" {
			t.Errorf("in the queue the robot's words stand under the name %q", m.Username)
		}
	}
	k.finish()
	w.clean()
}

// TestSlackSpeakers: words of bystanders and staff.
func TestSlackSpeakers(t *testing.T) {
	t.Parallel()
	t.Run("customer", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, echo)
		w.run()
		k := w.open(ada, "one")
		w.ask(bob, k.root, "I have that too")
		w.ask(boss, k.root, "we know")
		w.ask(bob, k.root, botMention+" end")
		for _, prefix := range []string{"ccb:end", "ccb:agent"} {
			i := w.click(bob, k.root, prefix)
			w.told(i, "Only the person whose conversation this is can do that.")
		}
		k.say("two")
		k.reads("two")
		k.robotHas("one", "two")
		k.finish()
		if n := w.centre.Calls()["send:TRANS2AGENT"]; n != 0 {
			t.Error("a bystander called an agent")
		}
		w.clean()
	})
	t.Run("everyone", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, echo, func(c *worldConfig) { c.route = `speakers = "everyone"` })
		w.run()
		k := w.open(ada, "one")
		w.ask(bob, k.root, "I have <@U0ADA>'s problem too")
		w.ask(boss, k.root, "we know")
		k.robotHas("one", "Bob: I have @Ada's problem too")
		k.finish()
		k.robotHas("one", "Bob: I have @Ada's problem too")
		w.clean()
	})
}

// TestSlackLongUp: long text goes up in pieces of at most 1024 bytes, whole characters, in order; far too long text is
// refused whole.
func TestSlackLongUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t, echo)
	w.run()
	k := w.open(ada, "one")
	long := strings.TrimSpace(strings.Repeat("Straße 😀 nach <Köln> & zurück. ", 120))
	k.say(long)
	k.say("next")
	k.reads("next")
	got := k.session().ToRobot
	if n := len(got); n < 4 || got[n-1] != "next" {
		t.Fatalf("the robot got %d texts, the last %q", n, got[n-1])
	}
	for _, piece := range got {
		if len(piece) > 1024 || !utf8.ValidString(piece) {
			t.Errorf("a piece has %d bytes", len(piece))
		}
	}
	if joined := strings.Join(got[1:len(got)-1], ""); joined != long {
		t.Errorf("the pieces make\n%q, want\n%q", joined, long)
	}
	k.say(strings.Repeat("x", 40_000))
	k.reads("Your message is too long and was not passed on. At most about 20480 characters can be sent at once.")
	k.say("after")
	k.reads("after")
	if n := len(k.session().ToRobot); n != len(got)+1 {
		t.Errorf("of 40,000 characters %d pieces came", n-len(got)-1)
	}
	k.finish()
	w.clean()
}

// TestSlackLongDown: long text is shown in several posts, none longer than Slack keeps together, in order.
func TestSlackLongDown(t *testing.T) {
	t.Parallel()
	w := newWorld(t, echo)
	w.run()
	k := w.open(ada, "one")
	k.agent()
	var words []string
	for i := range 2500 {
		words = append(words, fmt.Sprintf("word%d<&>", i))
	}
	long := strings.Join(words, " ")
	must(t, w.centre.Desk().Put(k.visitor, map[string]any{"content": long, "messageCode": "c1"}))
	k.agentSays("next")
	k.reads("next")
	var shown []string
	for _, m := range w.slack.Thread(helpChannel, k.root) {
		if m.Username != "Grace" {
			continue
		}
		if len(m.Text) > 4000 {
			t.Errorf("a post of %d characters", len(m.Text))
		}
		shown = append(shown, m.Plain())
	}
	if n := len(shown); n < 3 || shown[n-1] != "next" {
		t.Fatalf("%d posts", n)
	}
	if got := strings.Join(shown[:len(shown)-1], " "); got != long {
		t.Errorf("shown is %.300q", got)
	}
	k.finish()
	w.clean()
}

// TestSlackHostileMarkup: nobody can be pinged or spoofed from either side.
func TestSlackHostileMarkup(t *testing.T) {
	t.Parallel()
	hostile := []string{
		"<!channel> come here", "<!here|x> <@U0BOB> <#C0HELP|help>", "&lt;!channel&gt; &amp;lt;@U0BOB&gt;", "<https://evil.example|bank.example>",
		"@channel @here @everyone @bob", "*bold* _it_ ~no~ `code` ```block``` > quote", "<!subteam^S1|@team>", "\u202eevil\u0000\u200b", "<!date^1^{date}|x>",
	}
	w := newWorld(t, echo)
	w.run()
	k := w.open(ada, "one")
	for _, text := range hostile {
		must(t, w.centre.Desk().RobotSay(k.visitor, text))
	}
	k.queue()
	must(t, w.centre.Desk().Accept(k.visitor, "<!channel>*x* <@U0BOB>"))
	for _, text := range hostile {
		k.agentSays(text)
	}
	k.agentSays("last")
	k.reads("last")
	for _, m := range w.slack.All(helpChannel) {
		if len(m.Pings) > 0 {
			t.Errorf("%q pings %v", m.Text, m.Pings)
		}
		if strings.Contains(m.Username, "<") && !strings.HasPrefix(m.Username, "<!channel>") {
			t.Errorf("username %q", m.Username)
		}
	}
	for _, text := range hostile {
		if n := k.count(text); n != 2 {
			t.Errorf("%q is shown %d times, want 2", text, n)
		}
	}
	for _, call := range w.slack.Calls("chat.postMessage") {
		if call.Args["link_names"] != "" || call.Args["parse"] == "full" {
			t.Errorf("posted with %v", call.Args)
		}
	}
	k.say("<!channel> <@U0BOB> <https://x.example|x.example> a &amp; b &lt;b&gt;")
	k.agentHas("@channel @Bob x.example a &amp; b &lt;b&gt;")
	k.finish()
	w.clean()
}

// TestSlackStrangeEvents: events that mean nothing cost nothing.
func TestSlackStrangeEvents(t *testing.T) {
	t.Parallel()
	w := newWorld(t, echo, func(c *worldConfig) { c.slack.AppMentions = true })
	w.run()
	k := &talk{world: w, root: w.ask(ada, "", botMention+" one"), visitor: w.visitorOf("one")}
	k.reads(lineWelcome)
	for _, inner := range []map[string]any{
		{"type": "message"}, {"type": "message", "channel": helpChannel, "user": nil, "ts": "x", "text": 7},
		{"type": "message", "subtype": "message_changed", "channel": helpChannel}, {"type": "message", "subtype": "unheard_of", "channel": helpChannel, "user": ada, "ts": k.root, "text": "x"},
		{"type": "message", "subtype": "message_deleted", "channel": helpChannel, "deleted_ts": "1.2"}, {"type": "star_added"}, {},
		{"type": "message", "channel": map[string]any{"id": 1}, "thread_ts": k.root, "user": ada},
	} {
		w.slack.SendEvent(inner)
	}
	must(t, w.slack.InjectEvent(slacksim.EventFault{Kind: slacksim.Malformed}))
	w.slack.SendEvent(map[string]any{"type": "star_added"})
	_, err := w.slack.Post(slacksim.Post{Channel: helpChannel, BotID: "B0OTHER", ThreadTS: k.root, Text: "from another app", Subtype: "bot_message"})
	must(t, err)
	_, err = w.slack.Post(slacksim.Post{Channel: helpChannel, User: ada, ThreadTS: k.root, Text: "acts", Subtype: "me_message"})
	must(t, err)
	_, err = w.slack.Post(slacksim.Post{Channel: helpChannel, User: ada, ThreadTS: k.root, Text: "for all", Broadcast: true})
	must(t, err)
	k.robotHas("one", "acts", "for all")
	k.finish()
	if n := len(w.centre.Sessions()); n != 1 {
		t.Errorf("%d sessions", n)
	}
	w.until(w.slack.Until, "no event under way", func() bool { s := w.slack.Stats(); return s.InFlight == 0 && s.Waiting == 0 },
		func() string { return fmt.Sprintf("%+v", w.slack.Stats()) })
	if lost := w.slack.Lost(); len(lost) > 0 {
		t.Errorf("never acknowledged: %v", lost)
	}
	if retries := w.slack.Stats().Retries; retries > 0 {
		t.Errorf("%d events had to be sent again", retries)
	}
	w.clean()
}
