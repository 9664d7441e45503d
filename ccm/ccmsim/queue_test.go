package ccmsim

import (
	"fmt"
	"testing"
	"time"
)

func (c *client) queueBody() map[string]any {
	return map[string]any{"userId": c.user, "channelConfigId": c.sim.ChannelID(), "channel": "WEB"}
}

func (c *client) queueCode() string {
	c.t.Helper()
	_, answer := c.call("queryQueueInfo", c.queueBody())
	return fmt.Sprint(answer["resultCode"])
}

func TestQueue(t *testing.T) {
	t.Parallel()
	sim := startSim(t, Config{})
	first, second := newClient(t, sim, "visitor-a"), newClient(t, sim, "visitor-b")
	equal(t, "never connected", first.queueCode(), "160004")
	for _, c := range []*client{first, second} {
		c.send("CONNECT", "")
		equal(t, "robot", c.queueCode(), "160022")
		c.send("TRANS2AGENT", "")
	}
	equal(t, "waiting", sim.Desk().Waiting(), []string{"visitor-a", "visitor-b"})
	_, answer := second.call("queryQueueInfo", second.queueBody())
	equal(t, "place", []any{answer["resultCode"], answer["position"], answer["configMaxcWaitTime"]}, []any{"0", 2, 60})

	messages := second.poll()
	equal(t, "queueFlag", []any{messages[0]["queueFlag"], messages[1]["queueFlag"]}, []any{nil, "Y"})

	if err := sim.Desk().Accept("visitor-a", "Ada"); err != nil {
		t.Fatal(err)
	}
	equal(t, "with an agent", first.queueCode(), "160021")
	_, answer = second.call("queryQueueInfo", second.queueBody())
	equal(t, "moved up", answer["position"], any(1))
	if err := sim.Desk().Accept("visitor-a", "Ada"); err == nil {
		t.Error("accepted twice")
	}
	clean(t, sim)
}

func TestQueueCodesBySwitch(t *testing.T) {
	t.Parallel()
	sim := startSim(t, Config{Switches: Switches{QueuePace: time.Hour, EndedCode: "6"}})
	c := newClient(t, sim, user)
	c.send("CONNECT", "")
	c.send("DISCONNECT", "")
	equal(t, "ended", c.queueCode(), "6")
	clean(t, sim)
	c.queueCode()
	sim.violated(t, "asked again within 1h0m0s")
	sim.ExpireVisitorTokens("")
	status, _ := c.call("queryQueueInfo", c.queueBody())
	equal(t, "token", status, 401)
	sim.Change(func(sw *Switches) { sw.QueueTokenCode = true })
	equal(t, "token as code", c.queueCode(), "3")
}

func TestQueueChecks(t *testing.T) {
	t.Parallel()
	sim := startSim(t, Config{})
	c := newClient(t, sim, user)
	for name, value := range map[string]any{"userId": "someone", "channelConfigId": "1", "channel": 5} {
		body := c.queueBody()
		body[name] = value
		status, _ := c.call("queryQueueInfo", body)
		equal(t, name, status, 400)
		sim.violated(t, name)
	}
}

func TestQueueReminders(t *testing.T) {
	t.Parallel()
	sim := startSim(t, Config{Switches: Switches{QueueRemind: 20 * time.Millisecond}})
	c := newClient(t, sim, user)
	c.send("CONNECT", "")
	c.send("TRANS2AGENT", "")
	within(t, sim, func(v View) bool { return v.Session(user).Undelivered >= 4 }) // greeting, notice, two reminders
	for _, m := range c.poll()[1:] {
		equal(t, "queueFlag", m["queueFlag"], any("Y"))
	}
}
