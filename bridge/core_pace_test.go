package bridge_test

import (
	"testing"
	"time"

	"ccbridge/bridge/bridgetest"
	"ccbridge/ccm"
)

// A centre that asks for fewer calls, or refuses them, gets fewer of a text, also while it answers polls.
func TestTextThrottled(t *testing.T) {
	for name, no := range map[string]*ccm.Error{
		"throttled": bridgetest.Throttle(string(ccm.Chat), 0),
		"forbidden": {Op: "send CHAT", Status: 403, Certainty: ccm.NotDone, Scope: ccm.ScopeCentre},
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
				r.pass(15 * time.Second)
				r.equal("texts", r.centre.Texts("ada"), []string{"hello " + secret, "patience"})
			})
		})
	}
}
