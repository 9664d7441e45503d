package bridge_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"ccbridge/bridge"
	"ccbridge/bridge/bridgetest"
	"ccbridge/ccm"
)

// anew is an adapter that was made anew for the same platform.
type anew struct{ *bridgetest.Platform }

// reconfigures changes the settings of the Bridge that runs, and of the next start.
func (r *rig) reconfigures(set func(*bridge.Settings)) {
	r.Helper()
	set(&r.config.Settings)
	if err := r.Reconfigure(r.Context(), r.config.Settings); err != nil {
		r.Fatal(err)
	}
}

// only are routes of the rig without those of other channels than the named ones of acme.
func (r *rig) only(channels ...string) []bridge.Route {
	acme := r.config.Routes[0]
	acme.Channels = channels
	return []bridge.Route{acme, r.config.Routes[1]}
}

// A route that goes ends the sessions of its channel and no other; when it comes back it carries at once, and what was
// written meanwhile is read.
func TestRouteGoesAndComes(t *testing.T) {
	simulated(t, func(r *rig) {
		r.start()
		ada, bea := r.begins(r.acme, channel, "ada"), r.begins(r.acme, other, "bea")
		r.pass(2 * time.Minute) // the cursors stand
		r.reconfigures(func(s *bridge.Settings) { s.Routes = r.only(other) })
		r.within(10*time.Second, "ada's session ends", func() bool { return r.centre.Calls("ada", ccm.Disconnect) == 1 })
		r.acme.Say(ada, "ada", "to nobody")
		r.acme.Open(channel, "cy", "meanwhile")
		r.acme.Say(bea, "bea", "still here")
		r.pass(10 * time.Second)
		r.equal("bea's texts", r.centre.Texts("bea"), []string{"hello " + secret, "still here"})
		r.equal("cy's texts without a route", r.centre.Texts("cy"), nil)

		r.reconfigures(func(s *bridge.Settings) { s.Routes = r.only(channel, other) })
		dan := r.acme.Open(channel, "dan", "at once")
		r.within(time.Second, "dan is heard", func() bool { return len(r.centre.Texts("dan")) == 1 })
		r.pass(10 * time.Second)
		r.equal("cy's texts", r.centre.Texts("cy"), []string{"meanwhile"})
		r.equal("robot to dan", r.acme.Shown(dan, bridge.MessageRobot), []string{"re: at once"})
		if n := r.centre.Calls("bea", ccm.Connect); n != 1 {
			r.Errorf("bea was connected %d times", n)
		}
		if parts, ready := r.Status(); !ready {
			r.Errorf("not ready: %+v", parts)
		}
	})
}

// A channel that is routed for the first time has nothing to catch up, and from then on loses nothing: also if its line
// is down just then.
func TestRouteIsNew(t *testing.T) {
	simulated(t, func(r *rig) {
		r.config.Routes = r.only(other)
		r.start()
		r.acme.Open(channel, "ada", "before the bridge came")
		r.pass(time.Hour)
		r.acme.Drop()
		r.reconfigures(func(s *bridge.Settings) { s.Routes = r.only(channel, other) })
		r.acme.Open(channel, "bea", "while the line is down")
		r.pass(time.Minute)
		r.acme.Restore()
		r.pass(10 * time.Second)
		r.equal("ada's texts", r.centre.Texts("ada"), nil)
		r.equal("bea's texts", r.centre.Texts("bea"), []string{"while the line is down"})
	})
}

// What was stored for a channel whose route goes before it is worked does not vanish: it is a dead letter. Nor does what is
// written there when the route is back; and who is erased is erased from that letter too.
func TestRouteGoesBeforeStep(t *testing.T) {
	simulated(t, func(r *rig) {
		r.start()
		r.frail.FailIf(func(method string) bool { return method == "Load" })
		ada := r.acme.Open(channel, "ada", "just before")
		r.pass(100 * time.Millisecond)
		r.reconfigures(func(s *bridge.Settings) { s.Routes = r.only(other) })
		r.frail.FailIf(nil)
		r.pass(time.Minute)
		r.equal("texts", r.centre.Texts("ada"), nil)
		if n := r.meter.Count("dead up"); n != 1 {
			r.Errorf("%d dead letters", n)
		}
		r.reconfigures(func(s *bridge.Settings) { s.Routes = r.only(channel, other) })
		r.acme.Say(ada, "ada", "when it is back")
		r.within(10*time.Second, "she is asked", func() bool { return notices(r.acme, ada, "Shall I open it again") == 1 })
		if _, err := r.Console().Erase(r.Context(), "acme", "U-ada"); err != nil {
			r.Fatal(err)
		}
		if dead, err := r.Console().Dead(r.Context(), true); err != nil || len(dead) > 0 {
			r.Errorf("dead letters %+v, %v", dead, err)
		}
	})
}

