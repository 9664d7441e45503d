package bridge_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"ccbridge/bridge"
	"ccbridge/bridge/bridgetest"
	"ccbridge/ccm"
)

// Item 6: an answer of a poll is lost, and its texts have no messageCode: the history tells which are new, also of equal
// ones, also if it lags.
func TestPollLost(t *testing.T) {
	for name, lag := range map[string]time.Duration{"history at once": 0, "history lags": 4 * time.Second} {
		for name2, without := range map[string]bool{"codes": false, "no codes": true} {
			t.Run(name+", "+name2, func(t *testing.T) {
				simulated(t, func(r *rig) {
					r.centre.WithoutIDs, r.centre.HistoryLag = without, lag
					r.start()
					ada := r.begins(r.acme, channel, "ada")
					r.centre.AgentSays("ada", "same")
					r.pass(time.Minute)
					r.centre.Change(func(c *bridgetest.Centre) {
						c.Fault = once(1, bridgetest.CallPoll, bridgetest.LostAfter)
						c.Answer = func(string) []string { return nil }
					})
					r.centre.AgentSays("ada", "same")
					r.pass(time.Minute)
					r.centre.AgentSays("ada", "same")
					r.centre.AgentSays("ada", "last")
					r.pass(2 * time.Minute)
					r.equal("agent", r.acme.Shown(ada, bridge.MessageAgent), []string{"Grace: same", "Grace: same", "Grace: same", "Grace: last"})
					if n := r.meter.Count("possible loss"); n != 0 {
						r.Errorf("%d possible losses counted", n)
					}
				})
			})
		}
	}
}

// The history shows a text before a poll brings it: it is shown once, also where only the poll's has a messageCode.
func TestPollAfterHistory(t *testing.T) {
	for name, codeless := range map[string]bool{"codes": false, "no codes in the history": true} {
		t.Run(name, func(t *testing.T) {
			simulated(t, func(r *rig) {
				r.centre.CodelessHistory = codeless
				r.start()
				ada := r.begins(r.acme, channel, "ada")
				r.pass(time.Minute)
				r.centre.Change(func(c *bridgetest.Centre) { c.Fault = once(1, bridgetest.CallPoll, bridgetest.LostAfter) })
				r.centre.AgentSays("ada", "one")
				r.pass(100 * time.Millisecond) // it is lost; the next poll is still to come
				r.centre.AgentSays("ada", "two")
				r.pass(time.Minute)
				r.centre.AgentSays("ada", "two")
				r.pass(2 * time.Minute)
				r.equal("agent", r.acme.Shown(ada, bridge.MessageAgent), []string{"Grace: one", "Grace: two", "Grace: two"})
			})
		})
	}
}

// A lost answer that the history may not tell is counted as a possible loss, once, and nothing is shown twice.
func TestPollLostHistoryRefused(t *testing.T) {
	simulated(t, func(r *rig) {
		r.centre.Refuse = historyRefused
		r.start()
		ada := r.begins(r.acme, channel, "ada")
		r.centre.Change(func(c *bridgetest.Centre) { c.Fault = once(1, bridgetest.CallPoll, bridgetest.LostAfter) })
		r.centre.AgentSays("ada", "lost")
		r.pass(time.Minute)
		r.centre.AgentSays("ada", "next")
		r.pass(5 * time.Minute)
		r.equal("agent", r.acme.Shown(ada, bridge.MessageAgent), []string{"Grace: next"})
		if n := r.meter.Count("possible loss"); n != 1 {
			r.Errorf("%d possible losses counted", n)
		}
	})
}

// The agent's last words come together with the end, equal to earlier ones, when history has to decide whether they are
// new: they are shown, before the end.
func TestLastWords(t *testing.T) {
	for name, lag := range map[string]time.Duration{"history at once": 0, "history lags": 12 * time.Second} {
		t.Run(name, func(t *testing.T) {
			simulated(t, func(r *rig) {
				r.centre.WithoutIDs, r.centre.HistoryLag = true, lag
				r.start()
				ada := r.begins(r.acme, channel, "ada")
				r.centre.Change(func(c *bridgetest.Centre) { c.Fault = once(1, bridgetest.CallPoll, bridgetest.LostAfter) })
				r.centre.AgentSays("ada", "bye") // lost, and read from the history
				r.pass(time.Minute)
				r.centre.AgentSays("ada", "bye")
				r.centre.AgentEnds("ada", false)
				r.pass(2 * time.Minute)
				var shown []string
				for _, p := range r.acme.Posts(ada)[2:] {
					shown = append(shown, p.Text)
				}
				r.equal("shown", shown, []string{"Grace: bye", "Grace: bye", "The agent has ended this conversation."})
			})
		})
	}
}

// The agent's last words are on their way when the customer ends the session: they are shown, also if the answer that
// held them is lost.
func TestLastWordsAtTheCustomersEnd(t *testing.T) {
	slow := func(c *bridgetest.Centre) { c.Latency = 3 * time.Second }
	lost := func(c *bridgetest.Centre) { c.Fault = once(1, bridgetest.CallPoll, bridgetest.LostAfter) }
	for name, trouble := range map[string]func(*bridgetest.Centre){"the answer is slow": slow, "the answer is lost": lost} {
		t.Run(name, func(t *testing.T) {
			simulated(t, func(r *rig) {
				r.start()
				ada := r.begins(r.acme, channel, "ada")
				r.centre.Change(trouble)
				r.centre.AgentSays("ada", "bye")
				r.pass(0)
				r.centre.Change(func(c *bridgetest.Centre) { c.Latency = 5 * time.Millisecond })
				r.acme.Press(ada, "ada", bridge.VerbEnd, "")
				r.pass(time.Minute)
				r.equal("agent", r.acme.Shown(ada, bridge.MessageAgent), []string{"Grace: bye"})
				if n := r.stats().Sessions; len(n) != 0 {
					r.Errorf("sessions %v are left", n)
				}
				if n := r.meter.Count("possible loss"); n != 0 {
					r.Errorf("%d possible losses counted", n)
				}
			})
		})
	}
}

