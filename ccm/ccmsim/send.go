package ccmsim

import (
	"strings"
	"time"
)

// Texts of the send response as cec_05_2030 tabulates them.
const (
	descRobotConnected = "connect to robot success."
	descOffHours       = "The current time is not within the working time of the service agents"
	descChatFailed     = "sendUserMessage failed"
	descTransferred    = "transfer from robot to agent success."
	descNoSession      = "fail to transfer from robot to agent,session keep touch failed."
	descHasAgent       = "fail to transfer from robot to agent,it has been agent service."
	descNoAgents       = "transfer to agent failed, none channel config found."
)

var sendFields = []field{
	{"channel", true, 0}, {"controlType", true, 0}, {"mediaType", true, 0}, {"sourceType", true, 0},
	{"from", true, 24}, {"to", true, 0}, {"content", false, 0}, {"senderNickname", false, 0},
	{"timestamp", false, 0}, {"userAgent", false, 0}, {"senderAvatar", false, 1024}, {"messageId", false, 32},
	{"transData", false, 0},
}

// send does one deed of a visitor (cec_07_0105).
func (s *Sim) send(c *call) reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, rep := s.checkVisitor(c)
	if v == nil {
		return rep
	}
	if rep, ok := s.checkBody(c, sendFields); !ok {
		return rep
	}
	if why := s.sendFault(c, v); why != "" {
		return s.refuse(c, why)
	}
	s.noteMessageID(c, v)
	switch c.text("controlType") {
	case "CONNECT":
		return s.connect(c, v)
	case "CHAT":
		return s.chat(c, v)
	case "TRANS2AGENT":
		return s.transfer(c, v)
	case "DISCONNECT":
		return s.disconnect(c, v)
	}
	if !v.live() {
		return result("13", descChatFailed)
	}
	s.accept(c, v, EffectNoted)
	return result("0", "sendUserMessage successfully.")
}

// sendAsync does the same and always answers success (cec_07_0106).
func (s *Sim) sendAsync(c *call) reply {
	rep := s.send(c)
	if rep.status != 0 {
		return rep
	}
	return result("0", "send sendMessageForOpenApiAsync success.")
}

var mediaTypes = map[string]bool{
	"TEXT": true, "IMAGE": true, "AUDIO": true, "VIDEO": true, "FILE": true,
	"FILE_IMAGE": true, "FILE_VIDEO": true, "WEBCARD": true,
}

// sendFault tells what is wrong with a well-formed send body, "" if nothing.
func (s *Sim) sendFault(c *call, v *visitor) string {
	_, hasContent := c.body["content"].(string)
	chat := c.control() == "CHAT"
	switch {
	case c.text("channel") != "WEB":
		return "channel is not WEB"
	case c.control() == "?":
		return "unknown controlType"
	case !mediaTypes[c.text("mediaType")]:
		return "unknown mediaType"
	case c.text("sourceType") != "CUSTOMER":
		return "sourceType is not CUSTOMER"
	case c.text("from") != v.id:
		return "from is not the token's user"
	case c.text("to") != s.cfg.ChannelID:
		return "to is not the token's channel"
	case chat && (!hasContent || c.text("content") == ""):
		return "CHAT without content"
	case len(c.text("content")) > 1024:
		return "content is longer than 1024 bytes"
	case strings.Contains(c.text("messageId"), ","):
		return "messageId contains a comma"
	case c.body["timestamp"] != nil && !isMillis(c.text("timestamp")):
		return "timestamp is not in milliseconds"
	}
	return ""
}

// isMillis accepts 13 digits: milliseconds from 2001 to 2286, and no seconds.
func isMillis(text string) bool {
	return len(text) == 13 && strings.Trim(text, "0123456789") == ""
}

// noteMessageID records a messageId used for two texts. The service does not
// de-duplicate, so a repeat with the same text is the client's own affair.
func (s *Sim) noteMessageID(c *call, v *visitor) {
	id := c.text("messageId")
	if id == "" {
		return
	}
	key := c.text("controlType") + " " + c.text("content")
	if former, used := v.messageIDs[id]; used && former != key {
		s.violateLocked("%s %s: messageId %s used for another message", c.op, v.id, id)
	}
	v.messageIDs[id] = key
}

func (s *Sim) connect(c *call, v *visitor) reply {
	if v.live() {
		s.accept(c, v, EffectAgain)
		if v.state == StateRobot {
			return result("0", descRobotConnected)
		}
		return result("0", "success")
	}
	if s.sw.StraightToAgent && s.sw.OffHours {
		return result("12", descOffHours)
	}
	s.begin(v)
	s.accept(c, v, EffectNew)
	if s.sw.StraightToAgent {
		s.enqueue(v)
		return result("0", "success")
	}
	s.greet(v)
	return result("0", descRobotConnected)
}

func (s *Sim) chat(c *call, v *visitor) reply {
	if !v.live() {
		return result("13", descChatFailed)
	}
	if v.state == StateDormant {
		v.state = v.former
	}
	now := time.Now()
	v.lastWord = now
	text := c.text("content")
	v.transcript = append(v.transcript, Line{now, "CUSTOMER", text})
	v.records = append(v.records, record{
		at: now, source: "USER", name: v.name, content: text, media: c.text("mediaType"), code: newCode(), messageID: c.text("messageId"),
	})
	if v.state == StateRobot {
		v.toRobot = append(v.toRobot, text)
		s.accept(c, v, EffectRobot)
		s.robotHears(v, text)
		return result("0", "Send message to robot successfully")
	}
	v.toAgent = append(v.toAgent, text)
	if id := c.text("messageId"); id != "" {
		v.unread = append(v.unread, id)
	}
	effect := EffectAgent
	if v.state == StateQueued {
		effect = EffectQueue
	}
	s.accept(c, v, effect)
	return result("0", "sendUserMessage successfully.")
}

func (s *Sim) transfer(c *call, v *visitor) reply {
	switch {
	case !v.live() || v.state == StateDormant && v.former != StateAgent:
		return result("13", descNoSession)
	case v.state == StateAgent || v.state == StateDormant:
		return result("13", descHasAgent)
	case s.sw.OffHours:
		return result("12", descOffHours+".")
	case s.sw.NoAgents:
		return result("13", descNoAgents)
	case v.state == StateQueued:
		s.violateLocked("send:TRANS2AGENT %s: queued twice", v.id)
		s.accept(c, v, EffectTwice)
		return result("0", descTransferred)
	}
	v.lastWord = time.Now()
	s.accept(c, v, EffectQueued)
	s.enqueue(v)
	return result("0", descTransferred)
}

func (s *Sim) disconnect(c *call, v *visitor) reply {
	if !v.live() {
		return result("13", "disconnect failed")
	}
	desc := "disconnect successfully"
	if v.state == StateRobot {
		desc = "Disconnect robot successfully"
	}
	s.accept(c, v, EffectEnded)
	s.finish(v, "visitor")
	return result("0", desc)
}
