package bridge_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"ccbridge/bridge"
	"ccbridge/bridge/bridgetest"
	"ccbridge/ccm"
)

// Item 9: a full disk stops acknowledging and polling, shows in the status, and everything goes on when there is room.
func TestDiskFull(t *testing.T) {
	simulated(t, func(r *rig) {
		r.start()
		ada := r.begins(r.acme, channel, "ada")
		r.pass(10 * time.Second)
		r.frail.FailIf(func(method string) bool {
			return strings.Contains("Ingest Save Begin Postpone Settle SetCursor Healthy", method)
		})
		id := r.acme.Say(ada, "ada", "one")
		r.centre.AgentSays("ada", "from the agent") // the poll on its way brings it
		r.pass(time.Minute)
		if r.acme.Acknowledged(id) {
			r.Error("acknowledged what is not on disk")
		}
		if parts, ready := r.Status(); !ready || parts["store"].State != "down" { // an outage changes the parts only (§9.11)
			r.Errorf("ready %v with a full disk: %+v", ready, parts["store"])
		}
		polls := r.meter.Count("call centre poll")
		r.pass(5 * time.Minute)
		if n := r.meter.Count("call centre poll") - polls; n != 0 {
			r.Errorf("%d polls while nothing could be kept", n)
		}
		r.frail.FailIf(nil)
		r.within(5*time.Second, "acknowledged", func() bool { return r.acme.Acknowledged(id) })
		r.acme.Say(ada, "ada", "two")
		r.pass(20 * time.Second)
		if parts, _ := r.Status(); parts["store"].State != "up" {
			r.Errorf("the store is %q again", parts["store"].State)
		}
		r.equal("texts", r.centre.Texts("ada"), []string{"hello " + secret, "one", "two"})
		r.equal("agent", r.acme.Shown(ada, bridge.MessageAgent), []string{"Grace: from the agent"})
	})
}

// What could not be stored is read from the platform once there is room, before anything newer is worked: the platform
// may send it again too late for its place, or not at all.
func TestDiskFullForLong(t *testing.T) {
	simulated(t, func(r *rig) {
		r.acme.GivesUp = true
		r.start()
		ada := r.begins(r.acme, channel, "ada")
		r.pass(10 * time.Second)
		r.frail.FailIf(func(method string) bool { return strings.Contains("Ingest Save Begin Healthy", method) })
		r.acme.Say(ada, "ada", "one")
		bob := r.acme.Open(channel, "bob", "a new thread")
		r.pass(10 * time.Minute)
		r.frail.FailIf(nil)
		r.acme.Say(ada, "ada", "two")
		r.pass(20 * time.Second)
		r.equal("texts", r.centre.Texts("ada"), []string{"hello " + secret, "one", "two"})
		r.equal("texts of the new thread", r.centre.Texts("bob"), []string{"a new thread"})
		r.equal("robot", r.acme.Shown(bob, bridge.MessageRobot), []string{"re: a new thread"})
	})
}

// A Put whose caller gave up is a gap of its own adapter only.
func TestGapOfOneAdapter(t *testing.T) {
	simulated(t, func(r *rig) {
		r.start()
		r.begins(r.acme, channel, "ada")
		gate := make(chan struct{})
		r.beta.Change(func(p *bridgetest.Platform) { p.Gate = gate })
		r.beta.Drop()
		r.beta.Restore()
		r.pass(time.Second)
		acme, beta := len(r.acme.CaughtUp()), len(r.beta.CaughtUp())
		ctx, cancel := context.WithCancel(r.Context())
		cancel()
		if err := r.acme.Put(ctx, r.acme.Written()); err == nil {
			r.Error("stored for a caller who gave up")
		}
		r.pass(time.Second)
		close(gate)
		r.pass(time.Minute)
		if len(r.acme.CaughtUp()) == acme {
			r.Error("the gap was not closed")
		}
		r.equal("read of the other", r.beta.CaughtUp()[beta:], []string{"channel " + other})
	})
}

