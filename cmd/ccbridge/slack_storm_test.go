package main

import (
	"fmt"
	"testing"
	"time"

	"ccbridge/adapters/slack/slacksim"
	"ccbridge/ccm/ccmsim"
)

// TestSlackStorm: several conversations at once while calls of all kinds fail at random, before and after their deed.
// Every text arrives once, in order and in its own place, both ways.
func TestSlackStorm(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, doubtful, func(c *worldConfig) {
				c.centre.Seed, c.slack.Seed = seed+1, seed+1
				c.limits += "give_up = \"10m\"\nopen_per_customer = 10\n"
			})
			w.run()
			for _, f := range []ccmsim.Fault{ccmsim.DropBefore(), ccmsim.DropAfter(), ccmsim.Status(500, "", nil).After(), ccmsim.Garbage().After(),
				ccmsim.Status(429, "", nil)} {
				for _, op := range []string{"send", "poll", "applyToken", "queue"} {
					f.Odds = 0.04
					w.centre.Fail(op, 0, f)
				}
			}
			w.centre.Fail("history", 2, ccmsim.DropBefore())
			w.stormSlack(7)
			var talks []*talk
			for i := range 4 {
				talks = append(talks, &talk{world: w, root: w.ask([]string{ada, bob}[i%2], "", fmt.Sprintf("thread %d", i))})
			}
			var want [4][]string
			for n := range 8 {
				for i, k := range talks {
					text := fmt.Sprintf("%d in thread %d", n, i)
					w.ask([]string{ada, bob}[i%2], k.root, text)
					w.heard()
					want[i] = append(want[i], text)
				}
			}
			for i, k := range talks {
				all := append([]string{fmt.Sprintf("thread %d", i)}, want[i]...)
				k.reads(want[i][7])
				k.visitor = w.visitorOf(want[i][7])
				k.robotHas(all...)
			}
			w.centre.ClearFaults()
			w.slack.ClearFaults()
			for i, k := range talks {
				w.ask([]string{ada, bob}[i%2], k.root, botMention+" end")
				k.over()
				k.reads(lineEnded)
				all := append([]string{fmt.Sprintf("thread %d", i)}, want[i]...)
				k.robotHas(all...)
				k.shows(append(append([]string{greeting}, all...), lineEnded)...)
			}
			if n := len(w.centre.Sessions()); n != 4 {
				t.Errorf("%d sessions", n)
			}
			w.channelClean()
			w.wants("ccbridge_repeats_total", 0)
			w.wants(`ccbridge_dead_letters_total{direction="up"}`, 0)
			w.clean()
		})
	}
}

// stormSlack injures every so many calls of Slack, in turn in each way.
func (w *world) stormSlack(every int) {
	for i, f := range []slacksim.Fault{
		{Drop: true}, {Drop: true, After: true}, {Status: 500, After: true}, {Body: `{"ok":false,"error":"internal_error"}`, After: true},
		{Status: 429, Header: map[string]string{"Retry-After": "0"}}, {Body: "<html>", After: true}, {Delay: 20 * time.Millisecond},
	} {
		f.Method, f.Skip = "chat.postMessage", every*(i+1)
		w.slack.Inject(f)
	}
	for i, f := range []slacksim.Fault{{Drop: true}, {Status: 500}, {Body: "<html>"}, {Body: `{"ok":false,"error":"internal_error"}`}} {
		f.Method, f.Skip = "conversations.replies", 2*i
		w.slack.Inject(f)
	}
}
