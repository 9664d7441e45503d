package bridge_test

import (
	"maps"
	"strings"
	"testing"
	"time"

	"ccbridge/bridge"
	"ccbridge/bridge/bridgetest"
)

// Sessions, wishes for an agent and events are counted, each once, and logged with thread and session.
func TestCounts(t *testing.T) {
	simulated(t, func(r *rig) {
		r.start()
		ada := r.begins(r.acme, channel, "ada")
		again := r.acme.Written()
		r.acme.Press(ada, "ada", bridge.VerbAgent, "")
		r.pass(30 * time.Second)
		r.centre.AgentSays("ada", "here I am")
		r.pass(5 * time.Second)
		if err := r.acme.Put(r.Context(), again); err != nil {
			r.Fatal(err)
		}
		r.acme.Press(ada, "ada", bridge.VerbEnd, "")
		r.pass(5 * time.Second)
		r.acme.Open("C-unrouted", "bob", "nobody listens")
		r.frail.Kill()
		r.acme.Change(func(p *bridgetest.Platform) { p.GivesUp = true })
		r.acme.Open(channel, "eve", "not stored")
		r.pass(time.Second)
		r.frail.FailIf(nil)
		r.pass(time.Minute)
		counts := r.meter.Counts()
		maps.DeleteFunc(counts, func(name string, _ int) bool {
			return strings.HasPrefix(name, "call ") || strings.HasPrefix(name, "delivered ")
		})
		want := map[string]int{"opened acme": 2, "ended acme customer": 1, "transferred queued": 1, "agent came": 1, "gap acme": 2, "gap beta": 1,
			"event acme stored": 4, "event acme repeated": 3 /* one by hand, two by the catch-up of the channel and of the thread */, "event acme no-thread": 1, "event acme refused": 1, "caught up acme": 1}
		if !maps.Equal(counts, want) {
			r.Errorf("counted %v\nwant %v", counts, want)
		}
		lines := 0
		for line := range strings.Lines(r.log.String()) {
			if strings.Contains(line, ada.String()) && !strings.Contains(line, "level=DEBUG") {
				lines++
			}
		}
		if lines != 4 {
			r.Errorf("%d lines about one conversation, want 4", lines)
		}
		for _, line := range []string{"msg=ready", `msg="session opened" thread=acme/`, `msg="waiting for an agent"`, `msg="agent came"`, `msg="session ended"`, "session=1 by=customer", "waited=3"} {
			if !strings.Contains(r.log.String(), line) {
				r.Errorf("the log has no %s", line)
			}
		}
	})
}
