package demo

import (
	"cmp"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"time"
)

// strip collects what the bridge does: the steps that its log tells at debug level. It is bounded, and has nobody's words.
type strip struct {
	mu      sync.Mutex
	seq     int
	looks   int // how often the bridge looked what had become of a call
	steps   []stripStep
	threads map[string]string // the thread's root of each visitor
	ready   map[string]bool   // the parts that are up
}

const (
	keptSteps  = 120
	keptTrails = 10_000 // visitors whose thread is known
	maxDetail  = 160    // characters
)

// stripStep is one thing that happened.
type stripStep struct {
	Seq    int       `json:"seq"`
	At     time.Time `json:"at"`
	What   string    `json:"what"`             // one word
	Level  string    `json:"level,omitempty"`  // "ok", "info", "warn", "bad"
	Thread string    `json:"thread,omitempty"` // its root
	// Session is the session's number in its thread.
	Session int    `json:"session,omitempty"`
	ID      string `json:"id,omitempty"` // of the event or the delivery
	Detail  string `json:"detail,omitempty"`
}

// logLine is a line of the bridge's log, as far as the strip knows it.
type logLine struct {
	Time       time.Time  `json:"time"`
	Level      slog.Level `json:"level"`
	Msg        string     `json:"msg"`
	Thread     string     `json:"thread"`
	Session    int        `json:"session"`
	Event      string     `json:"event"`
	Kind       string     `json:"kind"`
	Delivery   string     `json:"delivery"`
	Call       string     `json:"call"`
	Target     string     `json:"target"`
	Visitor    string     `json:"visitor"`
	Tries      int        `json:"tries"`
	Outcome    string     `json:"outcome"`
	Took       int        `json:"took_ms"`
	Found      string     `json:"found"`
	Certainty  string     `json:"certainty"`
	From       string     `json:"from"`
	To         string     `json:"to"`
	Events     int        `json:"events"`
	Deliveries int        `json:"deliveries"`
	Part       string     `json:"part"`
	State      string     `json:"state"`
	Detail     string     `json:"detail"`
	Error      string     `json:"error"`
}

func newStrip() *strip {
	return &strip{threads: map[string]string{}, ready: map[string]bool{}}
}

// hear takes a line of the log.
func (s *strip) hear(raw []byte) {
	var l logLine
	if json.Unmarshal(raw, &l) != nil {
		return
	}
	root := l.Thread[strings.LastIndexByte(l.Thread, '/')+1:]
	s.mu.Lock()
	defer s.mu.Unlock()
	if l.Visitor != "" && len(s.threads) < keptTrails {
		s.threads[l.Visitor] = root
	}
	if l.Msg == "state" {
		s.ready[l.Part] = l.State == "up"
	}
	step, ok := l.step()
	if !ok {
		return
	}
	if l.Msg == "looked" {
		s.looks++
	}
	step.At, step.Thread, step.Session = l.Time, root, l.Session
	s.add(step)
}

// step says in plain words what a line tells; false: nothing for the strip.
func (l logLine) step() (stripStep, bool) {
	switch l.Msg {
	case "stored":
		return stripStep{What: "stored", Level: "info", ID: l.Event, Detail: storedKinds[l.Kind]}, true
	case "stepped":
		detail := l.To
		if l.From != l.To {
			detail = cmp.Or(l.From, "new") + " → " + l.To
		}
		return stripStep{What: "stepped", Level: "info", Detail: detail + ", " + number(l.Deliveries, "delivery", "deliveries")}, true
	case "begun":
		return stripStep{What: "begun", Level: "warn", ID: l.Delivery, Detail: l.what() + tries(l.Tries)}, true
	case "settled":
		level := "ok"
		if l.Outcome != "delivered" {
			level = "bad"
		}
		return stripStep{What: "settled", Level: level, ID: l.Delivery, Detail: fmt.Sprintf("%s: %s, %d ms", l.what(), l.Outcome, l.Took)}, true
	case "looked":
		return stripStep{What: "looked up", Level: "human", ID: l.Delivery, Detail: l.what() + ": " + found(l.Found)}, true
	case "call failed":
		return stripStep{What: "failed", Level: "bad", ID: l.Delivery, Detail: l.what() + ": " + l.failure()}, true
	case "state":
		level := "ok"
		if l.State != "up" {
			level = "bad"
		}
		return stripStep{What: l.State, Level: level, Detail: strings.TrimSuffix(l.Part+": "+l.Detail, ": ")}, true
	}
	if l.Level < slog.LevelWarn {
		return stripStep{}, false
	}
	return stripStep{What: "warning", Level: "bad", ID: l.Delivery, Detail: l.Msg + " " + l.Error}, true
}

// what is the call or post of a delivery, and where it goes.
func (l logLine) what() string {
	name := cmp.Or(callNames[l.Call], l.Call)
	if l.Target == "centre" {
		name += " to the centre"
	}
	return name
}

var storedKinds = map[string]string{
	"text": "a message", "answer": "an answer of the centre", "verb agent": "the wish for a human", "verb end": "the wish to end",
	"verb again": "the wish to open again", "verb resend": "the wish to send again", "verb robot": "a choice", "verb drop": "a choice",
	"gone": "a place that is gone",
}

var callNames = map[string]string{
	"queue": "a question about the session", "make": "making the thread", "robot": "a post of the robot's words",
	"agent": "a post of the agent's words", "system": "a post of the centre's words", "notice": "a post of the bridge's own",
	"answer": "a private answer",
}

func found(certainty string) string {
	switch certainty {
	case "done":
		return "it was done, so it is not repeated"
	case "not done":
		return "it was not done"
	}
	return "nobody can tell yet"
}

// failure is how a call failed.
func (l logLine) failure() string {
	if l.Certainty == "not done" {
		why, _, _ := strings.Cut(l.Error, " (not done")
		return "not done, tried again later (" + why + ")"
	}
	return "no answer came, it may have been done"
}

func tries(n int) string {
	if n > 1 {
		return fmt.Sprintf(", try %d", n)
	}
	return ""
}

func number(n int, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, more)
}

// tell adds what happened to the process itself.
func (s *strip) tell(event, detail string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	level := "ok"
	if event != "started" {
		level = "bad"
		clear(s.ready)
	}
	s.add(stripStep{At: time.Now(), What: event, Level: level, Detail: strings.TrimSuffix("the bridge's process: "+detail, ": ")})
}

// add keeps a step. The lock is held.
func (s *strip) add(step stripStep) {
	s.seq++
	step.Seq = s.seq
	if r := []rune(step.Detail); len(r) > maxDetail {
		step.Detail = string(r[:maxDetail-1]) + "…"
	}
	if len(s.steps) >= keptSteps {
		s.steps = append(s.steps[:0], s.steps[len(s.steps)-keptSteps/2:]...)
	}
	s.steps = append(s.steps, step)
}

// newest are the newest steps, oldest first.
func (s *strip) newest(n int) []stripStep {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]stripStep{}, s.steps[max(0, len(s.steps)-n):]...)
}

// trails are the thread of each visitor.
func (s *strip) trails() map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.threads)
}

// standing says whether both platforms have the bridge on the line, and how often it has looked so far.
func (s *strip) standing() (online bool, looks int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ready["demo-slack"] && s.ready["demo-discord"], s.looks
}
