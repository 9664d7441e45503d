package bridge_test

import (
	"testing"
	"time"

	"ccbridge/bridge"
	"ccbridge/bridge/bridgetest"
	"ccbridge/ccm"
)

// A shutdown finishes the calls that are begun and stores their results: the next start looks for none of them.
func TestShutdownFinishes(t *testing.T) {
	simulated(t, func(r *rig) {
		r.start()
		ada := r.begins(r.acme, channel, "ada")
		r.pass(5 * time.Second)
		r.centre.Change(func(c *bridgetest.Centre) { c.Latency = 3 * time.Second })
		r.acme.Say(ada, "ada", "on its way")
		r.pass(time.Second)
		if took := r.shutdown(); took > 11*time.Second {
			r.Errorf("shutdown took %s", took)
		}
		s := r.stats()
		if s.Deliveries[bridge.ToCentre] != 0 || s.InDoubt != 0 {
			r.Errorf("left in doubt: %+v", s)
		}
		r.equal("texts", r.centre.Texts("ada"), []string{"hello " + secret, "on its way"})
		r.start()
		r.pass(time.Minute)
		r.equal("texts after the restart", r.centre.Texts("ada"), []string{"hello " + secret, "on its way"})
		r.equal("robot", r.acme.Shown(ada, bridge.MessageRobot), []string{"re: hello " + secret, "re: on its way"})
	})
}

// A shutdown is over within its time-out even if nothing answers; what was on its way is done once after the next start.
func TestShutdownHangs(t *testing.T) {
	simulated(t, func(r *rig) {
		r.config.Limits.CallTimeout = time.Minute
		r.start()
		ada := r.begins(r.acme, channel, "ada")
		r.pass(5 * time.Second)
		r.centre.Change(func(c *bridgetest.Centre) {
			c.Fault = func(string, ccm.Visitor) bridgetest.Fault { return bridgetest.HangAfter }
		})
		r.acme.Change(func(p *bridgetest.Platform) {
			p.Fault = func(string, bridge.ThreadKey) bridgetest.Fault { return bridgetest.HangAfter }
			p.Gate = make(chan struct{})
		})
		r.acme.Say(ada, "ada", "on its way")
		r.pass(time.Second)
		r.centre.AgentSays("ada", "down")
		r.acme.Drop()
		r.acme.Restore() // a catch-up that hangs
		r.pass(time.Second)
		if took := r.shutdown(); took > 10*time.Second+100*time.Millisecond {
			r.Errorf("shutdown took %s", took)
		}
		r.centre.Change(func(c *bridgetest.Centre) { c.Fault = nil })
		r.acme.Change(func(p *bridgetest.Platform) { p.Fault, p.Gate = nil, nil })
		r.start()
		r.pass(3 * time.Minute)
		r.equal("texts", r.centre.Texts("ada"), []string{"hello " + secret, "on its way"})
		r.equal("agent", r.acme.Shown(ada, bridge.MessageAgent), []string{"Grace: down"})
	})
}

// A store that fails for good does not keep the process from ending.
func TestShutdownDiskFull(t *testing.T) {
	simulated(t, func(r *rig) {
		r.start()
		ada := r.begins(r.acme, channel, "ada")
		r.frail.Kill()
		r.acme.Say(ada, "ada", "one")
		r.centre.AgentSays("ada", "down")
		r.pass(10 * time.Second)
		if took := r.shutdown(); took > 11*time.Second {
			r.Errorf("shutdown took %s", took)
		}
		r.start()
		r.pass(time.Minute)
		r.equal("texts", r.centre.Texts("ada"), []string{"hello " + secret, "one"})
		r.equal("agent", r.acme.Shown(ada, bridge.MessageAgent), []string{"Grace: down"})
	})
}

// Nothing to do: a shutdown takes no time.
func TestShutdownIdle(t *testing.T) {
	simulated(t, func(r *rig) {
		r.start()
		if took := r.shutdown(); took > 100*time.Millisecond {
			r.Errorf("shutdown took %s", took)
		}
	})
}
