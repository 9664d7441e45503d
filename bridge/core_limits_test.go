package bridge_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"ccbridge/bridge"
	"ccbridge/bridge/bridgetest"
	"ccbridge/ccm"
)

// A limited channel holds up its own threads only, in order.
func TestChannelLimited(t *testing.T) {
	simulated(t, func(r *rig) {
		r.start()
		ada, bea, cy := r.begins(r.acme, channel, "ada"), r.begins(r.acme, other, "bea"), r.begins(r.beta, channel, "cy")
		r.pass(10 * time.Second)
		until := time.Now().Add(time.Minute)
		r.acme.Change(func(p *bridgetest.Platform) {
			p.Refuse = func(d bridge.Delivery) *bridge.SendError {
				if wait := time.Until(until); wait > 0 && d.Thread.Channel == channel {
					return &bridge.SendError{Certainty: bridge.NotDone, Scope: bridge.ScopeChannel, RetryAfter: wait, Code: "ratelimited"}
				}
				return nil
			}
		})
		for i := range 3 {
			r.centre.AgentSays("ada", fmt.Sprint("a", i))
		}
		r.pass(time.Second)
		for name, see := range map[string]func() int{
			"bea": func() int { return len(r.acme.Shown(bea, bridge.MessageAgent)) },
			"cy":  func() int { return len(r.beta.Shown(cy, bridge.MessageAgent)) },
		} {
			r.centre.AgentSays(name, "quick")
			if took := r.within(5*time.Second, "others are shown", func() bool { return see() == 1 }); took > 200*time.Millisecond {
				r.Errorf("%s waited %s", name, took)
			}
		}
		r.limits(bridge.Limit{Part: "acme", Place: channel, Until: until, Why: bridge.LimitAsked})
		r.pass(time.Until(until))
		r.limits()
		r.equal("shown too early", r.acme.Shown(ada, bridge.MessageAgent), nil)
		r.pass(6 * time.Second)
		r.equal("shown", r.acme.Shown(ada, bridge.MessageAgent), []string{"Grace: a0", "Grace: a1", "Grace: a2"})
		if n := r.meter.Count("call acme agent"); n > 10 {
			r.Errorf("%d posts tried for 5", n)
		}
	})
}

// limits compares what is limited with what should be.
func (r *rig) limits(want ...bridge.Limit) {
	r.Helper()
	if got := r.Limited(); !slices.Equal(got, want) {
		r.Errorf("limited:\n got %+v\nwant %+v", got, want)
	}
}

// An outside that fails, asks for time or refuses every call is told of as such, until it answers.
func TestWholeLimited(t *testing.T) {
	for kind, no := range map[bridge.LimitKind]bridge.SendError{
		bridge.LimitAsked:   {Certainty: bridge.NotDone, Scope: bridge.ScopeAdapter, RetryAfter: time.Minute, Code: "ratelimited"},
		bridge.LimitBackOff: {Certainty: bridge.NotDone, Scope: bridge.ScopeAdapter, Code: "internal_error"},
		bridge.LimitRefused: {Certainty: bridge.NotDone, Scope: bridge.ScopeAdapter, Final: true, Code: "invalid_auth"},
	} {
		t.Run(string(kind), func(t *testing.T) {
			simulated(t, func(r *rig) {
				r.start()
				ada := r.begins(r.acme, channel, "ada")
				r.pass(10 * time.Second)
				r.limits()
				r.acme.Change(func(p *bridgetest.Platform) { p.Refuse = func(bridge.Delivery) *bridge.SendError { return &no } })
				r.centre.AgentSays("ada", "patience")
				r.within(5*time.Second, "limited", func() bool { return len(r.Limited()) == 1 })
				if l := r.Limited()[0]; l.Part != "acme" || l.Place != "" || l.Why != kind || !l.Until.After(time.Now()) {
					r.Errorf("got %+v, want all of acme %s", l, kind)
				}
				r.acme.Change(func(p *bridgetest.Platform) { p.Refuse = nil })
				r.pass(2 * time.Minute)
				r.equal("shown", r.acme.Shown(ada, bridge.MessageAgent), []string{"Grace: patience"})
				r.limits()
			})
		})
	}
}

// Threads of one channel share its one post a second by turns: who has much to show does not hold up the others.
func TestTurns(t *testing.T) {
	simulated(t, func(r *rig) {
		r.start()
		long, short := r.begins(r.acme, channel, "ada"), r.begins(r.acme, channel, "bea")
		r.pass(10 * time.Second)
		for i := range 20 {
			r.centre.AgentSays("ada", fmt.Sprint(i))
		}
		r.pass(3 * time.Second)
		r.centre.AgentSays("bea", "quick")
		if took := r.within(time.Minute, "the short one is shown", func() bool { return len(r.acme.Shown(short, bridge.MessageAgent)) == 1 }); took > 3*time.Second {
			r.Errorf("waited %s behind another thread", took)
		}
		r.pass(25 * time.Second)
		posts := r.acme.Posts(long)
		if len(posts) < 21 {
			r.Fatalf("%d posts", len(posts))
		}
		for i := 1; i < len(posts); i++ {
			if gap := posts[i].At.Sub(posts[i-1].At); gap < 990*time.Millisecond {
				r.Errorf("posts %d and %d are %s apart", i-1, i, gap)
			}
		}
		if n := r.meter.Count("limited acme"); n != 0 {
			r.Errorf("went over the limit %d times", n)
		}
	})
}

