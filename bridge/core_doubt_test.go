package bridge_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"ccbridge/bridge"
	"ccbridge/bridge/bridgetest"
	"ccbridge/ccm"
)

// once deals a fault to the first n calls of one kind.
func once(n int32, kind string, fault bridgetest.Fault) func(string, ccm.Visitor) bridgetest.Fault {
	var left atomic.Int32
	left.Store(n)
	return func(call string, _ ccm.Visitor) bridgetest.Fault {
		if call == kind && left.Add(-1) >= 0 {
			return fault
		}
		return bridgetest.NoFault
	}
}

// A text in doubt is at the centre exactly once in the end, and what follows it comes after it. The waits are the real
// ones: 10 s for a call, 5 s between two looks.
func TestTextInDoubt(t *testing.T) {
	tests := map[string]struct {
		fault   bridgetest.Fault
		lag     time.Duration
		atLeast time.Duration // until the text that follows is at the centre
	}{
		"done, answer lost":              {fault: bridgetest.LostAfter, atLeast: 10 * time.Second},
		"done, never answered":           {fault: bridgetest.HangAfter, atLeast: 10 * time.Second},
		"done, history lags":             {fault: bridgetest.LostAfter, lag: 12 * time.Second, atLeast: 15 * time.Second},
		"done, history lags behind us":   {fault: bridgetest.LostAfter, lag: 22 * time.Second, atLeast: 25 * time.Second}, // the robot answered
		"lost on its way":                {fault: bridgetest.LostBefore, atLeast: 15 * time.Second},
		"never answered, not done":       {fault: bridgetest.Hang, atLeast: 15 * time.Second},
		"certainly not done: no waiting": {fault: bridgetest.Unreached},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			for name, without := range map[string]bool{"ids shown": false, "content only": true} {
				t.Run(name, func(t *testing.T) {
					simulated(t, func(r *rig) {
						r.centre.WithoutIDs, r.centre.HistoryLag = without, test.lag
						r.start()
						ada := r.begins(r.acme, channel, "ada")
						r.pass(time.Minute)
						r.acme.Say(ada, "ada", "same")
						r.pass(time.Minute)
						r.centre.Change(func(c *bridgetest.Centre) { c.Fault = once(1, "CHAT", test.fault) })
						began := time.Now()
						r.acme.Say(ada, "ada", "same")
						r.acme.Say(ada, "ada", "after")
						r.within(time.Minute, "the text after it", func() bool { return len(r.centre.Texts("ada")) == 4 })
						if took := time.Since(began); took < test.atLeast || took > test.atLeast+2*time.Second {
							r.Errorf("took %s, want about %s", took, test.atLeast)
						}
						r.equal("texts", r.centre.Texts("ada"), []string{"hello " + secret, "same", "same", "after"})
						r.pass(time.Minute)
						if n := r.meter.Count("repeated"); n != 0 {
							r.Errorf("%d repeats counted", n)
						}
						r.equal("answers", r.acme.Shown(ada, bridge.MessageRobot), []string{"re: hello " + secret, "re: same", "re: same", "re: after"})
					})
				})
			}
		})
	}
}

func historyRefused(call string, _ ccm.Visitor) *ccm.Error {
	if call == bridgetest.CallHistory {
		return bridgetest.Refusal(call, "10010000403", "no permission")
	}
	return nil
}

// Who is let in again learns what the history says: neither a token that could not be had nor access refused for a while
// is a refusal of the history.
func TestDoubtWithoutAccess(t *testing.T) {
	for name, e := range map[string]ccm.Error{
		"no access token":   {Status: 403, NoToken: true, Scope: ccm.ScopeCentre},
		"no visitor token":  {Status: 200, NoToken: true, Code: "1", Refused: true},
		"access refused":    {Status: 403, Scope: ccm.ScopeCentre},
		"the token refused": {Status: 401},
	} {
		t.Run(name, func(t *testing.T) {
			simulated(t, func(r *rig) {
				r.start()
				ada := r.begins(r.acme, channel, "ada")
				var left atomic.Int32
				left.Store(2)
				r.centre.Change(func(c *bridgetest.Centre) {
					c.Fault = once(1, "CHAT", bridgetest.LostAfter)
					c.Refuse = func(call string, _ ccm.Visitor) *ccm.Error {
						if call != bridgetest.CallHistory || left.Add(-1) < 0 {
							return nil
						}
						e := e
						e.Op, e.Certainty = call, ccm.NotDone
						return &e
					}
				})
				r.acme.Say(ada, "ada", "one")
				r.pass(2 * time.Minute)
				r.equal("texts", r.centre.Texts("ada"), []string{"hello " + secret, "one"})
				if n := r.meter.Count("repeated") + r.meter.Count("possible loss"); n != 0 {
					r.Errorf("%d repeats and possible losses counted", n)
				}
			})
		})
	}
}

