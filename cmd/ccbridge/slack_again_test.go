package main

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"ccbridge/adapters/slack/slacksim"
	"ccbridge/ccm/ccmsim"
)

// TestSlackEventAgain: Slack sends every event again, at once and after a restart of the bridge. Each has one effect.
func TestSlackEventAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, echo, func(c *worldConfig) {
		c.slack.Retries = []time.Duration{0, 500 * time.Millisecond, 2 * time.Second, 5 * time.Second, 10 * time.Second}
	})
	must(t, w.slack.InjectEvent(slacksim.EventFault{Kind: slacksim.Again, Delay: 700 * time.Millisecond, Times: -1}))
	w.run()
	k := w.open(ada, "one")
	ts := k.say("two")
	k.reads("two")
	must(t, w.slack.Edit(helpChannel, ts, "two and a half"))
	k.robotHas("one", "two", "[Correction] two and a half")
	k.queue()
	w.stop() // before the second copies come
	w.run()
	w.quietEvents()
	k.say("three")
	k.agentHas("three")
	w.quietEvents()
	k.finish()
	w.quietEvents()
	k.robotHas("one", "two", "[Correction] two and a half")
	k.agentHas("three")
	if calls := w.centre.Calls(); calls["send:TRANS2AGENT"] != 1 || calls["send:CONNECT"] != 1 || calls["send:DISCONNECT"] != 1 {
		t.Errorf("the centre got %v", calls)
	}
	if n := len(w.centre.Sessions()); n != 1 {
		t.Errorf("%d sessions", n)
	}
	if n := k.count(lineAsk); n != 0 {
		t.Error("the second copy of a text counted as written after the end")
	}
	w.clean()
}

// quietEvents waits until Slack has nothing more to send: every event was acknowledged, its second copy too.
func (w *world) quietEvents() {
	w.t.Helper()
	w.until(w.slack.Until, "no event under way", func() bool {
		s := w.slack.Stats()
		return s.InFlight == 0 && s.Waiting == 0 && s.Acked >= 2*s.Events
	}, func() string { return fmt.Sprintf("%+v", w.slack.Stats()) })
	if lost := w.slack.Lost(); len(lost) > 0 {
		w.t.Errorf("never acknowledged: %v", lost)
	}
}

// TestSlackCaughtUpAgain: restarts read the threads again, more than once. Nothing has a second effect.
func TestSlackCaughtUpAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, echo)
	w.run()
	k, ended := w.open(ada, "one"), w.open(bob, "bob's")
	k.say("two")
	k.reads("two")
	w.ask(bob, ended.root, botMention+" end")
	ended.reads(lineEnded)
	for i := range 2 {
		w.stop()
		text := fmt.Sprintf("while away %d", i)
		k.say(text)
		w.run()
		k.reads(text)
	}
	k.finish()
	k.robotHas("one", "two", "while away 0", "while away 1")
	k.shows(greeting, "one", "two", "while away 0", "while away 1", lineEnded)
	ended.shows(greeting, "bob's", lineEnded)
	if n := len(w.centre.Sessions()); n != 2 {
		t.Errorf("%d sessions", n)
	}
	w.clean()
}

// TestSlackLostEvents: Slack never delivers some events; catch-up after a gap finds them, in order.
func TestSlackLostEvents(t *testing.T) {
	t.Parallel()
	w := newWorld(t, echo)
	w.run()
	k := w.open(ada, "one")
	k.reads("one")
	must(t, w.slack.InjectEvent(slacksim.EventFault{Kind: slacksim.Lost, Times: 4}))
	k.say("two")
	k.say("three")
	root := w.ask(bob, "", "bob's")
	w.ask(bob, root, "bob's second")
	w.slack.DropSockets()
	k.say("four")
	k.reads("four")
	k.robotHas("one", "two", "three", "four")
	other := &talk{world: w, root: root}
	other.reads("bob's second")
	other.shows(greeting, "bob's", "bob's second")
	k.finish()
	w.clean()
}

// TestSlackReversedEvents: events that Slack delivers in another order are acknowledged, and none is lost.
func TestSlackReversedEvents(t *testing.T) {
	t.Parallel()
	w := newWorld(t, echo)
	w.run()
	k := w.open(ada, "one")
	must(t, w.slack.InjectEvent(slacksim.EventFault{Kind: slacksim.Reverse, Times: 3}))
	for _, text := range []string{"a", "b", "c"} {
		k.say(text)
	}
	k.say("last")
	k.reads("last")
	got := k.session().ToRobot
	slices.Sort(got)
	if want := []string{"a", "b", "c", "last", "one"}; !slices.Equal(got, want) {
		t.Errorf("the robot got %q", got)
	}
	w.clean()
}

// TestSlackOldRoot: a root that is older than the dedupe window is read in catch-ups. It has no effect, neither the first
// time nor again.
func TestSlackOldRoot(t *testing.T) {
	t.Parallel()
	var ago atomic.Int64
	w := newWorld(t, echo, func(c *worldConfig) {
		c.slack.Now = func() time.Time { return time.Now().Add(-time.Duration(ago.Load())) }
		c.limits += "catch_up = \"71h\"\n"
	})
	w.run()
	w.stop() // its channels have cursors now
	ago.Store(int64(73 * time.Hour))
	old, untouched := w.ask(ada, "", "old words"), w.ask(bob, "", "bob's old words")
	w.ask(ada, old, "more old words")
	ago.Store(0)
	w.run()
	w.ask(boss, untouched, "is this still open?")
	k := &talk{world: w, root: old, visitor: ""}
	k.say(botMention + " new words")
	k.reads(lineWelcome)
	k.visitor = w.visitorOf("new words")
	for range 2 {
		w.stop()
		if _, err := w.exec("UPDATE channel_cursor SET at = 1"); err != nil { // as after a very long outage
			t.Fatal(err)
		}
		w.run()
	}
	k.say("last")
	k.reads("last")
	k.robotHas("new words", "last")
	k.finish()
	if n := len(w.centre.Sessions()); n != 1 {
		t.Errorf("%d sessions, want 1", n)
	}
	w.atCentre("nothing old", func(v ccmsim.View) bool {
		return !slices.ContainsFunc(v.Log(), func(e ccmsim.Entry) bool { return e.Content == "old words" || e.Content == "bob's old words" })
	})
	w.clean()
}
