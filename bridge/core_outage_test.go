package bridge_test

import (
	"fmt"
	"testing"
	"time"

	"ccbridge/bridge"
	"ccbridge/bridge/bridgetest"
	"ccbridge/ccm"
)

// A whole conversation, for the other tests to build on.
func TestConversation(t *testing.T) {
	simulated(t, func(r *rig) {
		r.start()
		ada := r.begins(r.acme, channel, "ada")
		r.acme.Say(ada, "ada", "one")
		r.within(10*time.Second, "an answer", func() bool { return len(r.acme.Shown(ada, bridge.MessageRobot)) == 2 })
		r.acme.Press(ada, "ada", bridge.VerbAgent, "")
		r.within(10*time.Second, "queued", func() bool { return r.centre.Calls("ada", ccm.TransferToAgent) == 1 })
		r.centre.AgentSays("ada", "I am Grace")
		r.within(10*time.Second, "the agent shows", func() bool { return len(r.acme.Shown(ada, bridge.MessageAgent)) == 1 })
		r.acme.Say(ada, "ada", "two")
		r.acme.Press(ada, "ada", bridge.VerbEnd, "")
		r.within(10*time.Second, "ended", func() bool { return r.centre.Calls("ada", ccm.Disconnect) == 1 })
		r.equal("texts at the centre", r.centre.Texts("ada"), []string{"hello " + secret, "one", "two"})
		r.equal("robot", r.acme.Shown(ada, bridge.MessageRobot), []string{"re: hello " + secret, "re: one"})
		r.pass(time.Minute)
		if s := r.stats(); len(s.Sessions) != 0 || len(s.Deliveries) != 0 || s.Queue != 0 {
			r.Errorf("left behind: %+v", s)
		}
	})
}

// Item 9: a centre that is dead for five minutes delays nobody else, does not make the bridge unready, and gets
// everything in order when it is back.
func TestCentreDead(t *testing.T) {
	for name, fault := range map[string]bridgetest.Fault{"unreachable": bridgetest.Unreached, "silent": bridgetest.Hang, "resets": bridgetest.LostBefore} {
		t.Run(name, func(t *testing.T) {
			simulated(t, func(r *rig) { centreDead(r, fault) })
		})
	}
}

func centreDead(r *rig, fault bridgetest.Fault) {
	r.start()
	ada, bea := r.begins(r.acme, channel, "ada"), r.begins(r.beta, other, "bea")
	r.centre.Change(func(c *bridgetest.Centre) { c.Fault = func(string, ccm.Visitor) bridgetest.Fault { return fault } })
	died := time.Now()
	want := []string{"hello " + secret}
	for i := range 5 {
		text := fmt.Sprintf("text %d", i)
		id := r.acme.Say(ada, "ada", text)
		took := r.within(time.Second, "acknowledged", func() bool { return r.acme.Acknowledged(id) })
		if took > 100*time.Millisecond {
			r.Errorf("acknowledged only after %s", took)
		}
		want = append(want, text)
	}
	const late = "will be delivered later"
	r.pass(time.Until(died.Add(59 * time.Second)))
	if n := notices(r.acme, ada, late); n != 0 {
		r.Errorf("told of the outage too early")
	}
	r.pass(3 * time.Second)
	if n := notices(r.acme, ada, late); n != 1 {
		r.Errorf("told %d times of the outage after 62 s", n)
	}
	id := r.beta.Say(bea, "bea", "me too")
	if took := r.within(time.Second, "acknowledged", func() bool { return r.beta.Acknowledged(id) }); took > 100*time.Millisecond {
		r.Errorf("the other adapter acknowledged only after %s", took)
	}
	r.pass(time.Until(died.Add(5 * time.Minute)))
	if n := notices(r.acme, ada, late); n != 1 {
		r.Errorf("told %d times of the outage", n)
	}
	if parts, ready := r.Status(); !ready || fault != bridgetest.LostBefore && fault != bridgetest.Hang && parts["centre"].State != "down" {
		r.Errorf("ready %v, parts %+v", ready, parts)
	}
	r.centre.Change(func(c *bridgetest.Centre) { c.Fault = nil })
	r.within(90*time.Second, "the backlog drains", func() bool { return len(r.centre.Texts("ada")) >= len(want) })
	r.pass(time.Minute)
	r.equal("texts at the centre", r.centre.Texts("ada"), want)
	if got := r.acme.Shown(ada, bridge.MessageRobot); len(got) != len(want) {
		r.Errorf("answers shown: %q", got)
	}
	if parts, _ := r.Status(); parts["centre"].State != "up" {
		r.Errorf("centre is %+v", parts["centre"])
	}
}
