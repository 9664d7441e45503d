package ccmsim

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"
)

// State is where a visitor's session is.
type State string

// The states; see the package comment for the ways between them.
const (
	StateNone    State = ""        // never connected
	StateRobot   State = "robot"   // talking to the robot
	StateQueued  State = "queued"  // waiting for an agent
	StateAgent   State = "agent"   // talking to an agent
	StateDormant State = "dormant" // closed softly by a time-out; a CHAT wakes it
	StateEnded   State = "ended"
)

// visitor is what the centre keeps of one userId: its session and its history.
// Sim.mu guards it.
type visitor struct {
	id, name string
	state    State
	former   State // of a dormant session
	endedBy  string
	number   int
	agent    string

	pending  []downlink // waiting for a poll
	repeated []downlink // delivered, to be delivered once more (Switches.Redeliver)
	dropped  int
	wake     chan struct{} // closed when a message arrives; nil while nobody waits
	pollers  int
	pollLeft chan struct{} // closed when the first of the held polls is over; nil if none is held
	pollGone bool          // that poll's client hung up

	lastPoll, lastWord, queuedAt, remindedAt, askedAt time.Time

	records    []record
	toRobot    []string
	toAgent    []string
	transcript []Line
	messageIDs map[string]string // messageId to content, to find ids used twice
	unread     []string          // messageIds the agent has not read
}

// downlink is an encoded message for a poll.
type downlink struct {
	body json.RawMessage
	read bool // READ event: only for polls with isNeedRead=true
}

// visitor finds or makes the visitor of a userId.
func (s *Sim) visitor(id string) *visitor {
	v := s.visitors[id]
	if v == nil {
		v = &visitor{id: id, messageIDs: map[string]string{}}
		s.visitors[id] = v
	}
	return v
}

func (v *visitor) live() bool { return v.state != StateNone && v.state != StateEnded }

func (v *visitor) snapshot() Session {
	return Session{
		Visitor: v.id, Name: v.name, State: v.state, EndedBy: v.endedBy, Number: v.number, Agent: v.agent,
		ToRobot: slices.Clone(v.toRobot), ToAgent: slices.Clone(v.toAgent), Transcript: slices.Clone(v.transcript),
		Undelivered: len(v.pending), Dropped: v.dropped, Pollers: v.pollers,
	}
}

// begin starts a new session; what an older one left is gone.
func (s *Sim) begin(v *visitor) {
	now := time.Now()
	v.drop()
	v.number++
	v.endedBy, v.agent = "", ""
	v.lastPoll, v.lastWord = now, now
	v.state = StateRobot
}

func (v *visitor) drop() {
	v.dropped += len(v.pending)
	v.pending, v.repeated, v.unread = nil, nil, nil
}

// finish ends the session. What waits for a poll stays if the centre ended it,
// for the DISCONNECT is among it.
func (s *Sim) finish(v *visitor, by string) {
	v.state, v.endedBy = StateEnded, by
	s.leaveQueue(v)
	if by == "visitor" || by == "lost" {
		v.drop()
	}
	s.noteChange()
}

func (s *Sim) enqueue(v *visitor) {
	v.state = StateQueued
	v.queuedAt = time.Now()
	s.queue = append(s.queue, v)
	s.queueNotice(v)
	if s.sw.AutoAccept != "" {
		s.connectAgent(v, s.sw.AutoAccept)
	}
}

func (s *Sim) queueNotice(v *visitor) {
	v.remindedAt = time.Now()
	s.deliver(v, "SYSTEM", "Queuing. Please wait for an agent.", map[string]any{"queueFlag": "Y"})
}

func (s *Sim) leaveQueue(v *visitor) {
	s.queue = slices.DeleteFunc(s.queue, func(waiting *visitor) bool { return waiting == v })
}

func (s *Sim) connectAgent(v *visitor, nickname string) {
	s.leaveQueue(v)
	v.state, v.agent = StateAgent, nickname
	v.lastWord = time.Now()
	s.deliver(v, "SYSTEM", "The call is connected to an agent.", nil)
}

