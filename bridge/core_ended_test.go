package bridge_test

import (
	"testing"
	"time"

	"ccbridge/bridge"
	"ccbridge/bridge/bridgetest"
)

// The session ended before the gap or in it: what the customer writes meanwhile is read all the same, in its order.
func TestCatchUpOfWhatEnded(t *testing.T) {
	simulated(t, func(r *rig) {
		acme := r.config.Routes[0]
		acme.Reopen = bridge.ReopenAlways
		r.config.Routes[0] = acme
		r.start()
		ada := r.begins(r.acme, channel, "ada")
		bob := r.begins(r.acme, channel, "bob")
		r.pass(30 * time.Minute) // their roots are older than what is read again of the channel
		r.centre.AgentEnds("ada", false)
		r.pass(30 * time.Second)
		r.acme.Drop()
		r.centre.AgentEnds("bob", false)
		r.acme.Say(ada, "ada", "gap")
		r.acme.Say(bob, "bob", "gap")
		r.pass(time.Minute)
		r.acme.Restore()
		r.acme.Say(ada, "ada", "live")
		r.acme.Say(bob, "bob", "live")
		r.pass(time.Minute)
		r.equal("ada's texts", r.centre.Texts("ada"), []string{"hello " + secret, "gap", "live"})
		r.equal("bob's texts", r.centre.Texts("bob"), []string{"hello " + secret, "gap", "live"})
	})
}

// What ended and could not be read is tried again, as what is open.
func TestCatchUpOfWhatEndedFails(t *testing.T) {
	simulated(t, func(r *rig) {
		acme := r.config.Routes[0]
		acme.Reopen = bridge.ReopenAlways
		r.config.Routes[0] = acme
		r.start()
		ada := r.begins(r.acme, channel, "ada")
		r.pass(30 * time.Minute) // its root is older than what is read again of the channel
		r.centre.AgentEnds("ada", false)
		r.pass(30 * time.Second)
		r.acme.Drop()
		r.acme.Say(ada, "ada", "gap")
		r.acme.Change(func(p *bridgetest.Platform) {
			p.Fault = func(call string, t bridge.ThreadKey) bridgetest.Fault {
				if call == "catch up" && t == ada {
					return bridgetest.LostBefore
				}
				return bridgetest.NoFault
			}
		})
		r.acme.Restore()
		r.pass(3 * time.Minute)
		r.equal("texts", r.centre.Texts("ada"), []string{"hello " + secret})
		r.acme.Change(func(p *bridgetest.Platform) { p.Fault = nil })
		r.pass(10 * time.Minute)
		r.equal("texts", r.centre.Texts("ada"), []string{"hello " + secret, "gap"})
	})
}

// Of what ended where no route leads any more nothing is read.
func TestCatchUpOfWhatEndedUnrouted(t *testing.T) {
	simulated(t, func(r *rig) {
		r.start()
		ada := r.begins(r.acme, channel, "ada")
		r.begins(r.acme, other, "bob")
		r.centre.AgentEnds("ada", false)
		r.centre.AgentEnds("bob", false)
		r.pass(time.Minute)
		r.shutdown()
		acme := r.config.Routes[0]
		acme.Channels = []string{channel}
		r.config.Routes[0] = acme
		before := len(r.acme.CaughtUp())
		r.start()
		r.pass(time.Minute)
		r.equal("read", r.acme.CaughtUp()[before:], []string{"channel " + channel, "thread " + ada.Root})
	})
}

// Reading what ended keeps neither /readyz nor other threads waiting.
func TestCatchUpOfWhatEndedIsSlow(t *testing.T) {
	simulated(t, func(r *rig) {
		r.start()
		ada := r.begins(r.acme, channel, "ada")
		r.centre.AgentEnds("ada", false)
		r.pass(time.Minute)
		r.shutdown()
		r.acme.Change(func(p *bridgetest.Platform) {
			p.Fault = func(call string, t bridge.ThreadKey) bridgetest.Fault {
				if call == "catch up" && t == ada {
					return bridgetest.Hang
				}
				return bridgetest.NoFault
			}
		})
		r.start()
		r.within(5*time.Second, "ready", func() bool { _, ready := r.Status(); return ready })
		r.begins(r.acme, channel, "bob")
	})
}
