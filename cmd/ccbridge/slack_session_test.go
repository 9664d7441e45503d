package main

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"ccbridge/adapters/slack/slacksim"
	"ccbridge/ccm/ccmsim"
)

// TestSlackAwayTooLong: the bridge is down for longer than the centre keeps a session. What was written meanwhile
// arrives in a new session, once, and the thread is told.
func TestSlackAwayTooLong(t *testing.T) {
	t.Parallel()
	each(t, map[string]func(w *world, k *talk){
		"lost":             func(w *world, k *talk) { must(w.t, w.centre.Desk().Lose(k.visitor)) },
		"ended by timeout": func(w *world, k *talk) { must(w.t, w.centre.Desk().TimeOut(k.visitor, false)) },
		"not polled": func(w *world, k *talk) {
			w.centre.Change(func(s *ccmsim.Switches) { s.SessionTimeout = 50 * time.Millisecond })
			k.over()
			w.centre.Change(func(s *ccmsim.Switches) { s.SessionTimeout = time.Minute })
		},
	}, func(t *testing.T, forget func(w *world, k *talk)) {
		w := newWorld(t, echo)
		w.run()
		k := w.open(ada, "one")
		k.agent()
		k.agentSays("I am Grace")
		k.reads("I am Grace")
		w.stop()
		forget(w, k)
		k.say("two")
		k.say("three")
		w.run()
		k.reads(lineNewSession)
		former := k.visitor
		if k.visitor = w.visitorOf("three"); k.visitor == former {
			t.Fatal("the text went into the old session")
		}
		k.robotHas("two", "three")
		k.finish()
		k.robotHas("two", "three")
		if n := len(w.centre.Sessions()); n != 2 {
			t.Errorf("%d sessions", n)
		}
		if n := k.count(lineNewSession); n != 1 {
			t.Errorf("told %d times", n)
		}
		w.clean()
	})
}

// TestSlackAwayTooLongInSilence: nobody wrote meanwhile. The thread is told, and a word after that is asked about.
func TestSlackAwayTooLongInSilence(t *testing.T) {
	t.Parallel()
	w := newWorld(t, echo)
	w.run()
	k := w.open(ada, "one")
	k.reads("one")
	w.stop()
	must(t, w.centre.Desk().Lose(k.visitor))
	w.run()
	k.reads(lineLost)
	k.again("two", "three")
	w.clean()
}

// TestSlackLostUnderway: the centre forgets a session while the bridge runs; the text that finds out goes into the next.
func TestSlackLostUnderway(t *testing.T) {
	t.Parallel()
	each(t, map[string]string{"160004": "", "5": "5", "6": "6"}, func(t *testing.T, code string) {
		w := newWorld(t, echo, func(c *worldConfig) { c.centre.EndedCode = code })
		w.run()
		k := w.open(ada, "one")
		k.reads("one")
		must(t, w.centre.Desk().Lose(k.visitor))
		k.say("two")
		k.say("three")
		k.reads(lineNewSession)
		k.visitor = w.visitorOf("three")
		k.robotHas("two", "three")
		k.finish()
		k.robotHas("two", "three")
		w.clean()
	})
}

// TestSlackLostTransfer: the centre forgot the session when a human is asked for.
func TestSlackLostTransfer(t *testing.T) {
	t.Parallel()
	w := newWorld(t, echo)
	w.run()
	k := w.open(ada, "one")
	k.reads("one")
	must(t, w.centre.Desk().Lose(k.visitor))
	k.click(ada, k.root, "ccb:agent")
	k.say("for her")
	w.atCentre("the queue", func(v ccmsim.View) bool { return len(v.Waiting()) == 1 })
	k.visitor = w.centre.Desk().Waiting()[0]
	k.agentHas("for her")
	k.finish()
	k.robotHas()
	w.clean()
}

// TestSlackDisconnectRaces: the centre ends the session, and before the bridge hears of it a text is written.
func TestSlackDisconnectRaces(t *testing.T) {
	t.Parallel()
	each(t, map[string]func(k *talk){
		"by the agent":  func(k *talk) { must(k.t, k.centre.Desk().End(k.visitor)) },
		"by the centre": func(k *talk) { must(k.t, k.centre.Desk().TimeOut(k.visitor, false)) },
	}, func(t *testing.T, end func(k *talk)) {
		w := newWorld(t, echo)
		w.run()
		k := w.open(ada, "one")
		k.agent()
		k.agentSays("I am Grace")
		k.reads("I am Grace")
		w.centre.Fail("poll", 1, ccmsim.Delay(400*time.Millisecond).After())
		end(k)
		k.say("two")
		k.say("three")
		k.reads(lineNewSession)
		former := k.visitor
		k.visitor = w.visitorOf("three")
		k.robotHas("two", "three")
		if got := w.centre.Session(former).ToAgent; len(got) > 0 {
			t.Errorf("the old session got %q", got)
		}
		k.finish()
		k.robotHas("two", "three")
		if n := len(w.centre.Sessions()); n != 2 {
			t.Errorf("%d sessions", n)
		}
		w.clean()
	})
}