// age lets time pass for a live session.
func (s *Sim) age(v *visitor, now time.Time) {
	polled := v.pollers > 0
	switch {
	case !polled && now.Sub(v.lastPoll) > s.sw.SessionTimeout:
		s.finish(v, "lost")
	case (v.state == StateRobot || v.state == StateAgent) && now.Sub(v.lastWord) > s.sw.IdleTimeout:
		s.timeOut(v, s.sw.Async)
	case v.state == StateQueued && s.sw.QueueRemind > 0 && now.Sub(v.remindedAt) >= s.sw.QueueRemind:
		s.queueNotice(v)
	}
}

// timeOut is the centre's own DISCONNECT; soft: the visitor may still write.
func (s *Sim) timeOut(v *visitor, soft bool) {
	fields := map[string]any{"controlType": "DISCONNECT", "isOfflineStatus": soft, "content": nil, "mediaType": nil}
	if !soft {
		s.put(v, "SYSTEM", fields)
		s.finish(v, "system")
		return
	}
	fields["content"], fields["mediaType"] = "The session timed out. You can still leave a message.", "TEXT"
	s.put(v, "SYSTEM", fields)
	if v.state != StateDormant {
		v.former = v.state
	}
	s.leaveQueue(v)
	v.state = StateDormant
	s.noteChange()
}

// deliver queues a text for the visitor and keeps it in the history.
func (s *Sim) deliver(v *visitor, source, text string, fields map[string]any) (messageCode string) {
	code := newCode()
	v.transcript = append(v.transcript, Line{time.Now(), source, text})
	if source != "SYSTEM" || s.sw.HistorySystem {
		v.records = append(v.records, record{at: time.Now(), source: source, name: s.nickname(v, source), content: text, code: code})
	}
	all := map[string]any{"content": text}
	if s.sw.MessageCodes == "all" || s.sw.MessageCodes != "none" && source == "AGENT" {
		all["messageCode"] = code
	} else {
		code = ""
	}
	if source == "ROBOT" {
		all["robotGender"] = "MALE"
	}
	for name, value := range fields {
		all[name] = value
	}
	s.put(v, source, all)
	return code
}

// put queues a message made of the fields that §6 of the documentation shows,
// changed as fields say.
func (s *Sim) put(v *visitor, source string, fields map[string]any) {
	now := time.Now().UnixMilli()
	message := map[string]any{
		"channel": "WEB", "from": s.cfg.ChannelID, "to": v.id, "controlType": "CHAT", "mediaType": "TEXT", "content": nil,
		"sourceType": source, "senderNickname": s.nickname(v, source), "senderAvatar": nil, "timestamp": now,
		"messageCode": nil, "simQuestions": nil, "interIdx": nil, "isOfflineStatus": nil, "contentType": nil,
		"mediaFileType": nil, "callId": nil, "queueFlag": nil, "receiveTime": nil, "robotGender": nil,
		"associationContentId": nil, "handlerType": nil,
	}
	if s.sw.StringTimestamps {
		message["timestamp"] = strconv.FormatInt(now, 10)
	}
	if s.sw.ExtraFields {
		message["simFuture"] = map[string]any{"list": []int{1, 2}, "text": "x"}
	}
	for name, value := range fields {
		message[name] = value
	}
	body, err := json.Marshal(message)
	if err != nil {
		return // Desk.Put has checked its fields; all others are plain
	}
	v.pending = append(v.pending, downlink{body, message["controlType"] == "READ"})
	if v.wake != nil {
		close(v.wake)
		v.wake = nil
	}
	s.noteChange()
}

func (s *Sim) nickname(v *visitor, source string) string {
	switch source {
	case "AGENT":
		return v.agent
	case "ROBOT":
		return s.cfg.Robot.Nickname
	default:
		return strings.ToLower(source)
	}
}

// newCode makes a messageCode: 64 hexadecimal digits as in the sample of cec_07_0104.
func newCode() string {
	var b [32]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}
