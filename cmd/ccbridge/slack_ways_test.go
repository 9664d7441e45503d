package main

import (
	"strconv"
	"testing"
	"time"

	"ccbridge/adapters/slack/slacksim"
	"ccbridge/ccm/ccmsim"
)

// TestSlackWaysToAgent: the robot answers, a human is asked for in each way there is, and the agent's words come.
func TestSlackWaysToAgent(t *testing.T) {
	t.Parallel()
	each(t, map[string]func(k *talk){
		"button":            func(k *talk) { k.click(ada, k.root, "ccb:agent") },
		"@bot agent":        func(k *talk) { k.say(botMention + " agent") },
		"@bot: HUMAN":       func(k *talk) { k.say(botMention + ": HUMAN ") },
		"/agent":            func(k *talk) { k.told(k.slash(ada, helpChannel, "/agent"), "I am asking for a human.") },
		"shortcut":          func(k *talk) { k.shortcut(ada, "bridge_human") },
		"button, by staff":  func(k *talk) { k.click(boss, k.root, "ccb:agent") },
		"mention, by staff": func(k *talk) { k.ask(boss, k.root, botMention+" agent") },
		"all at once": func(k *talk) {
			k.say(botMention + " agent")
			k.click(ada, k.root, "ccb:agent")
			k.click(ada, k.root, "ccb:agent")
			k.slash(ada, helpChannel, "/agent")
		},
		"button twice by Slack's retry": func(k *talk) {
			must(k.t, k.slack.InjectEvent(slacksim.EventFault{Kind: slacksim.Twice, Times: -1}))
			k.say(botMention + " agent")
		},
	}, func(t *testing.T, ask func(k *talk)) {
		w := newWorld(t, echo)
		w.run()
		k := w.open(ada, "one")
		k.say("two")
		k.reads("two")
		ask(k)
		k.waits()
		k.say("three")
		k.agentHas("three")
		must(t, w.centre.Desk().Accept(k.visitor, "Grace"))
		k.agentSays("I am Grace")
		k.reads("I am Grace")
		k.say("four")
		k.agentHas("three", "four")
		k.finish()
		k.robotHas("one", "two")
		for _, m := range w.slack.Thread(helpChannel, k.root) {
			if m.Text == "I am Grace" && m.Username != "Grace" {
				t.Errorf("the agent's words stand under the name %q", m.Username)
			}
		}
		k.shows(greeting, "one", "two", "I am Grace", lineEnded)
		if n := w.centre.Calls()["send:TRANS2AGENT"]; n != 1 {
			t.Errorf("%d calls of TRANS2AGENT, want 1", n)
		}
		w.clean()
	})
}

func (k *talk) shortcut(user, id string) {
	k.t.Helper()
	i, err := k.slack.Shortcut(user, helpChannel, k.root, id)
	must(k.t, err)
	k.until(k.slack.Until, "the acknowledgement", func() bool { return i.Outcome().Acked }, func() string { return "none" })
}

// TestSlackWaysToEnd: the conversation ends in each way there is; a word after it opens nothing by itself.
func TestSlackWaysToEnd(t *testing.T) {
	t.Parallel()
	end := func(do func(k *talk), line, by string) func(*testing.T) {
		return func(t *testing.T) {
			w := newWorld(t, echo)
			w.run()
			k := w.open(ada, "one")
			k.agent()
			k.agentSays("I am Grace")
			k.reads("I am Grace")
			do(k)
			k.over()
			k.reads(line)
			if got := k.session().EndedBy; got != by {
				t.Errorf("ended by %q, want %q", got, by)
			}
			k.again("thanks", "thanks again")
			w.clean()
		}
	}
	each(t, map[string]func(*testing.T){
		"button":           end(func(k *talk) { k.click(ada, k.root, "ccb:end") }, lineEnded, "visitor"),
		"@bot end":         end(func(k *talk) { k.say(botMention + " end") }, lineEnded, "visitor"),
		"/end":             end(func(k *talk) { k.told(k.slash(ada, helpChannel, "/end"), "I am ending this conversation.") }, lineEnded, "visitor"),
		"shortcut":         end(func(k *talk) { k.shortcut(ada, "bridge_end") }, lineEnded, "visitor"),
		"by staff":         end(func(k *talk) { k.click(boss, k.root, "ccb:end") }, lineEnded, "visitor"),
		"twice":            end(func(k *talk) { k.say(botMention + " end"); k.click(ada, k.root, "ccb:end") }, lineEnded, "visitor"),
		"agent":            end(func(k *talk) { must(k.t, k.centre.Desk().End(k.visitor)) }, lineAgentEnds, "agent"),
		"centre's timeout": end(func(k *talk) { must(k.t, k.centre.Desk().TimeOut(k.visitor, false)) }, lineCentreEnds, "system"),
	}, func(t *testing.T, do func(*testing.T)) { do(t) })
}

