package ccmsim

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"
)

// withAgent is a visitor talking to agent Ada, all notices read.
func withAgent(t testing.TB, sim *Sim) *client {
	t.Helper()
	c := newClient(t, sim, user)
	c.send("CONNECT", "")
	c.send("TRANS2AGENT", "")
	if err := sim.Desk().Accept(user, "Ada"); err != nil {
		t.Fatal(err)
	}
	c.poll()
	return c
}

func say(t testing.TB, sim *Sim, text string) string {
	t.Helper()
	code, err := sim.Desk().Say(user, text)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

func TestPollDeliversOnceInTheDocumentedForm(t *testing.T) {
	t.Parallel()
	sim := startSim(t, Config{})
	c := newClient(t, sim, user)
	equal(t, "before CONNECT", c.poll(), []map[string]any{})
	c.send("CONNECT", "")
	m := c.poll()[0]
	for name, want := range map[string]any{
		"channel": "WEB", "from": sim.ChannelID(), "to": user, "controlType": "CHAT", "mediaType": "TEXT",
		"sourceType": "ROBOT", "senderNickname": "bot", "robotGender": "MALE", "messageCode": nil, "queueFlag": nil, "callId": nil,
	} {
		value, present := m[name]
		if !present || value != want {
			t.Errorf("%s = %v (present %v), want %v", name, value, present, want)
		}
	}
	if _, number := m["timestamp"].(float64); !number {
		t.Errorf("timestamp %v is not a number", m["timestamp"])
	}
	equal(t, "second poll", c.poll(), []map[string]any{})
	clean(t, sim)
}

func TestPollIsHeldUntilAMessageComes(t *testing.T) {
	t.Parallel()
	sim := startSim(t, Config{Switches: Switches{PollWait: time.Hour}})
	c := withAgent(t, sim)
	got := make(chan []string, 1)
	go func() { got <- c.texts() }()
	within(t, sim, func(v View) bool { return v.Session(user).Pollers == 1 })
	say(t, sim, "hello")
	equal(t, "texts", <-got, []string{"AGENT hello"})
}

func TestPollChecks(t *testing.T) {
	t.Parallel()
	sim := startSim(t, Config{})
	c := newClient(t, sim, user)
	for path, violation := range map[string]string{
		"poll?receiverId=someone&channel=WEB": "receiverId is not the token's user",
		"poll?channel=WEB":                    "receiverId is not the token's user",
		"poll?receiverId=" + user:             "poll visitor-0001: channel is not WEB",
	} {
		status, _ := c.try(c.request(http.MethodGet, apiPath+path, nil))
		equal(t, path, status, 400)
		sim.violated(t, violation)
	}
}

func TestTwoPollsAtOnce(t *testing.T) {
	t.Parallel()
	sim := startSim(t, Config{Switches: Switches{PollWait: time.Hour}})
	c := newClient(t, sim, user)
	ctx, cancel := context.WithCancel(t.Context())
	var polls sync.WaitGroup
	for range 2 {
		c := *c // each notes the headers of its answers
		polls.Go(func() { c.try(c.request(http.MethodGet, c.pollPath(), nil).WithContext(ctx)) })
	}
	within(t, sim, func(v View) bool { return len(v.Violations()) == 1 })
	sim.violated(t, "two polls at once")
	cancel()
	polls.Wait()
}

// TestAbandonedPollIsNoRuleBreak is what a killed client does: its successor
// polls before the server knows that the first is gone.
func TestAbandonedPollIsNoRuleBreak(t *testing.T) {
	t.Parallel()
	sim := startSim(t, Config{})
	c := withAgent(t, sim)
	sim.pollGrace = time.Minute
	sim.Change(func(sw *Switches) { sw.PollWait = time.Hour })
	poll := func(ctx context.Context) <-chan int {
		messages := make(chan int, 1)
		req := c.request(http.MethodGet, c.pollPath(), nil).WithContext(ctx)
		go func() { messages <- sim.poll(readCall("poll", req)).messages }()
		return messages
	}
	ctx, kill := context.WithCancel(t.Context())
	first := poll(ctx)
	within(t, sim, func(v View) bool { return v.Session(user).Pollers == 1 })
	second := poll(t.Context())
	within(t, sim, func(v View) bool { return v.Session(user).Pollers == 2 })
	kill()
	equal(t, "first", <-first, 0)
	say(t, sim, "still here")
	equal(t, "second", <-second, 1)
	clean(t, sim)
}

func TestPollSwitches(t *testing.T) {
	t.Parallel()
	sim := startSim(t, Config{})
	c := withAgent(t, sim)

	code := say(t, sim, "one")
	m := c.poll()[0]
	equal(t, "messageCode", m["messageCode"], any(code))
	equal(t, "length of the code", len(code), 64)
	equal(t, "nickname", m["senderNickname"], any("Ada"))

	sim.Change(func(sw *Switches) { sw.MessageCodes, sw.StringTimestamps, sw.ExtraFields = "none", true, true })
	say(t, sim, "two")
	m = c.poll()[0]
	equal(t, "no messageCode", m["messageCode"], any(nil))
	if text, _ := m["timestamp"].(string); len(text) != 13 || m["simFuture"] == nil {
		t.Errorf("timestamp %v, extra field %v", m["timestamp"], m["simFuture"])
	}

	sim.Change(func(sw *Switches) { *sw = Switches{Redeliver: true}; sw.setDefaults(); sw.PollWait = time.Millisecond })
	say(t, sim, "three")
	first := c.poll()
	say(t, sim, "four")
	second := c.poll()
	equal(t, "redelivered", []any{len(second), second[0]["messageCode"]}, []any{2, first[0]["messageCode"]})
	equal(t, "once each", c.texts(), []string{"AGENT four"})
	equal(t, "then nothing", c.texts(), []string{})

	sim.Change(func(sw *Switches) { sw.Redeliver, sw.Reorder, sw.StrangeKinds = false, true, true })
	say(t, sim, "five")
	equal(t, "reversed", c.texts(), []string{"AGENT five", "AGENT SIM_UNHEARD_OF"})
}

func TestReadOnlyForThoseWhoAsk(t *testing.T) {
	t.Parallel()
	sim := startSim(t, Config{})
	c := withAgent(t, sim)
	chat := func(id string) {
		b := c.sendBody("CHAT", "text "+id)
		b["messageId"] = id
		c.sendAs(b)
	}
	chat("m1")
	chat("m2")
	if err := sim.Desk().Read(user); err != nil {
		t.Fatal(err)
	}
	_, raw := c.try(c.request(http.MethodGet, c.pollPath()+"&isNeedRead=true", nil))
	m := decode(raw)["downlinkMessages"].([]any)[0].(map[string]any)
	equal(t, "READ", []any{m["controlType"], m["content"], m["mediaType"]}, []any{"READ", "m1,m2", nil})
	chat("m3")
	if err := sim.Desk().Read(user); err != nil {
		t.Fatal(err)
	}
	equal(t, "not asked for", c.texts(), []string{})
}

func TestSessionEnds(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		end     func(*Sim, *client) error
		texts   []string
		endedBy string
		code    string // of queryQueueInfo
	}{
		{"agent", func(s *Sim, _ *client) error { return s.Desk().End(user) }, []string{"AGENT DISCONNECT"}, "agent", "5"},
		{"system", func(s *Sim, _ *client) error { return s.Desk().TimeOut(user, false) }, []string{"SYSTEM DISCONNECT"}, "system", "5"},
		{"lost", func(s *Sim, _ *client) error { say(t, s, "dropped"); return s.Desk().Lose(user) }, nil, "lost", "160004"},
		{"visitor", func(s *Sim, c *client) error { say(t, s, "dropped"); c.send("DISCONNECT", ""); return nil }, nil, "visitor", "5"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			sim := startSim(t, Config{})
			c := withAgent(t, sim)
			if err := test.end(sim, c); err != nil {
				t.Fatal(err)
			}
			equal(t, "texts", c.texts(), test.texts)
			equal(t, "after the end", c.texts(), []string{})
			equal(t, "ended by", sim.Session(user).EndedBy, test.endedBy)
			equal(t, "CHAT", c.send("CHAT", "late"), "13 "+descChatFailed)
			equal(t, "queue", c.queueCode(), test.code)
			if err := sim.Desk().End(user); err == nil {
				t.Error("a second end succeeds")
			}
			if _, err := sim.Desk().Say(user, "late"); err == nil {
				t.Error("the agent speaks after the end")
			}
			clean(t, sim)
		})
	}
}