// One thread's calls that are never answered delay no other thread, neither up nor down.
func TestSlowThread(t *testing.T) {
	simulated(t, func(r *rig) {
		r.start()
		ada, bea := r.begins(r.acme, channel, "ada"), r.begins(r.acme, other, "bea")
		r.pass(10 * time.Second)
		r.centre.Change(func(c *bridgetest.Centre) {
			c.Fault = func(call string, v ccm.Visitor) bridgetest.Fault {
				if v.UserName == "ada" && call != bridgetest.CallPoll {
					return bridgetest.Hang
				}
				return bridgetest.NoFault
			}
		})
		r.acme.Say(ada, "ada", "stuck")
		r.pass(time.Second)
		r.acme.Say(bea, "bea", "quick")
		if took := r.within(2*time.Second, "the other's text arrives", func() bool { return len(r.centre.Texts("bea")) == 2 }); took > 100*time.Millisecond {
			r.Errorf("waited %s", took)
		}
		r.centre.AgentSays("ada", "the other way goes on")
		if took := r.within(5*time.Second, "the agent shows", func() bool { return len(r.acme.Shown(ada, bridge.MessageAgent)) == 1 }); took > time.Second {
			r.Errorf("down waited %s for up", took)
		}
	})
}

// Item 8: of many workers who race for one delivery one begins.
func TestBeginRace(t *testing.T) {
	simulated(t, func(r *rig) {
		var begun, won, lost atomic.Int32
		rival := &rivalStore{begin: func(ctx context.Context, s bridge.Store, d bridge.Delivery, deadline time.Time, repeat bool) error {
			var group sync.WaitGroup
			for range 8 {
				group.Go(func() {
					err := s.Begin(ctx, d, deadline, repeat)
					switch {
					case err == nil:
						won.Add(1)
					case errors.Is(err, bridge.ErrConflict):
						lost.Add(1)
					default:
						r.Errorf("begin: %v", err)
					}
				})
			}
			group.Wait()
			begun.Add(1)
			return nil // one of them is this worker
		}}
		r.wrap = func(s bridge.Store) bridge.Store { rival.Store = s; return rival }
		r.start()
		r.acme.Open(channel, "ada", "hello")
		r.pass(time.Minute)
		if n := begun.Load(); n == 0 || won.Load() != n || lost.Load() != 7*n {
			r.Errorf("of %d races %d won and %d lost", n, won.Load(), lost.Load())
		}
		r.equal("texts", r.centre.Texts("ada"), []string{"hello"})
		if n := r.centre.Calls("ada", ccm.Connect); n != 1 {
			r.Errorf("connected %d times", n)
		}
	})
}

// Item 8: who loses the race makes no call, waits for the winner's deadline, and looks.
func TestBeginLost(t *testing.T) {
	simulated(t, func(r *rig) {
		var lose atomic.Bool
		rival := &rivalStore{begin: func(ctx context.Context, s bridge.Store, d bridge.Delivery, deadline time.Time, repeat bool) error {
			if lose.CompareAndSwap(true, false) {
				if err := s.Begin(ctx, d, deadline, repeat); err != nil {
					return err
				}
			}
			return s.Begin(ctx, d, deadline, repeat)
		}}
		r.wrap = func(s bridge.Store) bridge.Store { rival.Store = s; return rival }
		r.start()
		ada := r.begins(r.acme, channel, "ada")
		r.centre.Change(func(c *bridgetest.Centre) { c.Fault = once(1, "CHAT", bridgetest.Unreached) }) // the second try is begun by itself
		lose.Store(true)
		r.acme.Say(ada, "ada", "one")
		r.pass(14 * time.Second)
		r.equal("texts while another worker may be at it", r.centre.Texts("ada"), []string{"hello " + secret})
		r.pass(10 * time.Second)
		r.equal("texts", r.centre.Texts("ada"), []string{"hello " + secret, "one"})
	})
}

// rivalStore is a store on which others work too.
type rivalStore struct {
	bridge.Store
	begin func(ctx context.Context, s bridge.Store, d bridge.Delivery, deadline time.Time, repeat bool) error
}

func (s *rivalStore) Begin(ctx context.Context, d bridge.Delivery, deadline time.Time, repeat bool) error {
	return s.begin(ctx, s.Store, d, deadline, repeat)
}