// Where the centre does not say, on_unknown decides.
func TestOnUnknown(t *testing.T) {
	t.Run("repeat", func(t *testing.T) {
		simulated(t, func(r *rig) {
			r.centre.Refuse = historyRefused
			r.start()
			ada := r.begins(r.acme, channel, "ada")
			r.centre.Change(func(c *bridgetest.Centre) { c.Fault = once(1, "CHAT", bridgetest.LostAfter) })
			r.acme.Say(ada, "ada", "one")
			r.acme.Say(ada, "ada", "two")
			r.pass(time.Minute)
			r.equal("texts", r.centre.Texts("ada"), []string{"hello " + secret, "one", "one", "two"})
			if n := r.meter.Count("repeated"); n != 1 {
				r.Errorf("%d repeats counted", n)
			}
		})
	})
	t.Run("ask", func(t *testing.T) {
		simulated(t, func(r *rig) {
			r.centre.Refuse = historyRefused
			r.config.OnUnknown = "ask"
			r.start()
			ada := r.begins(r.acme, channel, "ada")
			r.centre.Change(func(c *bridgetest.Centre) { c.Fault = once(1, "CHAT", bridgetest.LostBefore) })
			r.acme.Say(ada, "ada", "one")
			r.acme.Say(ada, "ada", "two")
			r.pass(time.Minute)
			r.equal("texts", r.centre.Texts("ada"), []string{"hello " + secret, "two"})
			r.press(r.acme, ada, "ada", bridge.VerbResend)
			r.pass(10 * time.Second)
			r.equal("texts after [send again]", r.centre.Texts("ada"), []string{"hello " + secret, "two", "one"})
		})
	})
}

// press has a person press the newest button of a kind in a thread.
func (r *rig) press(p *bridgetest.Platform, t bridge.ThreadKey, who string, kind bridge.VerbKind) {
	r.Helper()
	for _, post := range p.Posts(t) {
		for _, b := range post.Buttons {
			if b.Verb == kind {
				defer p.Press(t, who, b.Verb, b.Ref)
				return
			}
		}
	}
	r.Fatalf("no button %s in %+v", kind, p.Posts(t))
}

// TRANS2AGENT in doubt is never repeated blindly: it may queue twice.
func TestTransferInDoubt(t *testing.T) {
	for name, fault := range map[string]bridgetest.Fault{"done": bridgetest.LostAfter, "not done": bridgetest.LostBefore} {
		t.Run(name, func(t *testing.T) {
			simulated(t, func(r *rig) {
				r.start()
				ada := r.begins(r.acme, channel, "ada")
				lost := once(1, "TRANS2AGENT", fault)
				r.centre.Change(func(c *bridgetest.Centre) {
					c.Fault = func(call string, v ccm.Visitor) bridgetest.Fault {
						if call == bridgetest.CallQueue {
							return bridgetest.LostBefore
						}
						return lost(call, v)
					}
				})
				r.acme.Press(ada, "ada", bridge.VerbAgent, "")
				r.acme.Say(ada, "ada", "for the agent")
				r.pass(30 * time.Minute)
				calls := r.meter.Count("call centre TRANS2AGENT")
				if calls != 1 {
					r.Errorf("begun %d times while the centre did not say", calls)
				}
				r.equal("texts", r.centre.Texts("ada"), []string{"hello " + secret})
				r.centre.Change(func(c *bridgetest.Centre) { c.Fault = nil })
				r.pass(2 * time.Minute)
				if n := r.centre.Calls("ada", ccm.TransferToAgent); n != 1 {
					r.Errorf("the centre received it %d times", n)
				}
				r.equal("texts", r.centre.Texts("ada"), []string{"hello " + secret, "for the agent"})
			})
		})
	}
}