// Adapters made anew again and again lose, double and reorder nothing, both ways, whatever is on its way.
func TestAdaptersAnew(t *testing.T) {
	simulated(t, func(r *rig) {
		r.acme.Change(func(p *bridgetest.Platform) { p.Gap = 0 })
		r.beta.Change(func(p *bridgetest.Platform) { p.Gap = 0 })
		r.start()
		r.reconfigures(func(s *bridge.Settings) { s.Limits.CatchUp = 2 * time.Hour })
		ada, cy := r.begins(r.acme, channel, "ada"), r.begins(r.beta, channel, "cy")
		up, down := []string{"hello " + secret}, []string(nil)
		for i := range 12 {
			for n := range 4 {
				text := fmt.Sprintf("%d.%d", i, n)
				r.acme.Say(ada, "ada", text)
				r.beta.Say(cy, "cy", text)
				r.centre.AgentSays("ada", text)
				r.centre.AgentSays("cy", text)
				up, down = append(up, text), append(down, "Grace: "+text)
				r.pass(7 * time.Millisecond)
			}
			if i%2 == 0 { // else it comes to rest
				r.reconfigures(func(s *bridge.Settings) {
					s.Adapters = map[string]bridge.Adapter{"acme": &anew{r.acme}, "beta": s.Adapters["beta"]}
				})
			}
		}
		r.pass(time.Minute)
		r.equal("ada's texts", r.centre.Texts("ada"), up)
		r.equal("cy's texts", r.centre.Texts("cy"), up)
		r.equal("shown to ada", r.acme.Shown(ada, bridge.MessageAgent), down)
		r.equal("shown to cy", r.beta.Shown(cy, bridge.MessageAgent), down)
		for _, what := range []string{"repeated", "dead up", "dead down", "possible loss"} {
			if n := r.meter.Count(what); n != 0 {
				r.Errorf("%s: %d", what, n)
			}
		}
		if n, m := len(r.acme.CaughtUp()), len(r.beta.CaughtUp()); n < 6 || m != 0 {
			r.Errorf("catch-up read %d places of the adapter made anew and %d of the one that stayed", n, m)
		}
	})
}

// An adapter whose token is mended by a change goes on at once, without waiting for what the refused one had to.
func TestAdapterMended(t *testing.T) {
	simulated(t, func(r *rig) {
		r.start()
		ada := r.begins(r.acme, channel, "ada")
		r.acme.Change(func(p *bridgetest.Platform) {
			p.Refuse = func(bridge.Delivery) *bridge.SendError {
				return &bridge.SendError{Certainty: bridge.NotDone, Scope: bridge.ScopeAdapter, Final: true, Code: "invalid_auth"}
			}
		})
		r.centre.AgentSays("ada", "hello?")
		r.within(10*time.Second, "the adapter fails", func() bool { parts, _ := r.Status(); return parts["acme"].State == "failed" })
		r.pass(10 * time.Second) // now it rests for a minute
		r.acme.Change(func(p *bridgetest.Platform) { p.Refuse = nil })
		r.reconfigures(func(s *bridge.Settings) {
			s.Adapters = map[string]bridge.Adapter{"acme": &anew{r.acme}, "beta": r.beta}
		})
		if took := r.within(time.Minute, "the answer is shown", func() bool { return len(r.acme.Shown(ada, bridge.MessageAgent)) == 1 }); took > 5*time.Second {
			r.Errorf("after %s", took)
		}
		if parts, ready := r.Status(); !ready || parts["acme"].State != "up" {
			r.Errorf("ready %v: %+v", ready, parts)
		}
	})
}

// late is an adapter whose calls are refused, once the gate is open.
type late struct {
	*bridgetest.Platform
	gate chan struct{}
}

func (l late) Send(context.Context, bridge.Delivery) (bridge.RemoteID, error) {
	<-l.gate
	return "", &bridge.SendError{Certainty: bridge.NotDone, Scope: bridge.ScopeAdapter, Final: true, Code: "invalid_auth"}
}

// What is refused to an adapter after another took its place holds nothing back.
func TestAdapterRefusedLate(t *testing.T) {
	simulated(t, func(r *rig) {
		r.start()
		ada := r.begins(r.acme, channel, "ada")
		gate := make(chan struct{})
		r.reconfigures(func(s *bridge.Settings) {
			s.Adapters = map[string]bridge.Adapter{"acme": &late{r.acme, gate}, "beta": r.beta}
		})
		r.centre.AgentSays("ada", "hello?")
		r.pass(time.Second) // it is on its way
		r.reconfigures(func(s *bridge.Settings) {
			s.Adapters = map[string]bridge.Adapter{"acme": &anew{r.acme}, "beta": r.beta}
		})
		close(gate)
		if took := r.within(2*time.Minute, "the answer is shown", func() bool { return len(r.acme.Shown(ada, bridge.MessageAgent)) == 1 }); took > 5*time.Second {
			r.Errorf("after %s", took)
		}
		if parts, _ := r.Status(); parts["acme"].State != "up" {
			r.Errorf("%+v", parts)
		}
	})
}

