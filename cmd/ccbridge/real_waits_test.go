package main

import (
	"strings"
	"testing"
	"time"

	"ccbridge/adapters/slack/slacksim"
	"ccbridge/ccm/ccmsim"
)

// TestRealWaits holds a conversation with every wait of the bridge as it is by default, and simulators that keep the real
// limits, while answers get lost: whatever the other tests make shorter fits together.
func TestRealWaits(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *worldConfig) {
		c.limits = ""
		c.centre = ccmsim.Config{Robot: ccmsim.Robot{Echo: true}}
		c.centre.QueuePace = 9 * time.Second
		c.slack, c.discord.NoLimits = slacksim.Config{}, false
	})
	w.config = strings.ReplaceAll(w.config, "post_gap = \"0s\"\n", "")
	w.run()
	k := w.open(ada, "one")
	k.reads("one")
	w.centre.Fail("send:CHAT", 1, ccmsim.DropAfter())
	k.say("two")
	k.reads("two")
	w.slack.Inject(slacksim.Fault{Method: "chat.postMessage", After: true, Drop: true})
	k.say("three")
	k.reads("three")
	k.agent()
	k.agentSays("I am Grace")
	k.reads("I am Grace")
	k.say("four")
	k.agentHas("four")
	k.finish()
	k.robotHas("one", "two", "three")
	k.agentHas("four")
	k.shows(greeting, "one", "two", "three", "I am Grace", lineEnded)
	w.wants("ccbridge_repeats_total", 0)
	w.stop()
	w.clean()
}
