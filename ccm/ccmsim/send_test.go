package ccmsim

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func TestSendChecks(t *testing.T) {
	t.Parallel()
	type body = map[string]any
	for _, test := range []struct {
		name      string
		change    func(body)
		violation string
	}{
		{"channel", func(b body) { b["channel"] = "PHONE" }, "channel is not WEB"},
		{"control", func(b body) { b["controlType"] = "IDSCONNECT" }, "unknown controlType"},
		{"media", func(b body) { b["mediaType"] = "LOCATE" }, "unknown mediaType"},
		{"source", func(b body) { b["sourceType"] = "USER" }, "sourceType is not CUSTOMER"},
		{"from", func(b body) { b["from"] = "someone" }, "from is not the token's user"},
		{"long from", func(b body) { b["from"] = strings.Repeat("x", 25) }, "from is longer than 24"},
		{"to", func(b body) { b["to"] = "1" }, "to is not the token's channel"},
		{"no to", func(b body) { delete(b, "to") }, "to is missing"},
		{"empty", func(b body) { b["content"] = "" }, "CHAT without content"},
		{"no content", func(b body) { delete(b, "content") }, "CHAT without content"},
		{"long", func(b body) { b["content"] = strings.Repeat("ü", 513) }, "content is longer than 1024 bytes"},
		{"long id", func(b body) { b["messageId"] = strings.Repeat("x", 33) }, "messageId is longer than 32"},
		{"comma", func(b body) { b["messageId"] = "a,b" }, "comma"},
		{"number", func(b body) { b["timestamp"] = 1700000000123 }, "timestamp is not a string"},
		{"seconds", func(b body) { b["timestamp"] = "1700000000" }, "timestamp is not in milliseconds"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			sim := startSim(t, Config{})
			c := newClient(t, sim, user)
			c.send("CONNECT", "")
			b := c.sendBody("CHAT", "hello")
			test.change(b)
			equal(t, "answer", c.sendAs(b), "status 400")
			sim.violated(t, test.violation)
			equal(t, "nothing said", len(sim.Session(user).ToRobot), 0)
		})
	}
}

func TestSendAcceptsTheLimits(t *testing.T) {
	t.Parallel()
	sim := startSim(t, Config{})
	c := newClient(t, sim, user)
	c.send("CONNECT", "")
	b := c.sendBody("CHAT", strings.Repeat("ü", 512))
	b["messageId"] = strings.Repeat("x", 32)
	equal(t, "chat", c.sendAs(b), "0 Send message to robot successfully")
	equal(t, "again", c.sendAs(b), "0 Send message to robot successfully")
	clean(t, sim)
	b["content"] = "other"
	c.sendAs(b)
	sim.violated(t, "used for another message")
	b["color"] = "red"
	c.sendAs(b)
	sim.violated(t, "undocumented field color")
	for _, bad := range []string{`{"channel":"WEB",}`, `[]`, "{\"content\":\"\xff\"}"} {
		status, _ := c.call("send", bad)
		equal(t, "bad JSON", status, 400)
	}
}