// After give_up a text is a dead letter, which its author can send again.
func TestGiveUp(t *testing.T) {
	for name, fault := range map[string]bridgetest.Fault{"unreachable": bridgetest.Unreached, "in doubt": bridgetest.Hang} {
		t.Run(name, func(t *testing.T) {
			simulated(t, func(r *rig) {
				r.start()
				ada := r.begins(r.acme, channel, "ada")
				r.centre.Change(func(c *bridgetest.Centre) { c.Fault = func(string, ccm.Visitor) bridgetest.Fault { return fault } })
				r.acme.Say(ada, "ada", "one")
				r.pass(30 * time.Minute)
				r.acme.Say(ada, "ada", "two")
				r.pass(29 * time.Minute)
				if n := r.meter.Count("dead up"); n != 0 {
					r.Fatalf("%d dead letters before give_up", n)
				}
				took := r.within(3*time.Minute, "the first is given up", func() bool { return r.meter.Count("dead up") == 1 })
				r.Logf("given up after 59m + %s", took)
				r.within(time.Minute, "the thread is told", func() bool { return notices(r.acme, ada, "could not be delivered") == 1 })
				r.centre.Change(func(c *bridgetest.Centre) { c.Fault = nil })
				r.within(2*time.Minute, "the second goes on", func() bool { return len(r.centre.Texts("ada")) == 2 })
				r.press(r.acme, ada, "ada", bridge.VerbResend)
				r.within(10*time.Second, "the first is sent again", func() bool { return len(r.centre.Texts("ada")) == 3 })
				r.equal("texts", r.centre.Texts("ada"), []string{"hello " + secret, "two", "one"})
			})
		})
	}
}

// What a centre asks to wait is kept over a restart.
func TestRetryAfterKept(t *testing.T) {
	simulated(t, func(r *rig) {
		r.start()
		ada := r.begins(r.acme, channel, "ada")
		r.centre.Change(func(c *bridgetest.Centre) {
			c.Refuse = func(call string, _ ccm.Visitor) *ccm.Error {
				if call == "CHAT" {
					return bridgetest.Throttle(call, 10*time.Minute)
				}
				return nil
			}
		})
		r.acme.Say(ada, "ada", "one")
		until := time.Now().Add(10 * time.Minute)
		r.pass(time.Second)
		r.centre.Change(func(c *bridgetest.Centre) { c.Refuse = nil })
		r.kill()
		r.start()
		r.pass(time.Until(until))
		r.equal("texts too early", r.centre.Texts("ada"), []string{"hello " + secret})
		r.pass(5 * time.Second)
		r.equal("texts", r.centre.Texts("ada"), []string{"hello " + secret, "one"})
	})
}

// A post in doubt is shown once where the platform lets us look, and is counted as repeated where it does not.
func TestPostInDoubt(t *testing.T) {
	tests := map[string]struct {
		fault         bridgetest.Fault
		blind         bool
		shown, repeat int
	}{
		"done":            {fault: bridgetest.LostAfter, shown: 1},
		"never answered":  {fault: bridgetest.HangAfter, shown: 1},
		"not done":        {fault: bridgetest.LostBefore, shown: 1},
		"done, blind":     {fault: bridgetest.LostAfter, blind: true, shown: 2, repeat: 1},
		"not done, blind": {fault: bridgetest.Hang, blind: true, shown: 1, repeat: 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			simulated(t, func(r *rig) {
				r.start()
				ada := r.begins(r.acme, channel, "ada")
				r.pass(10 * time.Second)
				var left atomic.Int32
				left.Store(1)
				r.acme.Change(func(p *bridgetest.Platform) {
					p.Blind = test.blind
					p.Fault = func(call string, _ bridge.ThreadKey) bridgetest.Fault {
						if call == "send" && left.Add(-1) == 0 {
							return test.fault
						}
						return bridgetest.NoFault
					}
				})
				r.centre.AgentSays("ada", "first")
				r.centre.AgentSays("ada", "second")
				r.pass(2 * time.Minute)
				want := strings.Split(strings.Repeat("Grace: first,", test.shown)+"Grace: second", ",")
				r.equal("shown", r.acme.Shown(ada, bridge.MessageAgent), want)
				if n := r.meter.Count("repeated"); n != test.repeat {
					r.Errorf("%d repeats counted, want %d", n, test.repeat)
				}
			})
		})
	}
}
