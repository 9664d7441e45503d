package main

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"ccbridge/ccm/ccmsim"
)

const (
	lineNoHours    = "No human is on duty at this hour."
	lineNobody     = "No human is available at the moment."
	lineGoOn       = " You can go on with the robot."
	lineWhatToDo   = " What you wrote in the meantime has not been passed on. What shall I do with it?"
	lineHeldBack   = "No human is available, so this message has not been passed on. What shall I do with it?"
	lineNotPassed  = "Your message could not be delivered."
	lineDropped    = "All right, that message goes nowhere."
	lineToRobot    = "All right, I am passing it to the robot."
	lineSentAgain  = "I am sending it again."
	lineHasDecided = "That has been decided already."
)

// TestSlackConnectRefused: CONNECT is refused while text is held. The text becomes one dead letter that can be sent again.
func TestSlackConnectRefused(t *testing.T) {
	t.Parallel()
	each(t, map[string]struct {
		refuse func(w *world)
		line   string
	}{
		"12": {func(w *world) {
			w.centre.Fail("send:CONNECT", 1, ccmsim.Delay(200*time.Millisecond))
			w.centre.Change(func(s *ccmsim.Switches) { s.StraightToAgent, s.OffHours = true, true })
		},
			"The contact centre is closed at the moment."},
		"13": {func(w *world) {
			w.centre.Fail("send:CONNECT", 1, ccmsim.Fault{Code: "13", Desc: "No ccucs address available!", Delay: 200 * time.Millisecond})
		},
			"The contact centre cannot take your conversation at the moment."},
		"CCUCS": {func(w *world) {
			w.centre.Fail("send:CONNECT", 1, ccmsim.Fault{Code: "160010", Desc: "", Delay: 200 * time.Millisecond})
		},
			"The contact centre cannot take your conversation at the moment."},
	}, func(t *testing.T, c struct {
		refuse func(w *world)
		line   string
	}) {
		w := newWorld(t, echo)
		c.refuse(w)
		w.run()
		k := &talk{world: w, root: w.ask(ada, "", "one")}
		k.say("two")
		k.reads(c.line + " " + lineNotPassed)
		if n := w.centre.Calls()["send:CHAT"]; n != 0 {
			t.Errorf("%d texts went out", n)
		}
		w.wants(`ccbridge_dead_letters_total{direction="up"}`, 1)
		w.centre.Change(func(s *ccmsim.Switches) { s.StraightToAgent, s.OffHours = false, false })
		w.centre.ClearFaults()
		w.told(w.click(ada, k.root, "ccb:resend"), lineSentAgain)
		k.visitor = w.visitorOf("two")
		k.robotHas("one", "two")
		w.told(w.click(ada, k.root, "ccb:resend"), "This message was sent again already, or is too old.")
		k.finish()
		k.robotHas("one", "two")
		w.clean()
	})
}

// refusals of TRANS2AGENT, with the line the customer reads.
var transferRefusals = map[string]struct {
	refuse func(*ccmsim.Switches)
	line   string
}{
	"12": {func(s *ccmsim.Switches) { s.OffHours = true }, lineNoHours},
	"13": {func(s *ccmsim.Switches) { s.NoAgents = true }, lineNobody},
}

// refusedTalk is a conversation whose wish for an agent is refused while "for her" is held.
func refusedTalk(t *testing.T, refuse func(*ccmsim.Switches), line string) *talk {
	t.Helper()
	w := newWorld(t, echo)
	w.centre.Change(refuse)
	w.centre.Fail("send:TRANS2AGENT", 1, ccmsim.Delay(200*time.Millisecond))
	w.run()
	k := w.open(ada, "one")
	k.reads("one")
	k.say(botMention + " agent")
	k.say("for her")
	k.reads(line + lineGoOn + lineWhatToDo)
	k.say("for her too")
	if got := k.session().ToRobot; !slices.Equal(got, []string{"one"}) {
		t.Errorf("the robot got %q", got)
	}
	return k
}

