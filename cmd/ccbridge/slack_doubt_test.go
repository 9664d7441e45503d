package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"ccbridge/adapters/slack/slacksim"
	"ccbridge/ccm/ccmsim"
)

// centreFaults are the ways in which an answer of the centre may be missing, with the deed done or not.
var centreFaults = map[string]ccmsim.Fault{
	"dropped before": ccmsim.DropBefore(),
	"dropped after":  ccmsim.DropAfter(),
	"hangs after":    ccmsim.Hang().After(),
	"garbage after":  ccmsim.Garbage().After(),
	"429":            ccmsim.Status(429, `{"errorCode":"0"}`, map[string]string{"Retry-After": "1"}),
}

// TestSlackCallAnswerLost: an answer of the centre is lost, once, to each call of a conversation in each way. Everything
// happens exactly once, in order, and nothing counts as a repeat.
func TestSlackCallAnswerLost(t *testing.T) {
	t.Parallel()
	for _, op := range []string{"send:CONNECT", "send:CHAT", "send:CHAT later", "send:TRANS2AGENT", "send:DISCONNECT"} {
		t.Run(op, func(t *testing.T) {
			t.Parallel()
			each(t, centreFaults, func(t *testing.T, f ccmsim.Fault) {
				name, which, _ := strings.Cut(op, " ")
				f.Skip = map[string]int{"": 0, "later": 1}[which]
				w := newWorld(t, doubtful)
				w.centre.Fail(name, 1, f)
				w.run()
				k := w.open(ada, "one")
				k.say("yes")
				k.say("yes")
				k.readsTimes("yes", 2)
				k.robotHas("one", "yes", "yes")
				k.agent()
				k.say("no")
				k.say("no")
				k.agentSays("I am Grace")
				k.agentHas("no", "no")
				k.reads("I am Grace")
				k.finish()
				k.robotHas("one", "yes", "yes")
				k.agentHas("no", "no")
				k.shows(greeting, "one", "yes", "yes", "I am Grace", lineEnded)
				if n := len(w.centre.Sessions()); n != 1 {
					t.Errorf("%d sessions at the centre", n)
				}
				w.wants("ccbridge_repeats_total", 0)
				w.wants("ccbridge_possible_losses_total", 0)
				if n := w.centre.Calls()["fault "+name]; n != 1 {
					t.Errorf("the fault hit %d times", n)
				}
				w.clean()
			})
		})
	}
}

// TestSlackPostAnswerLost: Slack's answer to one post is lost, or it refuses for a moment. Every post stands there once.
func TestSlackPostAnswerLost(t *testing.T) {
	t.Parallel()
	each(t, map[string]slacksim.Fault{
		"dropped before":        {Drop: true},
		"dropped after":         {Drop: true, After: true},
		"429 with Retry-After":  {Status: 429, Header: map[string]string{"Retry-After": "1"}, Body: `{"ok":false,"error":"ratelimited"}`},
		"429 without":           {Status: 429},
		"429 and garbage":       {Status: 429, Header: map[string]string{"Retry-After": "soon"}},
		"ratelimited as 200":    {Body: `{"ok":false,"error":"ratelimited"}`},
		"500 before":            {Status: 500},
		"500 after":             {Status: 500, After: true},
		"internal_error before": {Body: `{"ok":false,"error":"internal_error"}`},
		"internal_error after":  {Body: `{"ok":false,"error":"internal_error"}`, After: true},
		"fatal_error after":     {Body: `{"ok":false,"error":"fatal_error"}`, After: true},
		"garbage before":        {Body: "<html>"},
		"garbage after":         {Body: "<html>", After: true},
		"empty after":           {Body: "{}", After: true},
		"ok without ts":         {Body: `{"ok":true}`, After: true},
		"hangs after":           {Delay: 5 * time.Second, After: true},
		"hangs before":          {Delay: 5 * time.Second, Drop: true},
	}, func(t *testing.T, f slacksim.Fault) {
		w := newWorld(t, doubtful)
		f.Method, f.Skip = "chat.postMessage", 3
		w.slack.Inject(f)
		w.run()
		k := w.open(ada, "one")
		for _, text := range []string{"same", "same", "last"} {
			k.say(text)
		}
		k.reads("last")
		k.finish()
		k.shows(greeting, "one", "same", "same", "last", lineEnded)
		if gone := f.Delay > 0 && !f.After; !gone && !slices.ContainsFunc(w.slack.Calls("chat.postMessage"), func(c slacksim.Call) bool { return c.Faulted }) {
			t.Error("the fault did not hit")
		}
		w.channelClean()
		w.wants("ccbridge_repeats_total", 0)
		w.clean()
	})
}