// A session that the centre lost without a word is over when the next text is refused: it goes into a new one.
func TestSessionLost(t *testing.T) {
	simulated(t, func(r *rig) {
		r.start()
		ada := r.begins(r.acme, channel, "ada")
		r.pass(10 * time.Second)
		r.centre.Lose("ada")
		r.acme.Say(ada, "ada", "one")
		r.acme.Say(ada, "ada", "two")
		r.pass(10 * time.Second)
		r.equal("texts", r.centre.Texts("ada"), []string{"hello " + secret, "one", "two"})
		if n := r.centre.Calls("ada", ccm.Connect); n != 2 {
			r.Errorf("connected %d times", n)
		}
		if n := notices(r.acme, ada, "opening a new one"); n != 1 {
			r.Errorf("told %d times", n)
		}
	})
}

// countedPolls counts the polls that begin.
type countedPolls struct {
	*bridgetest.Centre
	begun atomic.Int32
}

func (c *countedPolls) Poll(ctx context.Context, v ccm.Visitor) ([]ccm.Downlink, error) {
	c.begun.Add(1)
	return c.Centre.Poll(ctx, v)
}

// After the centre's DISCONNECT nobody polls any more.
func TestNoPollAfterEnd(t *testing.T) {
	simulated(t, func(r *rig) {
		centre := &countedPolls{Centre: r.centre}
		r.config.Centre = centre
		r.start()
		ada := r.begins(r.acme, channel, "ada")
		r.pass(time.Minute)
		before := centre.begun.Load() // the last one is on its way
		r.centre.AgentEnds("ada", false)
		r.pass(time.Minute)
		if n := notices(r.acme, ada, "ended"); n != 1 {
			r.Errorf("told %d times", n)
		}
		if n := centre.begun.Load() - before; n != 0 {
			r.Errorf("%d polls after the end", n)
		}
	})
}

// In the queue, where the centre is asked about the session all the time, a lost answer has the history read some times only.
func TestPollLostInQueue(t *testing.T) {
	simulated(t, func(r *rig) {
		r.start()
		ada := r.begins(r.acme, channel, "ada")
		r.acme.Press(ada, "ada", bridge.VerbAgent, "")
		r.pass(time.Minute)
		read := 0
		r.centre.Change(func(c *bridgetest.Centre) {
			lost := once(1, bridgetest.CallPoll, bridgetest.LostAfter)
			c.Fault = func(call string, v ccm.Visitor) bridgetest.Fault {
				if call == bridgetest.CallHistory {
					read++
				}
				return lost(call, v)
			}
		})
		r.pass(10 * time.Minute)
		r.centre.Change(func(*bridgetest.Centre) {
			if read < 3 || read > 4 {
				r.Errorf("the history was read %d times", read)
			}
		})
	})
}

// While the centre asks for fewer calls polls rest. None begins when the bridge stops meanwhile.
func TestNoPollAfterStop(t *testing.T) {
	simulated(t, func(r *rig) {
		centre := &countedPolls{Centre: r.centre}
		r.config.Centre = centre
		r.centre.PollWait = 10 * time.Millisecond
		r.start()
		var ada bridge.ThreadKey
		for _, who := range []string{"bea", "cy", "ada"} {
			ada = r.begins(r.acme, channel, who)
		}
		r.centre.Change(func(c *bridgetest.Centre) {
			c.Refuse = func(call string, _ ccm.Visitor) *ccm.Error {
				if call == string(ccm.Chat) {
					return bridgetest.Throttle(call, time.Minute)
				}
				return nil
			}
		})
		r.acme.Say(ada, "ada", "more")
		r.pass(20 * time.Second)
		before := centre.begun.Load()
		r.shutdown()
		if n := centre.begun.Load() - before; n != 0 {
			r.Errorf("%d polls began after the stop", n)
		}
	})
}

// A worker may be overtaken between saving a session and having it polled: an ended session is not polled for ever, and
// the next one's poller stays.
func TestToldLate(t *testing.T) {
	simulated(t, func(r *rig) {
		r.start()
		ada := r.begins(r.acme, channel, "ada")
		work, err := r.store.Load(r.Context(), ada.ID(), ada.Part(), 0, true)
		if err != nil {
			r.Fatal(err)
		}
		polls := func() int { n, _ := r.Polls(); return n }
		r.centre.AgentEnds("ada", false)
		r.within(time.Minute, "nobody polls", func() bool { return polls() == 0 })
		r.Watch(work.Session)
		r.within(30*time.Second, "nobody polls what is over", func() bool { return polls() == 0 })

		r.acme.Press(ada, "ada", bridge.VerbAgent, "")
		r.within(time.Minute, "the next session is polled", func() bool { return polls() == 1 })
		over := work.Session
		over.State = bridge.StateEnded
		r.Watch(over)
		if polls() != 1 {
			r.Error("the next session is not polled any more")
		}
	})
}
