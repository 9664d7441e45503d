package bridge_test

import (
	"testing"
	"time"

	"ccbridge/bridge"
	"ccbridge/ccm"
)

// Timers are kept over restarts: a silent session is warned after idle, and ended a fifth of it later.
func TestIdleOverRestart(t *testing.T) {
	simulated(t, func(r *rig) {
		r.config.Limits.Idle = 30 * time.Minute
		r.start()
		ada := r.begins(r.acme, channel, "ada")
		quiet := time.Now()
		r.pass(20 * time.Minute)
		r.kill()
		r.start()
		r.pass(time.Until(quiet.Add(30*time.Minute - 5*time.Second)))
		if n := notices(r.acme, ada, "Are you still there?"); n != 0 {
			r.Error("warned too early")
		}
		r.pass(7 * time.Second)
		if n := notices(r.acme, ada, "Are you still there?"); n != 1 {
			r.Errorf("warned %d times", n)
		}
		r.kill()
		<-time.After(5 * time.Minute) // down when it is half due
		r.start()
		if n := r.centre.Calls("ada", ccm.Disconnect); n != 0 {
			r.Error("ended too early")
		}
		r.pass(time.Minute)
		if n := r.centre.Calls("ada", ccm.Disconnect); n != 1 {
			r.Errorf("DISCONNECT was sent %d times", n)
		}
		if n := notices(r.acme, ada, "nobody wrote for a while"); n != 1 {
			r.Errorf("told the end %d times", n)
		}
	})
}

// A word either way keeps the session awake.
func TestIdleWord(t *testing.T) {
	simulated(t, func(r *rig) {
		r.config.Limits.Idle = 30 * time.Minute
		r.start()
		ada := r.begins(r.acme, channel, "ada")
		r.pass(32 * time.Minute)
		r.acme.Say(ada, "ada", "yes")
		r.pass(10 * time.Second)
		r.centre.AgentSays("ada", "hello")
		r.pass(29 * time.Minute)
		if n := notices(r.acme, ada, "Are you still there?"); n != 1 || r.centre.Calls("ada", ccm.Disconnect) != 0 {
			r.Errorf("warned %d times; %+v", n, r.centre.Said("ada"))
		}
	})
}

// max_wait that runs out while the bridge is down is told at its start; the place in the queue stays.
func TestMaxWaitOverRestart(t *testing.T) {
	simulated(t, func(r *rig) {
		r.start()
		ada := r.begins(r.acme, channel, "ada")
		r.acme.Press(ada, "ada", bridge.VerbAgent, "")
		r.pass(10 * time.Minute)
		r.kill()
		<-time.After(10 * time.Minute)
		r.start()
		r.pass(5 * time.Second)
		if n := notices(r.acme, ada, "longer than usual"); n != 1 {
			r.Errorf("told %d times", n)
		}
		r.pass(20 * time.Minute)
		if n := notices(r.acme, ada, "longer than usual"); n != 1 {
			r.Errorf("told %d times after a while", n)
		}
		r.centre.AgentSays("ada", "at last")
		r.pass(5 * time.Second)
		r.equal("agent", r.acme.Shown(ada, bridge.MessageAgent), []string{"Grace: at last"})
	})
}

// A dormant session is polled, wakes by a word, also after a restart, and ends at its age.
func TestDormant(t *testing.T) {
	simulated(t, func(r *rig) {
		r.config.Limits.Dormant = 40 * time.Minute
		r.start()
		ada, bea := r.begins(r.acme, channel, "ada"), r.begins(r.acme, other, "bea")
		for _, who := range []string{"ada", "bea"} {
			r.centre.AgentSays(who, "bye")
			r.centre.AgentEnds(who, true)
		}
		r.pass(20 * time.Minute)
		r.kill()
		r.start()
		r.acme.Say(ada, "ada", "one more thing")
		r.pass(10 * time.Second)
		r.equal("texts", r.centre.Texts("ada"), []string{"hello " + secret, "one more thing"})
		if n := r.centre.Calls("ada", ccm.Connect); n != 1 {
			r.Errorf("connected %d times", n)
		}
		r.centre.AgentSays("bea", "are you there?")
		r.pass(10 * time.Second)
		r.equal("agent", r.acme.Shown(bea, bridge.MessageAgent), []string{"Grace: bye", "Grace: are you there?"})
		r.centre.AgentEnds("bea", true)
		r.pass(42 * time.Minute)
		if n := r.centre.Calls("bea", ccm.Disconnect); n != 1 {
			r.Errorf("DISCONNECT of the dormant session was sent %d times", n)
		}
	})
}
