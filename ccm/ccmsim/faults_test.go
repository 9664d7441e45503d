package ccmsim

import (
	"context"
	"net/http"
	"testing"
	"time"
)

// lonely uses a new connection for every request, as net/http repeats a GET by
// itself when a used connection is closed.
func (c *client) lonely() *client {
	transport := &http.Transport{DisableKeepAlives: true}
	c.t.Cleanup(transport.CloseIdleConnections)
	c.http = &http.Client{Transport: transport}
	return c
}

func TestFaultsOnSend(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		fault  Fault
		status int
		code   any
		done   bool
	}{
		{"drop before", DropBefore(), 0, nil, false},
		{"drop after", DropAfter(), 0, nil, true},
		{"garbage", Garbage(), 200, nil, false},
		{"garbage after", Garbage().After(), 200, nil, true},
		{"status", Status(503, "busy", nil), 503, nil, false},
		{"status after", Status(504, "", nil).After(), 504, nil, true},
		{"edge", EdgeRefusal(), 403, nil, false},
		{"code", ResultCode("160018", "too many"), 200, "160018", false},
		{"delay", Delay(time.Millisecond), 200, "0", true},
		{"delay after", Delay(time.Millisecond).After(), 200, "0", true},
		{"other visitor", DropBefore().For("someone"), 200, "0", true},
		{"skipped", Fault{Drop: true, Skip: 1}, 200, "0", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			sim := startSim(t, Config{})
			c := newClient(t, sim, user).lonely()
			c.send("CONNECT", "")
			sim.Fail("send:CHAT", 1, test.fault)
			status, raw := c.try(c.request(http.MethodPost, apiPath+"send", c.sendBody("CHAT", "x")))
			equal(t, "status", status, test.status)
			if status != 0 {
				equal(t, "code", decode(raw)["resultCode"], test.code)
			}
			equal(t, "done", len(sim.Session(user).ToRobot) == 1, test.done)
			if !test.done || test.fault.Deed {
				equal(t, "only once", c.send("CHAT", "y"), "0 Send message to robot successfully")
			}
			clean(t, sim)
		})
	}
}

func TestHangUntilTheClientGivesUp(t *testing.T) {
	t.Parallel()
	for _, deed := range []bool{false, true} {
		sim := startSim(t, Config{})
		c := newClient(t, sim, user)
		c.send("CONNECT", "")
		sim.Fail("send", 1, Fault{Hang: true, Deed: deed})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan int, 1)
		go func() {
			c := *c
			status, _ := c.try(c.request(http.MethodPost, apiPath+"send", c.sendBody("CHAT", "x")).WithContext(ctx))
			ended <- status
		}()
		within(t, sim, func(v View) bool { return v.Calls("fault send:CHAT") == 1 })
		cancel()
		equal(t, "no answer", <-ended, 0)
		equal(t, "done", len(sim.Session(user).ToRobot) == 1, deed)
	}
}

func TestLostPollAnswer(t *testing.T) {
	t.Parallel()
	sim := startSim(t, Config{})
	c := withAgent(t, sim).lonely()
	sim.Fail("poll", 1, DropAfter())
	equal(t, "an empty answer is not hit", c.texts(), []string{})
	say(t, sim, "lost")
	status, _ := c.try(c.request(http.MethodGet, c.pollPath(), nil))
	equal(t, "dropped", status, 0)
	equal(t, "gone", c.texts(), []string{})
	short, _ := c.history(1, 0)
	equal(t, "in the history", short, []string{"AGENT lost"})
}

func TestFaultsWithOddsAndWithoutEnd(t *testing.T) {
	t.Parallel()
	sim := startSim(t, Config{Seed: 7})
	c := newClient(t, sim, user)
	sim.Fail("*", 0, Fault{Status: 500, Odds: 0.5})
	hits := 0
	for range 200 {
		if c.send("CONNECT", "") == "status 500" {
			hits++
		}
	}
	if hits < 50 || hits > 150 {
		t.Errorf("%d of 200 hit at odds of one half", hits)
	}
	sim.ClearFaults()
	equal(t, "cleared", c.send("CONNECT", ""), "0 "+descRobotConnected)
}

func TestRateLimit(t *testing.T) {
	t.Parallel()
	sim := startSim(t, Config{})
	c := newClient(t, sim, user)
	sim.Change(func(sw *Switches) { sw.RatePerSecond, sw.RetryAfter = 1, 1500*time.Millisecond })
	answers := map[string]int{}
	for range 5 {
		answers[c.send("CONNECT", "")]++
	}
	if answers["status 429"] < 3 {
		t.Errorf("answers %v", answers)
	}
	equal(t, "Retry-After", c.last.Get("Retry-After"), "2")
	sim.Change(func(sw *Switches) { sw.RateAsCode = true })
	equal(t, "as code", c.send("CONNECT", ""), "10010000002 flow control")
}