// TestSlackPollAnswerLost: the answer of a poll is lost whose texts have no messageCode, two of them equal.
func TestSlackPollAnswerLost(t *testing.T) {
	t.Parallel()
	each(t, map[string]ccmsim.Fault{
		"dropped": ccmsim.DropAfter(), "500": ccmsim.Status(500, "", nil).After(), "garbage": ccmsim.Garbage().After(), "hangs": ccmsim.Hang().After(),
	}, func(t *testing.T, f ccmsim.Fault) {
		if f.Hang {
			t.Skip("a hanging poll is given up after 30 s and more: ccm's own tests know it")
		}
		w := newWorld(t, doubtful, func(c *worldConfig) {
			c.centre.Robot = ccmsim.Robot{Echo: true, Twice: true}
			c.centre.MessageCodes = "none"
		})
		w.run()
		k := w.open(ada, "one")
		k.readsTimes("one", 2)
		w.centre.Fail("poll", 1, f)
		k.say("two")
		k.readsTimes("two", 2)
		k.say("two")
		k.readsTimes("two", 4)
		k.say("three")
		k.readsTimes("three", 2)
		k.finish()
		k.shows(greeting, "one", "one", "two", "two", "two", "two", "three", "three", lineEnded)
		w.wants("ccbridge_possible_losses_total", 0)
		w.clean()
	})
}

// TestSlackHistoryRefused: where the centre does not show its history, a text in doubt is repeated and counted, and a lost
// answer is counted as a possible loss.
func TestSlackHistoryRefused(t *testing.T) {
	t.Parallel()
	t.Run("text", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, doubtful, func(c *worldConfig) { c.centre.HistoryRefused = true })
		w.run()
		k := w.open(ada, "one")
		w.centre.Fail("send:CHAT", 1, ccmsim.DropAfter())
		k.say("two")
		k.say("three")
		k.reads("three")
		k.finish()
		k.robotHas("one", "two", "two", "three")
		w.wants("ccbridge_repeats_total", 1)
		w.wants("ccbridge_possible_losses_total", 0)
		if n := w.rows("SELECT count(*) FROM ledger WHERE kind = 'CHAT' AND repeats = 1"); n != 1 {
			t.Errorf("%d deliveries marked as repeated in the ledger, want 1", n)
		}
		w.clean()
	})
	t.Run("text not done", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, doubtful, func(c *worldConfig) { c.centre.HistoryRefused = true })
		w.run()
		k := w.open(ada, "one")
		w.centre.Fail("send:CHAT", 1, ccmsim.DropBefore())
		k.say("two")
		k.reads("two")
		k.finish()
		k.robotHas("one", "two")
		w.clean()
	})
	t.Run("ask", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, doubtful, func(c *worldConfig) { c.centre.HistoryRefused = true; c.ccm = `on_unknown = "ask"` })
		w.run()
		k := w.open(ada, "one")
		w.centre.Fail("send:CHAT", 1, ccmsim.DropAfter())
		k.say("two")
		k.reads("I cannot tell whether your last message arrived. If you send it again, it may arrive twice.")
		k.say("three")
		k.robotHas("one", "two", "three")
		k.click(ada, k.root, "ccb:resend")
		k.robotHas("one", "two", "three", "two")
		k.finish()
		w.wants("ccbridge_repeats_total", 0)
		w.wants(`ccbridge_dead_letters_total{direction="up"}`, 1)
		w.clean()
	})
	t.Run("poll", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, doubtful, func(c *worldConfig) { c.centre.HistoryRefused = true })
		w.run()
		k := w.open(ada, "one")
		k.reads("one")
		w.centre.Fail("poll", 1, ccmsim.DropAfter())
		k.say("lost")
		k.atCentre("the fault", func(v ccmsim.View) bool { return v.Calls("fault poll") == 1 })
		k.say("three")
		k.reads("three")
		k.finish()
		k.shows(greeting, "one", "three", lineEnded)
		w.wants("ccbridge_possible_losses_total", 1)
		w.clean()
	})
}

// TestSlackHistoryLags: the centre's history shows what happened only later. Nothing is done twice.
func TestSlackHistoryLags(t *testing.T) {
	t.Parallel()
	w := newWorld(t, doubtful, limits(`look_gap = "400ms"`, `call_timeout = "700ms"`), func(c *worldConfig) { c.centre.HistoryLag = 250 * time.Millisecond })
	w.run()
	k := w.open(ada, "one")
	k.reads("one")
	w.centre.Fail("send:CHAT", 1, ccmsim.DropAfter())
	k.say("two")
	k.reads("two")
	w.centre.Fail("poll", 1, ccmsim.DropAfter())
	k.say("three")
	k.reads("three")
	k.say("four")
	k.reads("four")
	k.finish()
	k.robotHas("one", "two", "three", "four")
	k.shows(greeting, "one", "two", "three", "four", lineEnded)
	w.clean()
}