// again writes after the end: the first word is asked about, once, and both go into the new session when they may.
func (k *talk) again(first, second string) {
	k.t.Helper()
	k.say(first)
	k.reads(lineAsk)
	k.say(second)
	if n := len(k.centre.Sessions()); n != 1 {
		k.t.Errorf("a word after the end made %d sessions", n-1)
	}
	k.click(ada, k.root, "ccb:again")
	former := k.visitor
	k.visitor = k.visitorOf(first)
	if k.visitor == former {
		k.t.Error("the new session has the visitor of the old")
	}
	k.robotHas(first, second)
	if n := k.count(lineAsk); n != 1 {
		k.t.Errorf("asked %d times", n)
	}
}

// TestSlackIdle: nobody says a word; a warning, then the end.
func TestSlackIdle(t *testing.T) {
	t.Parallel()
	w := newWorld(t, echo, limits(`idle = "1500ms"`, `call_timeout = "2s"`))
	w.run()
	k := w.open(ada, "one")
	k.reads("one")
	spoke := time.Now()
	k.say("two")
	k.reads("two")
	k.reads("Are you still there? Without a word from you this conversation ends in 1 seconds.")
	k.over()
	if took := time.Since(spoke); took < 1800*time.Millisecond {
		t.Errorf("ended after %s", took)
	}
	k.reads("This conversation has ended because nobody wrote for a while.")
	k.again("thanks", "thanks again")
	w.stop()
	w.clean()
}

// TestSlackFields compares what reached the centre with the documented bodies, field by field (cec_07_0103, cec_07_0105).
func TestSlackFields(t *testing.T) {
	t.Parallel()
	w := newWorld(t, echo)
	w.run()
	began := time.Now().Add(-time.Minute)
	text := "Grüße & <b>quotes</b> \"q\" 😀"
	root := w.ask(ada, "", text)
	k := &talk{world: w, root: root, visitor: w.visitorOf(text)}
	k.reads(lineWelcome)
	k.agent()
	k.say("for the agent")
	k.agentHas("for the agent")
	k.finish()

	if got := w.bodies(k.visitor, "applyToken"); len(got) == 0 || len(got[0]) != 4 || got[0]["userId"] != k.visitor ||
		got[0]["userName"] != "Ada" || got[0]["channelId"] != w.centre.ChannelID() || got[0]["locale"] != "en" {
		t.Errorf("applyToken got %v", got)
	}
	ids := map[any]bool{}
	bodies := w.bodies(k.visitor, "")
	want := [][2]string{{"CONNECT", ""}, {"CHAT", text}, {"TRANS2AGENT", ""}, {"CHAT", "for the agent"}, {"DISCONNECT", ""}}
	if len(bodies) != len(want) {
		t.Fatalf("the centre got %v", bodies)
	}
	for i, body := range bodies {
		fields := map[string]any{"channel": "WEB", "mediaType": "TEXT", "sourceType": "CUSTOMER", "from": k.visitor, "to": w.centre.ChannelID(),
			"senderNickname": "Ada", "controlType": want[i][0], "content": want[i][1]}
		for name, value := range fields {
			if body[name] != value {
				t.Errorf("%s: %s is %q, want %q", want[i][0], name, body[name], value)
			}
		}
		ms, err := strconv.ParseInt(body["timestamp"].(string), 10, 64)
		if at := time.UnixMilli(ms); err != nil || at.Before(began) || at.After(time.Now().Add(time.Second)) {
			t.Errorf("%s: timestamp is %q", want[i][0], body["timestamp"])
		}
		if id, _ := body["messageId"].(string); len(id) != 24 || ids[id] {
			t.Errorf("%s: messageId is %q", want[i][0], id)
		}
		ids[body["messageId"]] = true
		if len(body) != len(fields)+2 {
			t.Errorf("%s has the fields %v", want[i][0], body)
		}
	}
	w.clean()
}

// TestSlackDormant: the centre closes softly; a word wakes the session.
func TestSlackDormant(t *testing.T) {
	t.Parallel()
	w := newWorld(t, echo)
	w.run()
	k := w.open(ada, "one")
	k.agent()
	k.agentSays("I am Grace")
	k.reads("I am Grace")
	must(t, w.centre.Desk().TimeOut(k.visitor, true))
	k.reads("The session timed out. You can still leave a message.")
	k.say("still here")
	k.atCentre("awake", func(v ccmsim.View) bool { return v.Session(k.visitor).State == ccmsim.StateAgent })
	k.agentHas("still here")
	k.agentSays("so am I")
	k.reads("so am I")
	k.finish()
	if n := len(w.centre.Sessions()); n != 1 {
		t.Errorf("%d sessions", n)
	}
	w.clean()
}
