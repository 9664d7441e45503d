package ccmsim

import (
	"strings"
	"testing"
)

func TestRobot(t *testing.T) {
	t.Parallel()
	sim := startSim(t, Config{Robot: Robot{TransferKeyword: "human", Twice: true}})
	c := newClient(t, sim, user)
	c.send("CONNECT", "")
	c.send("CHAT", " Version ")
	c.send("CHAT", "qwertz")
	got := c.texts()
	equal(t, "answers", len(got), 5)
	equal(t, "twice", []string{got[1], got[3]}, []string{got[2], got[4]})
	if !strings.Contains(got[1], "version 1.0") || !strings.Contains(got[3], "Sorry") {
		t.Errorf("answers %q", got)
	}
	c.send("CHAT", "HUMAN")
	equal(t, "keyword", sim.Session(user).State, StateQueued)
	clean(t, sim)
}

func TestRobotEchoAndSilence(t *testing.T) {
	t.Parallel()
	sim := startSim(t, Config{Robot: Robot{Echo: true, Greeting: "hi"}})
	c := newClient(t, sim, user)
	c.send("CONNECT", "")
	c.send("CHAT", "a")
	equal(t, "echo", c.texts(), []string{"ROBOT hi", "ROBOT a"})
	sim = startSim(t, Config{Robot: Robot{Silent: true}})
	c = newClient(t, sim, user)
	c.send("CONNECT", "")
	c.send("CHAT", "a")
	equal(t, "silence", c.texts(), []string{})
}

func TestDeskRefusals(t *testing.T) {
	t.Parallel()
	sim := startSim(t, Config{})
	c := newClient(t, sim, user)
	desk := sim.Desk()
	if err := desk.Accept("nobody", "Ada"); err == nil {
		t.Error("accepts nobody")
	}
	c.send("CONNECT", "")
	if _, err := desk.Say(user, "x"); err == nil {
		t.Error("the agent speaks to a visitor of the robot")
	}
	if err := desk.Read(user); err == nil {
		t.Error("reads nothing")
	}
	if err := desk.SystemSay(user, strings.Repeat("x", 501)); err == nil {
		t.Error("501 characters")
	}
	if err := desk.Put(user, map[string]any{"content": func() {}}); err == nil {
		t.Error("puts what JSON cannot hold")
	}
	if err := desk.RobotSay(user, strings.Repeat("ü", 500)); err != nil {
		t.Error(err)
	}
}

func TestExtras(t *testing.T) {
	t.Parallel()
	sim := startSim(t, Config{})
	c := newClient(t, sim, user)
	type body = map[string]any
	verdict := body{"channel": "WEB", "userId": user, "evaluation": "5", "comment": "good", "channelConfigId": sim.ChannelID()}
	code := func(name string, b body) any {
		_, answer := c.call(name, b)
		return answer["resultCode"]
	}
	equal(t, "leave", code("doLeaveMessage", body{"callId": user, "caller": "1", "leaveMessage": "x", "channel": "WEB"}), any("0"))
	equal(t, "survey", code("getsatisfactionsurveymode", body{}), any("0"))
	equal(t, "verdict without session", code("saveSatisfaction", verdict), any("13"))
	c.send("CONNECT", "")
	equal(t, "verdict", code("saveSatisfaction", verdict), any("0"))
	equal(t, "feedback", code("v1/robot/feedbacksatisfaction", body{"feedback": 1, "from": user, "interIdx": "1"}), any("0"))
	equal(t, "no reason", code("v1/robot/feedbacksatisfaction", body{"feedback": 0, "from": user, "interIdx": "1"}), any("30000000008"))

	_, answer := c.call("uploadFileStream", body{"fileType": "txt", "fileStream": "aGk=", "channel": "WEB"})
	equal(t, "upload", answer["returnCode"], any("0"))
	_, answer = c.call("downloadFileStream", body{"fileId": "local/" + answer["objectKey"].(string), "fileType": "txt", "channel": "WEB"})
	equal(t, "download", answer["fileStream"], any("aGk="))
	equal(t, "no such file", code("downloadFileStream", body{"fileId": "x", "fileType": "txt", "channel": "WEB"}), any("13"))
	clean(t, sim)
	status, _ := c.call("doLeaveMessage", body{"callId": "someone", "caller": "1", "leaveMessage": "x", "channel": "WEB"})
	equal(t, "someone else", status, 400)
}