// An adapter that goes ends its sessions as a start without it does; one that comes is carried at once. Neither takes
// readiness from the others.
func TestAdapterGoesAndComes(t *testing.T) {
	simulated(t, func(r *rig) {
		r.start()
		ada := r.begins(r.acme, channel, "ada")
		r.begins(r.beta, channel, "cy")
		routes := r.config.Routes
		r.reconfigures(func(s *bridge.Settings) {
			s.Adapters, s.Routes = map[string]bridge.Adapter{"acme": r.acme}, routes[:1]
		})
		r.within(10*time.Second, "cy's session ends", func() bool { return r.centre.Calls("cy", ccm.Disconnect) == 1 })
		parts, ready := r.Status()
		if _, there := parts["beta"]; there || !ready {
			r.Errorf("ready %v: %+v", ready, parts)
		}
		r.acme.Say(ada, "ada", "one")
		r.pass(5 * time.Second)
		r.equal("ada's texts", r.centre.Texts("ada"), []string{"hello " + secret, "one"})

		r.reconfigures(func(s *bridge.Settings) {
			s.Adapters, s.Routes = map[string]bridge.Adapter{"acme": r.acme, "beta": hopeless{r.beta}}, routes
		})
		r.pass(time.Second)
		if parts, ready := r.Status(); !ready || parts["beta"].State != "failed" {
			r.Errorf("ready %v: %+v", ready, parts)
		}
		r.reconfigures(func(s *bridge.Settings) {
			s.Adapters = map[string]bridge.Adapter{"acme": r.acme, "beta": r.beta}
		})
		r.begins(r.beta, channel, "dan")
	})
}

// A shorter call_timeout does not have a call looked up that may still be on its way.
func TestCallTimeoutShorter(t *testing.T) {
	simulated(t, func(r *rig) {
		r.config.Limits.CallTimeout = time.Minute
		var looked time.Time
		r.config.Hook = func(point string) {
			if point == "before look at CHAT" && looked.IsZero() {
				looked = time.Now()
			}
		}
		r.start()
		ada := r.begins(r.acme, channel, "ada")
		r.centre.Change(func(c *bridgetest.Centre) { c.Fault = once(1, "CHAT", bridgetest.LostAfter) })
		r.acme.Say(ada, "ada", "one")
		said := time.Now()
		r.pass(time.Second)
		r.reconfigures(func(s *bridge.Settings) { s.Limits.CallTimeout = time.Second })
		r.pass(3 * time.Minute)
		if looked.Sub(said) < 59*time.Second {
			r.Errorf("looked after %s", looked.Sub(said))
		}
		r.equal("texts", r.centre.Texts("ada"), []string{"hello " + secret, "one"})
	})
}

// A time that runs in a session ends as it was begun; the next word begins the new one.
func TestIdleShorter(t *testing.T) {
	simulated(t, func(r *rig) {
		r.config.Limits.Idle = time.Hour
		r.start()
		ada, bea := r.begins(r.acme, channel, "ada"), r.begins(r.acme, other, "bea")
		r.reconfigures(func(s *bridge.Settings) { s.Limits.Idle = 10 * time.Minute })
		r.acme.Say(bea, "bea", "one")
		r.pass(15 * time.Minute)
		if n, m := r.centre.Calls("ada", ccm.Disconnect), r.centre.Calls("bea", ccm.Disconnect); n != 0 || m != 1 {
			r.Errorf("after a quarter of an hour %d and %d sessions ended", n, m)
		}
		r.pass(time.Hour)
		if n := r.centre.Calls("ada", ccm.Disconnect); n != 1 {
			r.Errorf("ended %d times", n)
		}
		if n := notices(r.acme, ada, "minutes"); n == 0 {
			r.Errorf("not warned: %q", r.acme.Shown(ada, bridge.MessageNotice))
		}
	})
}

// Changes come one after the other, also while many ask at once, and none is left waiting when Run ends.
func TestReconfigureAtOnce(t *testing.T) {
	simulated(t, func(r *rig) {
		ctx, cancel := context.WithCancel(r.Context())
		cancel()
		if err := bridge.New(r.config).Reconfigure(ctx, r.config.Settings); !errors.Is(err, context.Canceled) {
			r.Errorf("before Run: %v", err)
		}
		r.start()
		ctx, cancel = context.WithCancel(r.Context())
		ended := make(chan error, 20)
		for range 20 {
			s := r.config.Settings
			s.Adapters = map[string]bridge.Adapter{"acme": &anew{r.acme}, "beta": &anew{r.beta}}
			go func() { ended <- r.Reconfigure(ctx, s) }()
		}
		for range 10 {
			if err := <-ended; err != nil {
				r.Error(err)
			}
		}
		r.shutdown()
		cancel()
		for range 10 {
			<-ended
		}
		synctest.Wait()
	})
}