// TestSlackTwoThreads: two threads of one customer at once, and one of somebody else: no answer crosses.
func TestSlackTwoThreads(t *testing.T) {
	t.Parallel()
	w := newWorld(t, echo)
	w.run()
	var talks []*talk
	for i, who := range []string{ada, ada, bob} {
		talks = append(talks, &talk{world: w, root: w.ask(who, "", fmt.Sprintf("thread %d", i))})
	}
	w.heard()
	var want [3][]string
	for n := range 12 {
		for i, k := range talks {
			text := fmt.Sprintf("%d in thread %d", n, i)
			w.ask([]string{ada, ada, bob}[i], k.root, text)
			want[i] = append(want[i], text)
		}
		w.heard()
	}
	for i, k := range talks {
		k.reads(want[i][11])
		k.visitor = w.visitorOf(want[i][11])
		k.shows(append([]string{greeting, fmt.Sprintf("thread %d", i)}, want[i]...)...)
		k.robotHas(append([]string{fmt.Sprintf("thread %d", i)}, want[i]...)...)
	}
	w.channelClean()
	w.clean()
}

// rootDeleted opens a conversation with an agent and then deletes its root, of which no event tells the bridge.
func rootDeleted(w *world, lost int) *talk {
	k := w.open(ada, "one")
	k.agent()
	k.agentSays("I am Grace")
	k.reads("I am Grace")
	must(w.t, w.slack.InjectEvent(slacksim.EventFault{Kind: slacksim.Lost, Times: lost}))
	must(w.t, w.slack.Delete(helpChannel, k.root))
	return k
}

const toldGone = "[The customer's thread was deleted. Messages can no longer be shown.]"

// TestSlackRootDeleted: the root is deleted while a post is under way. Slack puts that post into the channel; it is taken
// back, the agent is told, the session ends, and nothing is posted twice.
func TestSlackRootDeleted(t *testing.T) {
	t.Parallel()
	each(t, map[string]func(w *world){
		"plain":              func(*world) {},
		"post's answer lost": func(w *world) { w.slack.Inject(slacksim.Fault{Method: "chat.postMessage", Drop: true, After: true}) },
		"deletion's lost":    func(w *world) { w.slack.Inject(slacksim.Fault{Method: "chat.delete", Drop: true, After: true}) },
		"deletion fails":     func(w *world) { w.slack.Inject(slacksim.Fault{Method: "chat.delete", Status: 500}) },
		"deletion is limited": func(w *world) {
			w.slack.Inject(slacksim.Fault{Method: "chat.delete", Status: 429, Header: map[string]string{"Retry-After": "1"}})
		},
		"histories are limited": func(w *world) {
			w.slack.Inject(slacksim.Fault{Method: "chat.postMessage", Drop: true, After: true})
			w.slack.Inject(slacksim.Fault{Method: "conversations.replies", Status: 429, Header: map[string]string{"Retry-After": "1"}})
		},
	}, func(t *testing.T, injure func(w *world)) {
		w := newWorld(t, doubtful)
		w.run()
		k := rootDeleted(w, 1)
		injure(w)
		k.agentSays("where are you?")
		k.agentHas(toldGone)
		k.over()
		w.noStray(k, 2)
		w.clean()
	})
	t.Run("heard of at once", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, doubtful)
		w.run()
		k := w.open(ada, "one")
		k.agent()
		k.agentSays("I am Grace")
		k.reads("I am Grace")
		must(t, w.slack.Delete(helpChannel, k.root))
		k.agentHas(toldGone)
		k.over()
		w.noStray(k, 1)
		w.clean()
	})
}

// noStray waits until nothing of the bridge stands in the channel; so many of its posts after Grace's first words may
// have been made.
func (w *world) noStray(k *talk, most int) {
	w.t.Helper()
	stray := func() bool {
		return slices.ContainsFunc(w.slack.Messages(helpChannel), func(m slacksim.Message) bool { return m.BotID != "" })
	}
	w.until(w.slack.Until, "a clean channel", func() bool { return !stray() }, func() string { return fmt.Sprintf("%+v", w.slack.Messages(helpChannel)) })
	made := map[string]int{}
	for _, c := range w.slack.Calls("chat.postMessage") {
		if c.Done {
			made[c.Args["text"]]++
		}
	}
	for text, n := range made {
		if n > 1 {
			w.t.Errorf("posted %d times: %q", n, text)
		}
	}
	if n := made["where are you?"]; n > most {
		w.t.Errorf("posted %d times", n)
	}
}

// TestSlackRootDeletedKilled: the bridge is killed between the post into the channel and its check.
func TestSlackRootDeletedKilled(t *testing.T) {
	t.Parallel()
	w := newWorld(t, doubtful)
	c := w.spawn(0)
	w.logged(`msg="caught up" adapter=acme`)
	k := rootDeleted(w, 1)
	w.slack.Inject(slacksim.Fault{Method: "chat.postMessage", After: true, Delay: 10 * time.Second})
	k.agentSays("where are you?")
	w.until(w.slack.Until, "the stray", func() bool {
		return slices.ContainsFunc(w.slack.Messages(helpChannel), func(m slacksim.Message) bool { return m.Text == "where are you?" })
	}, func() string { return "none" })
	c.kill()
	second := w.spawn(0)
	k.agentHas(toldGone)
	k.over()
	w.noStray(k, 1)
	second.end()
	w.clean()
}

// TestSlackChannelGone: the bot loses the channel; the sessions of its threads end.
func TestSlackChannelGone(t *testing.T) {
	t.Parallel()
	each(t, map[string]func(w *world) error{
		"archived":   func(w *world) error { return w.slack.Archive(helpChannel) },
		"kicked out": func(w *world) error { return w.slack.KickBot(helpChannel) },
	}, func(t *testing.T, lose func(w *world) error) {
		w := newWorld(t, echo)
		w.run()
		k := w.open(ada, "one")
		other := w.open(bob, "bob's")
		k.agent()
		must(t, lose(w))
		k.over()
		other.over()
		w.clean()
	})
}
