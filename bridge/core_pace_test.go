package bridge_test

import (
	"testing"
	"time"

	"ccbridge/bridge"
	"ccbridge/bridge/bridgetest"
	"ccbridge/ccm"
)

// A centre that asks for fewer calls, or refuses them, gets fewer of a text, also while it answers polls.
func TestTextThrottled(t *testing.T) {
	for name, no := range map[string]*ccm.Error{
		"throttled": bridgetest.Throttle(string(ccm.Chat), 0),
		"forbidden": {Op: "send CHAT", Status: 403, Certainty: ccm.NotDone, Scope: ccm.ScopeCentre},
		"no token":  {Op: "send CHAT", Status: 200, Certainty: ccm.NotDone, Code: "1", Refused: true, NoToken: true},
	} {
		t.Run(name, func(t *testing.T) {
			simulated(t, func(r *rig) {
				r.centre.PollWait = time.Second
				r.start()
				ada := r.begins(r.acme, channel, "ada")
				calls, until := 0, time.Now().Add(time.Minute)
				r.centre.Change(func(c *bridgetest.Centre) {
					c.Refuse = func(call string, _ ccm.Visitor) *ccm.Error {
						if call != string(ccm.Chat) || time.Now().After(until) {
							return nil
						}
						calls++
						return no
					}
				})
				r.acme.Say(ada, "ada", "patience")
				r.pass(time.Until(until))
				r.centre.Change(func(*bridgetest.Centre) {
					if calls > 15 {
						r.Errorf("asked %d times in a minute", calls)
					}
				})
				r.pass(31 * time.Second)
				r.equal("texts", r.centre.Texts("ada"), []string{"hello " + secret, "patience"})
			})
		})
	}
}

// Polling is the session's heartbeat: whatever fails, the next one is seconds away.
func TestHeartbeat(t *testing.T) {
	for name, fault := range map[string]map[string]bridgetest.Fault{
		"polls lost":               {bridgetest.CallPoll: bridgetest.LostAfter},
		"centre out of reach":      {bridgetest.CallPoll: bridgetest.Unreached},
		"no answer of the history": {bridgetest.CallHistory: bridgetest.Hang},
		"history lost":             {bridgetest.CallHistory: bridgetest.LostBefore},
	} {
		t.Run(name, func(t *testing.T) {
			simulated(t, func(r *rig) {
				r.centre.PollWait = 5 * time.Second
				r.start()
				r.begins(r.acme, channel, "ada")
				var polled time.Time
				longest, first := time.Duration(0), true
				r.centre.Change(func(c *bridgetest.Centre) {
					c.Fault = func(call string, _ ccm.Visitor) bridgetest.Fault {
						if call == bridgetest.CallPoll {
							if now := time.Now(); !polled.IsZero() {
								longest = max(longest, now.Sub(polled))
							}
							polled = time.Now()
							if first {
								first = false
								return bridgetest.LostAfter
							}
						}
						return fault[call]
					}
				})
				r.pass(5 * time.Minute)
				r.centre.Change(func(*bridgetest.Centre) {
					if longest > 16*time.Second { // a poll, and a look that is not answered
						r.Errorf("not polled for %s", longest)
					}
				})
			})
		})
	}
}

// The centre is asked about a session every 10 s at most, whoever asks, and a text that it refuses although the session
// lives is tried again at that pace.
func TestQueueAskedSeldom(t *testing.T) {
	simulated(t, func(r *rig) {
		r.start()
		ada := r.begins(r.acme, channel, "ada")
		var asked []time.Time
		refusals := 2
		r.centre.Change(func(c *bridgetest.Centre) {
			c.Fault = func(call string, _ ccm.Visitor) bridgetest.Fault {
				if call == bridgetest.CallQueue {
					asked = append(asked, time.Now())
				}
				return bridgetest.NoFault
			}
			c.Refuse = func(call string, _ ccm.Visitor) *ccm.Error {
				if call != string(ccm.Chat) || refusals == 0 {
					return nil
				}
				refusals--
				return bridgetest.Refusal(call, "13", "sendUserMessage failed")
			}
		})
		r.acme.Press(ada, "ada", bridge.VerbAgent, "")
		r.pass(12 * time.Second) // the queue's timer has asked
		r.acme.Say(ada, "ada", "refused twice")
		r.pass(time.Minute)
		r.centre.Change(func(*bridgetest.Centre) {
			if len(asked) < 4 {
				r.Errorf("asked %d times", len(asked))
			}
			for i := 1; i < len(asked); i++ {
				if gap := asked[i].Sub(asked[i-1]); gap < 10*time.Second {
					r.Errorf("asked after %s", gap)
				}
			}
		})
		r.equal("texts", r.centre.Texts("ada"), []string{"hello " + secret, "refused twice"})
	})
}

// Nor is it asked while an answer is still awaited: the queue's timer and a doubt about a poll may come together.
func TestQueueAskedByOneAtATime(t *testing.T) {
	simulated(t, func(r *rig) {
		r.centre.PollWait = time.Second
		r.start()
		ada := r.begins(r.acme, channel, "ada")
		r.acme.Press(ada, "ada", bridge.VerbAgent, "")
		r.within(5*time.Second, "queued", func() bool { return r.centre.Calls("ada", ccm.TransferToAgent) == 1 })
		r.pass(6 * time.Second)
		var asked []time.Time
		r.centre.Change(func(c *bridgetest.Centre) { // history is read now and 5 s later, when the timer has asked
			lost := once(1, bridgetest.CallPoll, bridgetest.LostAfter)
			c.Fault = func(call string, v ccm.Visitor) bridgetest.Fault {
				if call != bridgetest.CallQueue {
					return lost(call, v)
				}
				asked = append(asked, time.Now())
				return bridgetest.Hang
			}
		})
		r.pass(time.Minute)
		r.centre.Change(func(*bridgetest.Centre) {
			for i := 1; i < len(asked); i++ {
				if gap := asked[i].Sub(asked[i-1]); gap < 10*time.Second {
					r.Errorf("asked after %s", gap)
				}
			}
		})
	})
}