// Each kind of write may fail for a while, at any place: nothing is lost, doubled or out of order.
func TestStoreFails(t *testing.T) {
	for _, method := range []string{"Ingest", "Load", "Save", "Head", "Begin", "Settle", "DueBy", "Heard"} {
		t.Run(method, func(t *testing.T) {
			simulated(t, func(r *rig) {
				r.start()
				ada := r.begins(r.acme, channel, "ada")
				r.pass(5 * time.Second)
				r.frail.FailIf(func(m string) bool { return m == method })
				r.acme.Say(ada, "ada", "one")
				r.acme.Say(ada, "ada", "two")
				r.pass(5 * time.Second)
				r.frail.FailIf(nil)
				r.pass(time.Minute)
				r.equal("texts", r.centre.Texts("ada"), []string{"hello " + secret, "one", "two"})
				r.equal("robot", r.acme.Shown(ada, bridge.MessageRobot), []string{"re: hello " + secret, "re: one", "re: two"})
			})
		})
	}
}

// A result that could not be stored is not forgotten: the call is neither repeated nor looked at, however late it is kept.
func TestSettleLate(t *testing.T) {
	simulated(t, func(r *rig) {
		r.start()
		ada := r.begins(r.acme, channel, "ada")
		r.pass(5 * time.Second)
		r.frail.FailIf(func(m string) bool { return m == "Settle" })
		r.acme.Say(ada, "ada", "one")
		r.pass(2 * time.Minute)
		histories := r.meter.Count("call centre CHAT")
		r.frail.FailIf(nil)
		r.pass(time.Minute)
		if n := r.meter.Count("call centre CHAT"); n != histories || n != 2 {
			r.Errorf("CHAT was called %d times", n)
		}
		r.equal("texts", r.centre.Texts("ada"), []string{"hello " + secret, "one"})
	})
}

// A panic anywhere costs one event, and never the process.
func TestPanics(t *testing.T) {
	const bad = "boom"
	tests := map[string]func(r *rig, armed *atomic.Bool){
		"render": func(r *rig, armed *atomic.Bool) {
			r.acme.BeforeRender = func(bridge.Message) {
				if armed.CompareAndSwap(true, false) {
					panic(bad)
				}
			}
		},
		"send": func(r *rig, armed *atomic.Bool) { r.acme.Fault = panicOnce[bridge.ThreadKey]("send", armed) },
		"find": func(r *rig, armed *atomic.Bool) {
			panics := panicOnce[bridge.ThreadKey]("find", armed)
			var lost atomic.Bool
			r.acme.Fault = func(call string, t bridge.ThreadKey) bridgetest.Fault {
				if call == "send" && armed.Load() && lost.CompareAndSwap(false, true) {
					return bridgetest.LostAfter
				}
				return panics(call, t)
			}
		},
		"catch up": func(r *rig, armed *atomic.Bool) {
			r.acme.Fault = panicOnce[bridge.ThreadKey]("catch up", armed)
		},
		"CHAT": func(r *rig, armed *atomic.Bool) { r.centre.Fault = panicOnce[ccm.Visitor]("CHAT", armed) },
		"poll": func(r *rig, armed *atomic.Bool) {
			r.centre.Fault = panicOnce[ccm.Visitor](bridgetest.CallPoll, armed)
		},
		"history": func(r *rig, armed *atomic.Bool) {
			r.centre.Fault = panicOnce[ccm.Visitor](bridgetest.CallHistory, armed)
		},
	}
	for name, set := range tests {
		t.Run(name, func(t *testing.T) {
			simulated(t, func(r *rig) {
				var armed atomic.Bool
				set(r, &armed)
				r.start()
				ada, bea := r.begins(r.acme, channel, "ada"), r.begins(r.acme, other, "bea")
				r.pass(5 * time.Second)
				armed.Store(true)
				if name == "catch up" {
					r.acme.Drop()
					r.acme.Restore()
				}
				if name == "history" {
					r.kill()
					r.start()
				}
				for i := range 3 {
					r.acme.Say(ada, "ada", fmt.Sprint("a", i))
				}
				r.pass(time.Second)
				r.acme.Say(bea, "bea", "b")
				r.within(3*time.Minute, "the texts arrive", func() bool { return len(r.centre.Texts("ada")) == 4 && len(r.centre.Texts("bea")) == 2 })
				r.pass(3 * time.Minute)
				if armed.Load() {
					r.Error("it did not come to the panic")
				}
				if log := r.log.String(); !strings.Contains(log, "a defect") || strings.Contains(log, bad) {
					r.Errorf("the panic is not reported as it should be")
				}
				r.equal("texts", r.centre.Texts("ada"), []string{"hello " + secret, "a0", "a1", "a2"})
				shown := len(r.acme.Shown(ada, bridge.MessageRobot))
				if name != "render" && shown != 4 || name == "render" && shown < 3 {
					r.Errorf("%d answers shown", shown)
				}
			})
		})
	}
}

