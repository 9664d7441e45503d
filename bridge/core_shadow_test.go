package bridge_test

import (
	"strings"
	"testing"
	"time"

	"ccbridge/bridge"
	"ccbridge/bridge/bridgetest"
	"ccbridge/ccm"
)

// shadows runs the rig with a shadow route in acme, and notes every call that is made for it.
func (r *rig) shadows() (calls func() []string) {
	r.config.Routes[0].Shadow = true
	var made []string
	r.centre.Change(func(c *bridgetest.Centre) {
		c.Fault = func(call string, v ccm.Visitor) bridgetest.Fault {
			if v.UserName == "ada" {
				made = append(made, call)
			}
			return bridgetest.NoFault
		}
	})
	return func() []string {
		for name := range r.meter.Counts() {
			if strings.HasPrefix(name, "call acme") {
				made = append(made, name)
			}
		}
		return made
	}
}

// A shadow goes through its whole life, over kills and catch-up, and neither the centre nor the platform hears of it; a
// route beside it carries on.
func TestShadow(t *testing.T) {
	simulated(t, func(r *rig) {
		calls := r.shadows()
		r.config.Limits.Idle = 30 * time.Minute
		r.start()
		ada := r.acme.Open(channel, "ada", "hello "+secret)
		r.begins(r.beta, channel, "bob")
		settled := func(n int) {
			r.within(10*time.Second, "deliveries are settled", func() bool { return r.meter.Count("delivered centre shadowed") == n })
		}
		settled(2) // CONNECT, CHAT
		r.acme.Press(ada, "ada", bridge.VerbAgent, "")
		settled(3)
		r.kill()
		r.acme.Drop()
		r.acme.Say(ada, "ada", "written in a gap")
		r.acme.Restore()
		r.start()
		settled(4)
		r.pass(37 * time.Minute) // idle, in the queue
		settled(5)
		r.shutdown()
		if s := r.stats(); len(s.Sessions) > 0 || s.InDoubt != 0 || s.Queue != 0 || len(s.Deliveries) != 0 {
			r.Errorf("at the end: %+v", s)
		}
		if made := calls(); len(made) > 0 || len(r.acme.Posts(ada)) > 0 {
			r.Errorf("calls %q, posts %v", made, r.acme.Posts(ada))
		}
		if n := r.meter.Count("delivered thread shadowed"); n != 5 { // welcome, queued, long wait, idle, ended
			r.Errorf("%d posts were shadowed: %v", n, r.meter.Counts())
		}
		if n := r.meter.Count("dead down") + r.meter.Count("dead up"); n > 0 {
			r.Errorf("%d dead letters", n)
		}
	})
}

// Killed before and after every commit, nothing of a shadow goes out.
func TestShadowKilledAnywhere(t *testing.T) {
	for _, point := range []string{"after ingest", "before step", "after step"} {
		t.Run(point, func(t *testing.T) {
			simulated(t, func(r *rig) {
				calls := r.shadows()
				n := 0
				r.config.Hook = func(at string) {
					if at == point && r.frail != nil {
						if n++; n%2 == 0 {
							r.frail.Kill()
						}
					}
				}
				r.start()
				ada := r.acme.Open(channel, "ada", "hello")
				for range 12 {
					r.pass(time.Second)
					r.kill()
					r.start()
				}
				r.config.Hook = nil
				r.kill()
				r.start()
				r.within(20*time.Second, "the text is settled", func() bool {
					sure, _, err := r.store.SentTexts(r.Context(), ada.ID(), ada.Part(), 1, "hello")
					return err == nil && sure == 0 && r.stats().Sessions[bridge.StateRobot] == 1 && len(r.stats().Deliveries) == 0
				})
				if made := calls(); len(made) > 0 || len(r.acme.Posts(ada)) > 0 {
					r.Errorf("calls %q, posts %v", made, r.acme.Posts(ada))
				}
			})
		})
	}
}

// Switched off while a shadow is open, it stays one; the next session is none. Switched on, an open session goes on.
func TestShadowSwitched(t *testing.T) {
	simulated(t, func(r *rig) {
		calls := r.shadows()
		r.start()
		ada := r.acme.Open(channel, "ada", "hello")
		r.pass(time.Second)
		r.shutdown()
		r.config.Routes[0].Shadow = false
		r.start()
		r.acme.Say(ada, "ada", "still a shadow")
		r.acme.Press(ada, "ada", bridge.VerbEnd, "")
		r.pass(5 * time.Second)
		if made := calls(); len(made) > 0 || len(r.acme.Posts(ada)) > 0 {
			r.Errorf("calls %q, posts %v", made, r.acme.Posts(ada))
		}
		r.acme.Press(ada, "ada", bridge.VerbAgent, "")
		r.acme.Say(ada, "ada", "in earnest")
		r.within(10*time.Second, "it is delivered", func() bool { return len(r.centre.Texts("ada")) == 1 })
		r.shutdown()
		r.config.Routes[0].Shadow = true
		r.start()
		r.centre.AgentSays("ada", "hello Ada")
		r.within(10*time.Second, "the agent is shown", func() bool { return len(r.acme.Shown(ada, bridge.MessageAgent)) == 1 })
		r.acme.Press(ada, "ada", bridge.VerbEnd, "")
		r.within(10*time.Second, "it ends for real", func() bool { return r.centre.Calls("ada", ccm.Disconnect) == 1 })
		r.pass(time.Second)
		r.equal("texts", r.centre.Texts("ada"), []string{"in earnest"})
		if n := notices(r.acme, ada, "has ended"); n != 1 {
			r.Errorf("told the end %d times", n)
		}
		posts := len(r.acme.Posts(ada))
		r.acme.Say(ada, "ada", "once more")
		r.pass(5 * time.Second)
		if len(r.acme.Posts(ada)) != posts {
			r.Errorf("a shadow was shown: %v", r.acme.Posts(ada))
		}
	})
}

// What a shadow refuses is kept and reported, but is no dead letter: sent again later, it would go out in earnest.
func TestShadowRefuses(t *testing.T) {
	simulated(t, func(r *rig) {
		r.shadows()
		earnest := r.config.Routes[0]
		earnest.Shadow, earnest.Channels, r.config.Routes[0].Channels = false, []string{other}, []string{channel}
		r.config.Routes = append(r.config.Routes, earnest)
		r.config.Limits.OpenPerCustomer = 1
		r.start()
		r.acme.Open(channel, "ada", "hello")
		r.pass(time.Second)
		r.acme.Open(channel, "ada", "another")
		r.pass(5 * time.Second)
		views, err := r.Console().Shadows(r.Context(), time.Time{}, true)
		refused := 0
		for _, v := range views {
			refused += v.Refused
		}
		dead, err2 := r.Console().Dead(r.Context(), true)
		if err != nil || err2 != nil || len(views) != 2 || refused != 1 || len(dead) != 0 || r.meter.Count("dead up") != 0 {
			r.Errorf("%+v, %v; dead letters %+v, %v", views, err, dead, err2)
		}
		r.begins(r.acme, other, "ada") // there the limit does not count shadows
		if n := r.centre.Calls("ada", ccm.Connect); n != 1 {
			r.Errorf("%d times CONNECT", n)
		}
	})
}