// TestSendAnswers walks one visitor through the table of result codes.
func TestSendAnswers(t *testing.T) {
	t.Parallel()
	const chatOK = "0 Send message to robot successfully"
	off := func(on bool) func(*Sim) { return func(s *Sim) { s.Change(func(sw *Switches) { sw.OffHours = on }) } }
	noAgents := func(on bool) func(*Sim) { return func(s *Sim) { s.Change(func(sw *Switches) { sw.NoAgents = on }) } }
	sim := startSim(t, Config{})
	c := newClient(t, sim, user)
	for i, step := range []struct {
		before  func(*Sim)
		control string
		want    string
	}{
		{nil, "CHAT", "13 " + descChatFailed},
		{nil, "INPUT", "13 " + descChatFailed},
		{nil, "TRANS2AGENT", "13 " + descNoSession},
		{nil, "DISCONNECT", "13 disconnect failed"},
		{nil, "CONNECT", "0 " + descRobotConnected},
		{nil, "CONNECT", "0 " + descRobotConnected},
		{nil, "CHAT", chatOK},
		{off(true), "TRANS2AGENT", "12 " + descOffHours + "."},
		{nil, "CHAT", chatOK},
		{off(false), "INPUT", "0 sendUserMessage successfully."},
		{noAgents(true), "TRANS2AGENT", "13 " + descNoAgents},
		{noAgents(false), "TRANS2AGENT", "0 " + descTransferred},
		{nil, "CHAT", "0 sendUserMessage successfully."},
		{func(s *Sim) { _ = s.Desk().Accept(user, "Ada") }, "TRANS2AGENT", "13 " + descHasAgent},
		{nil, "CHAT", "0 sendUserMessage successfully."},
		{nil, "READ", "0 sendUserMessage successfully."},
		{nil, "DISCONNECT", "0 disconnect successfully"},
		{nil, "DISCONNECT", "13 disconnect failed"},
		{nil, "CHAT", "13 " + descChatFailed},
		{nil, "CONNECT", "0 " + descRobotConnected},
		{nil, "DISCONNECT", "0 Disconnect robot successfully"},
	} {
		if step.before != nil {
			step.before(sim)
		}
		equal(t, fmt.Sprintf("step %d %s", i, step.control), c.send(step.control, fmt.Sprint("text ", i)), step.want)
	}
	clean(t, sim)
	got := sim.Session(user)
	equal(t, "to robot", got.ToRobot, []string{"text 6", "text 8"})
	equal(t, "to agent", got.ToAgent, []string{"text 12", "text 14"})
	equal(t, "sessions", got.Number, 2)
	effects := []string{}
	for _, e := range sim.Log() {
		effects = append(effects, e.Effect)
	}
	equal(t, "effects", strings.Join(effects, ", "), strings.Join([]string{
		EffectToken, EffectToken, EffectNew, EffectAgain, EffectRobot, EffectRobot, EffectNoted, EffectQueued, EffectQueue,
		EffectAgent, EffectNoted, EffectEnded, EffectNew, EffectEnded,
	}, ", "))
	equal(t, "refusals counted", sim.Calls()["send:TRANS2AGENT 13"], 3)
}

func TestQueuedTwiceIsRecorded(t *testing.T) {
	t.Parallel()
	sim := startSim(t, Config{})
	c := newClient(t, sim, user)
	c.send("CONNECT", "")
	c.send("TRANS2AGENT", "")
	equal(t, "second", c.send("TRANS2AGENT", ""), "0 "+descTransferred)
	sim.violated(t, "queued twice")
}

func TestStraightToAgent(t *testing.T) {
	t.Parallel()
	sim := startSim(t, Config{Switches: Switches{StraightToAgent: true, OffHours: true}})
	c := newClient(t, sim, user)
	equal(t, "off hours", c.send("CONNECT", ""), "12 "+descOffHours)
	sim.Change(func(sw *Switches) { sw.OffHours = false; sw.AutoAccept = "Ada" })
	equal(t, "connect", c.send("CONNECT", ""), "0 success")
	equal(t, "texts", c.texts(), []string{"SYSTEM Queuing. Please wait for an agent.", "SYSTEM The call is connected to an agent."})
	equal(t, "state", sim.Session(user).State, StateAgent)
}

func TestSendAsyncAlwaysSucceeds(t *testing.T) {
	t.Parallel()
	sim := startSim(t, Config{})
	c := newClient(t, sim, user)
	_, answer := c.call("sendAsync", c.sendBody("CHAT", "lost"))
	equal(t, "without session", answer["resultCode"], any("0"))
	c.send("CONNECT", "")
	_, answer = c.call("sendAsync", c.sendBody("CHAT", "heard"))
	equal(t, "desc", answer["resultDesc"], any("send sendMessageForOpenApiAsync success."))
	equal(t, "to robot", sim.Session(user).ToRobot, []string{"heard"})
}

// FuzzSend throws any body at every POST endpoint: no panic, and only documented statuses.
func FuzzSend(f *testing.F) {
	for _, seed := range []string{
		`{"channel":"WEB","controlType":"CONNECT","mediaType":"TEXT","sourceType":"CUSTOMER","from":"visitor-0001","to":"202500000000000001"}`,
		`{"userId":"visitor-0001","channelConfigId":"202500000000000001","channel":"WEB"}`,
		`{"userId":"visitor-0001","channelId":"202500000000000001","channel":"WEB","limit":"1","offset":"9"}`,
		`{"feedback":1,"from":"visitor-0001","interIdx":"1"}`, `{"fileType":"txt","fileStream":"aGk=","channel":"WEB"}`, `[1]`, `null`, ``,
	} {
		f.Add(seed)
	}
	sim := startSim(f, Config{LogLimit: 100})
	c := newClient(f, sim, user)
	f.Fuzz(func(t *testing.T, body string) {
		c := *c
		c.t = t
		for path, e := range endpoints {
			if e.op == "poll" {
				continue
			}
			status, _ := c.try(c.request(http.MethodPost, path, body))
			if status != 200 && status != 400 && status != 401 {
				t.Errorf("%s: status %d", e.op, status)
			}
		}
	})
}