// An answer that no attempt can show is kept and counted as a dead letter, and those behind it are shown.
func TestPanicOverAnAnswer(t *testing.T) {
	simulated(t, func(r *rig) {
		r.acme.BeforeRender = func(m bridge.Message) {
			if m.Text == "bad" {
				panic("a defect of the adapter")
			}
		}
		r.start()
		ada := r.begins(r.acme, channel, "ada")
		r.centre.AgentSays("ada", "bad")
		r.centre.AgentSays("ada", "good")
		r.pass(time.Minute)
		r.equal("agent", r.acme.Shown(ada, bridge.MessageAgent), []string{"Grace: good"})
		if stored, counted := r.stats().Dead[bridge.Down], r.meter.Count("dead down"); stored != 1 || counted != 1 {
			r.Errorf("%d dead letters are kept and %d counted", stored, counted)
		}
	})
}

// panicOnce panics at one kind of call, the first time after it is armed.
func panicOnce[T any](kind string, armed *atomic.Bool) func(string, T) bridgetest.Fault {
	return func(call string, _ T) bridgetest.Fault {
		if call == kind && armed.CompareAndSwap(true, false) {
			return bridgetest.Panic
		}
		return bridgetest.NoFault
	}
}

// Events that make no sense cost themselves at most.
func TestBadEvents(t *testing.T) {
	simulated(t, func(r *rig) {
		r.start()
		ada := r.begins(r.acme, channel, "ada")
		now := time.Now()
		unknown := bridge.TimerKind("unknown")
		bad := map[string]bridge.Event{
			"nothing in it":     {},
			"no author":         {Text: &bridge.Text{Body: "x"}},
			"unknown verb":      {Verb: &bridge.Verb{Kind: "nonsense", By: bridge.User{ID: "U-ada"}}},
			"verb of nobody":    {Verb: &bridge.Verb{Kind: bridge.VerbEnd}},
			"unknown timer":     {Due: &unknown},
			"result of nothing": {Result: &bridge.Result{Target: bridge.ToCentre}},
			"unknown control":   {Downlink: &ccm.Downlink{Control: "NONSENSE"}},
			"40000 characters":  {Text: &bridge.Text{Author: bridge.User{ID: "U-ada"}, Body: strings.Repeat("<@U1> & *x* ", 40000/12)}},
			"not UTF-8":         {Text: &bridge.Text{Author: bridge.User{ID: "U-eve"}, Body: "\xff\xfe"}},
		}
		for name, ev := range bad {
			ev.ID, ev.Thread, ev.At, ev.Order = bridge.EventID(name), ada, now, "00946684899"
			if err := r.acme.Put(r.Context(), ev); err != nil {
				r.Errorf("%s: %v", name, err)
			}
			ev.ID, ev.Thread = bridge.EventID(name+" nowhere"), bridge.ThreadKey{}
			if err := r.acme.Put(r.Context(), ev); err != nil {
				r.Errorf("%s without a thread: %v", name, err)
			}
		}
		r.pass(10 * time.Second)
		r.acme.Say(ada, "ada", "still there")
		r.within(5*time.Second, "life goes on", func() bool { return len(r.centre.Texts("ada")) > 1 })
		r.pass(10 * time.Second)
		r.equal("texts", r.centre.Texts("ada"), []string{"hello " + secret, "still there"})
		if notices(r.acme, ada, "too long") != 1 {
			r.Error("the writer of 40,000 characters was not told")
		}
	})
}
