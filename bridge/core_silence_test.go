package bridge_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"ccbridge/bridge"
	"ccbridge/bridge/bridgetest"
)

// watchful is a rig whose bridge reads places from which nothing came for ten minutes.
func watchful(t *testing.T, play func(r *rig)) {
	t.Helper()
	simulated(t, func(r *rig) {
		r.config.Limits.SilentAfter = 10 * time.Minute
		r.start()
		play(r)
	})
}

func (r *rig) mute(channels ...string) {
	r.acme.Change(func(p *bridgetest.Platform) { p.Muted = channels })
}

// silent tells whether the state of the adapter's part and Lines agree that its line is silent.
func (r *rig) silent() bool {
	r.Helper()
	parts, ready := r.Status()
	is := parts["acme"].State == "silent"
	if is != r.Lines()["acme"].Silent || !ready {
		r.Errorf("parts %+v, lines %+v, ready %v", parts, r.Lines(), ready)
	}
	return is
}

// The line is up and brings nothing: what was written is found, worked in order and once, and the operator is told once;
// when messages come again all is well.
func TestSilentLine(t *testing.T) {
	watchful(t, func(r *rig) {
		ada := r.begins(r.acme, channel, "ada")
		r.pass(time.Minute)
		r.mute(channel, other)
		r.acme.Say(ada, "ada", "missed 1")
		bea := r.acme.Open(other, "bea", "missed root")
		r.pass(time.Minute)
		r.acme.Say(bea, "bea", "missed reply")
		r.acme.Say(ada, "ada", "missed 2")
		r.within(13*time.Minute, "the missed are found", func() bool { return len(r.centre.Texts("ada")) == 3 && len(r.centre.Texts("bea")) == 2 })
		r.pass(time.Minute)
		if !r.silent() {
			r.Error("not known to be silent")
		}
		if n := r.meter.Count("missed acme"); n != 4 {
			r.Errorf("%d missed, want 4", n)
		}
		r.acme.Say(ada, "ada", "missed 3") // while it is known it is looked at more often
		r.within(4*time.Minute, "the next is found sooner", func() bool { return len(r.centre.Texts("ada")) == 4 })
		r.pass(20 * time.Minute)
		if !r.silent() || r.meter.Count("missed beta") > 0 {
			r.Error("silence ended although nothing came")
		}
		r.mute()
		r.acme.Say(ada, "ada", "heard")
		r.acme.Say(bea, "bea", "heard too")
		r.pass(10 * time.Second)
		if r.silent() {
			r.Error("still silent")
		}
		r.equal("ada", r.centre.Texts("ada"), []string{"hello " + secret, "missed 1", "missed 2", "missed 3", "heard"})
		r.equal("bea", r.centre.Texts("bea"), []string{"missed root", "missed reply", "heard too"})
		if n := strings.Count(r.log.String(), "messages do not come over it; they are read from the history"); n != 1 {
			r.Errorf("told %d times, want once", n)
		}
	})
}

// A channel of which nothing comes is found beside one that is busy, and new threads in it are not too old by then.
func TestSilentChannel(t *testing.T) {
	watchful(t, func(r *rig) {
		ada := r.begins(r.acme, channel, "ada")
		r.mute(other)
		bea := r.acme.Open(other, "bea", "anybody there?")
		for i := range 10 {
			r.pass(2 * time.Minute)
			r.acme.Say(ada, "ada", fmt.Sprint("busy ", i))
		}
		r.equal("bea", r.centre.Texts("bea"), []string{"anybody there?"})
		r.equal("answer", r.acme.Shown(bea, bridge.MessageRobot), []string{"re: anybody there?"})
		if !r.silent() {
			r.Error("not known to be silent")
		}
	})
}

// A quiet line is read now and then, and nothing is wrong with it: also when messages come just then.
func TestQuietLine(t *testing.T) {
	watchful(t, func(r *rig) {
		ada := r.begins(r.acme, channel, "ada")
		before := len(r.acme.CaughtUp())
		r.pass(2 * time.Hour)
		reads := len(r.acme.CaughtUp()) - before
		if reads < 20 || reads > 40 { // two channels and an open thread, at most every ten minutes each
			r.Errorf("%d reads in two hours", reads)
		}
		for range 40 {
			r.pass(71 * time.Second)
			r.acme.Say(ada, "ada", "now and then")
		}
		r.pass(time.Minute)
		if r.silent() || r.meter.Count("missed acme") > 0 || strings.Contains(r.log.String(), "do not come over it") {
			r.Errorf("a quiet line is called silent: %v", r.meter.Counts())
		}
		if n := len(r.centre.Texts("ada")); n != 41 {
			r.Errorf("%d texts, want 41", n)
		}
	})
}

// After a restart the places of which nobody knew whether messages are missed are read from where they were sure.
func TestSilentBeforeRestart(t *testing.T) {
	watchful(t, func(r *rig) {
		r.pass(15 * time.Minute)
		r.acme.Change(func(p *bridgetest.Platform) {
			p.Muted = []string{channel, other}
			p.Fault = func(call string, _ bridge.ThreadKey) bridgetest.Fault {
				if call == "catch up" {
					return bridgetest.LostBefore
				}
				return bridgetest.NoFault
			}
		})
		r.pass(time.Minute)
		bea := r.acme.Open(other, "bea", "missed")
		r.pass(30 * time.Minute)
		r.kill()
		r.acme.Change(func(p *bridgetest.Platform) { p.Fault = nil })
		r.start()
		r.within(time.Minute, "found after the start", func() bool {
			return slices.Equal(r.acme.Shown(bea, bridge.MessageRobot), []string{"re: missed"})
		})
	})
}