func TestSessionTimeout(t *testing.T) {
	t.Parallel()
	sim := startSim(t, Config{Switches: Switches{SessionTimeout: 30 * time.Millisecond}})
	c := newClient(t, sim, user)
	c.send("CONNECT", "")
	within(t, sim, func(v View) bool { return v.Session(user).EndedBy == "lost" })
	equal(t, "greeting dropped", []any{c.texts(), sim.Session(user).Dropped}, []any{[]string{}, 1})
}

func TestHeldPollKeepsTheSession(t *testing.T) {
	t.Parallel()
	sim := startSim(t, Config{Switches: Switches{PollWait: time.Hour}})
	c := withAgent(t, sim)
	got := make(chan []string, 1)
	go func() { got <- c.texts() }()
	within(t, sim, func(v View) bool { return v.Session(user).Pollers == 1 })
	sim.pass(time.Now().Add(121 * time.Second))
	say(t, sim, "hello")
	equal(t, "texts", <-got, []string{"AGENT hello"})
	sim.pass(time.Now().Add(121 * time.Second))
	equal(t, "no poll for 121 s", sim.Session(user).EndedBy, "lost")
}

func TestIdleTimeout(t *testing.T) {
	t.Parallel()
	for _, soft := range []bool{false, true} {
		sim := startSim(t, Config{Switches: Switches{Async: soft, SessionTimeout: time.Hour}})
		c := newClient(t, sim, user)
		c.send("CONNECT", "")
		equal(t, "greeting", len(c.poll()), 1)
		sim.pass(time.Now().Add(601 * time.Second))
		m := c.poll()[0]
		equal(t, "DISCONNECT", []any{m["controlType"], m["sourceType"], m["isOfflineStatus"]}, []any{"DISCONNECT", "SYSTEM", soft})
		if !soft {
			equal(t, "hard", c.send("CHAT", "x"), "13 "+descChatFailed)
			continue
		}
		equal(t, "tip", m["mediaType"], any("TEXT"))
		equal(t, "dormant", sim.Session(user).State, StateDormant)
		equal(t, "still known", c.queueCode(), "160022")
		equal(t, "wakes", c.send("CHAT", "x"), "0 Send message to robot successfully")
		equal(t, "robot again", sim.Session(user).State, StateRobot)
	}
}