// TestSlackTransferRefused: nothing that was meant for the agent reaches the robot without the customer's word.
func TestSlackTransferRefused(t *testing.T) {
	t.Parallel()
	each(t, transferRefusals, func(t *testing.T, c struct {
		refuse func(*ccmsim.Switches)
		line   string
	}) {
		each(t, map[string]func(k *talk){
			"robot": func(k *talk) {
				k.told(k.click(ada, k.root, "ccb:robot"), lineToRobot)
				k.robotHas("one", "for her", "for her too")
				k.told(k.click(ada, k.root, "ccb:robot"), lineHasDecided)
				k.told(k.click(ada, k.root, "ccb:drop"), lineHasDecided)
				k.say("more")
				k.robotHas("one", "for her", "for her too", "more")
				k.finish()
				k.robotHas("one", "for her", "for her too", "more")
			},
			"drop": func(k *talk) {
				k.told(k.click(ada, k.root, "ccb:drop"), lineDropped)
				k.say("more")
				k.robotHas("one", "more")
				k.finish()
				k.robotHas("one", "more")
			},
			"agent again": func(k *talk) {
				k.centre.Change(func(s *ccmsim.Switches) { s.OffHours, s.NoAgents = false, false })
				k.click(ada, k.root, "ccb:agent")
				k.waits()
				k.agentHas("for her", "for her too")
				k.finish()
				k.robotHas("one")
				k.agentHas("for her", "for her too")
			},
			"agent again, refused again": func(k *talk) {
				k.say(botMention + " agent")
				k.readsTimes(c.line+lineGoOn+lineWhatToDo, 2)
				k.click(ada, k.root, "ccb:robot")
				k.robotHas("one", "for her", "for her too")
				k.finish()
			},
			"end": func(k *talk) {
				k.finish()
				k.robotHas("one")
				k.reads(lineNotPassed)
				k.click(ada, k.root, "ccb:resend")
				former := k.visitor
				k.atCentre("another wish", func(v ccmsim.View) bool { return len(v.Sessions()) == 2 && v.Calls("send:TRANS2AGENT") == 2 })
				for _, s := range k.centre.Sessions() {
					if s.Visitor != former && len(s.ToRobot) > 0 {
						k.t.Errorf("the robot got %q", s.ToRobot)
					}
				}
			},
		}, func(t *testing.T, do func(k *talk)) {
			k := refusedTalk(t, c.refuse, c.line)
			k.t = t
			do(k)
			k.clean()
		})
	})
}

// TestSlackTransferRefusedWithoutText: the robot goes on.
func TestSlackTransferRefusedWithoutText(t *testing.T) {
	t.Parallel()
	w := newWorld(t, echo, func(c *worldConfig) { c.centre.NoAgents = true })
	w.run()
	k := w.open(ada, "one")
	k.click(ada, k.root, "ccb:agent")
	k.reads(lineNobody + lineGoOn)
	k.say("two")
	k.reads("two")
	k.robotHas("one", "two")
	w.centre.Change(func(s *ccmsim.Switches) { s.NoAgents = false })
	k.agent()
	k.say("three")
	k.agentHas("three")
	k.finish()
	w.clean()
}

// TestSlackGiveUp: the centre takes nothing for longer than give_up. The text is a dead letter that can be sent again.
func TestSlackGiveUp(t *testing.T) {
	t.Parallel()
	each(t, map[string]ccmsim.Fault{"dropped": ccmsim.DropBefore(), "503": ccmsim.Status(503, "", nil)}, func(t *testing.T, f ccmsim.Fault) {
		w := newWorld(t, doubtful, func(c *worldConfig) { c.limits += "give_up = \"4s\"\n" })
		w.run()
		k := w.open(ada, "one")
		k.reads("one")
		w.centre.Fail("send:CHAT", 0, f)
		k.say("two")
		k.say("three")
		k.reads(lineNotPassed)
		if status, state := w.part("acme"); status != 200 || state != "up" {
			t.Errorf("/readyz is %d, acme is %s", status, state)
		}
		w.centre.ClearFaults()
		w.click(ada, k.root, "ccb:resend")
		k.say("four")
		k.reads("four")
		k.finish()
		got := k.session().ToRobot
		for _, text := range []string{"one", "two", "three", "four"} {
			if n := len(slices.DeleteFunc(slices.Clone(got), func(s string) bool { return s != text })); n != 1 {
				t.Errorf("the robot got %q %d times: %q", text, n, got)
			}
		}
		if slices.Index(got, "two") > slices.Index(got, "three") {
			t.Errorf("the robot got %q", got)
		}
		w.clean()
	})
}

// TestSlackCentreAway: the centre is away for a while; /readyz stays ok and tells, and what waits goes out in order.
func TestSlackCentreAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t, doubtful)
	w.run()
	k := w.open(ada, "one")
	k.reads("one")
	w.centre.Fail("*", 0, ccmsim.DropBefore())
	want := []string{"one"}
	for i := range 5 {
		text := fmt.Sprintf("text %d", i)
		want = append(want, text)
		k.say(text)
	}
	w.poll("the outage in /readyz", func() bool {
		status, state := w.part("centre")
		return status == 200 && state == "down"
	})
	other := w.ask(bob, "", "bob's")
	w.centre.ClearFaults()
	k.robotHas(want...)
	k.reads("text 4")
	w.sees(other, lineWelcome)
	w.poll("the end of the outage in /readyz", func() bool { _, state := w.part("centre"); return state == "up" })
	k.finish()
	k.robotHas(want...)
	k.shows(append(append([]string{greeting}, want...), lineEnded)...)
	w.wants("ccbridge_repeats_total", 0)
	w.clean()
}
