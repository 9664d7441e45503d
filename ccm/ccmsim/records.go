package ccmsim

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"
)

// violationLimit bounds the list; later ones are only counted.
const violationLimit = 1000

// Entry is one deed the centre accepted from a client (result code 0), in order.
type Entry struct {
	Seq       int // 1, 2, …
	Time      time.Time
	Op        string // as for faults, such as "send:CHAT"
	Visitor   string
	Session   int // the visitor's session number, 1, 2, …
	Control   string
	MediaType string
	Content   string
	MessageID string
	Effect    string // see the Effect constants
	Body      json.RawMessage
}

// What a deed did.
const (
	EffectNew    = "new session"
	EffectAgain  = "same session"  // CONNECT while a session lives
	EffectRobot  = "to robot"      // CHAT
	EffectQueue  = "to queue"      // CHAT kept for the agent to come
	EffectAgent  = "to agent"      // CHAT
	EffectQueued = "queued"        // TRANS2AGENT
	EffectTwice  = "queued twice"  // TRANS2AGENT while queued; also a violation
	EffectEnded  = "session ended" // DISCONNECT
	EffectNoted  = "noted"         // INPUT, READ, surveys, left messages, files
	EffectToken  = "token issued"  // tokenByAkSk, applyToken
)

// Session is a snapshot of one visitor's session.
type Session struct {
	Visitor     string
	Name        string // userName of applyToken
	State       State
	EndedBy     string // "visitor", "agent", "system", "lost"; "" while it lives
	Number      int    // sessions this visitor has had
	Agent       string // nickname
	ToRobot     []string
	ToAgent     []string // texts the agent sees, with those written in the queue
	Transcript  []Line
	Undelivered int // messages that wait for a poll
	Dropped     int // messages no poll will ever get
	Pollers     int // polls held now
}

// Line is one message of a session's transcript, either way.
type Line struct {
	Time    time.Time
	Source  string // CUSTOMER, ROBOT, AGENT, SYSTEM
	Content string
}

// View reads the records inside Sim.Until. What its methods return is valid
// until the condition returns.
type View struct{ s *Sim }

// Log is every accepted deed still kept.
func (v View) Log() []Entry { return v.s.log }

// Violations are the breaks of rules so far.
func (v View) Violations() []string { return v.s.violations }

// Calls counts what happened: requests as "op", refusals as "op code" (resultCode
// or status), "op limited", faults as "fault op", and all "violations".
func (v View) Calls(what string) int { return v.s.calls[what] }

// Waiting are the visitors in the queue, first come first.
func (v View) Waiting() []string {
	ids := make([]string, len(v.s.queue))
	for i, waiting := range v.s.queue {
		ids[i] = waiting.id
	}
	return ids
}

// Session is the snapshot of a visitor; the zero value if there is none.
func (v View) Session(id string) Session {
	if found := v.s.visitors[id]; found != nil {
		return found.snapshot()
	}
	return Session{}
}

// Sessions are the snapshots of all visitors, by id.
func (v View) Sessions() []Session {
	all := make([]Session, 0, len(v.s.visitors))
	for _, id := range slices.Sorted(maps.Keys(v.s.visitors)) {
		all = append(all, v.s.visitors[id].snapshot())
	}
	return all
}

// Log returns a copy of the log.
func (s *Sim) Log() []Entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.log)
}

// Violations lists every break of a rule by a client, without message texts.
func (s *Sim) Violations() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.violations)
}

// Calls returns the counters of View.Calls.
func (s *Sim) Calls() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.calls)
}

// Session returns the snapshot of a visitor; the zero value if there is none.
func (s *Sim) Session(visitor string) Session {
	s.mu.Lock()
	defer s.mu.Unlock()
	return View{s}.Session(visitor)
}

// Sessions returns the snapshots of all visitors.
func (s *Sim) Sessions() []Session {
	s.mu.Lock()
	defer s.mu.Unlock()
	return View{s}.Sessions()
}

// Until waits until cond holds. It is called at once and after every change,
// one call at a time, and must not call methods of Sim. The error is the
// context's, or says that the simulator was closed.
func (s *Sim) Until(ctx context.Context, cond func(View) bool) error {
	for {
		s.mu.Lock()
		if cond(View{s}) {
			s.mu.Unlock()
			return nil
		}
		if s.changed == nil {
			s.changed = make(chan struct{})
		}
		changed := s.changed
		s.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("wait for the contact centre simulator: %w", context.Cause(ctx))
		case <-s.closing:
			return fmt.Errorf("wait for the contact centre simulator: closed")
		}
	}
}

// Since waits for log entries after seq and returns them.
func (s *Sim) Since(ctx context.Context, seq int) ([]Entry, error) {
	var found []Entry
	err := s.Until(ctx, func(v View) bool {
		all := v.Log()
		i, _ := slices.BinarySearchFunc(all, seq+1, func(e Entry, want int) int { return e.Seq - want })
		found = slices.Clone(all[i:])
		return len(found) > 0
	})
	return found, err
}

// noteChange wakes those who wait in Until. The lock is held.
func (s *Sim) noteChange() {
	if s.changed != nil {
		close(s.changed)
		s.changed = nil
	}
}

// accept records a deed. The lock is held.
func (s *Sim) accept(c *call, v *visitor, effect string) {
	s.seq++
	e := Entry{
		Seq: s.seq, Time: time.Now(), Op: c.op, Visitor: c.who,
		Control: c.text("controlType"), MediaType: c.text("mediaType"), Content: c.text("content"),
		MessageID: c.text("messageId"), Effect: effect, Body: c.raw,
	}
	if v != nil {
		e.Visitor, e.Session = v.id, v.number
	}
	if c.op == "tokenByAkSk" || c.op == "upload" {
		e.Body = nil // holds the secret, or megabytes
	}
	if len(s.log) >= s.cfg.LogLimit {
		s.log = slices.Clone(s.log[len(s.log)/2:])
	}
	s.log = append(s.log, e)
	s.noteChange()
}

func (s *Sim) violate(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.violateLocked(format, args...)
}

// violateLocked records a break of a rule. The lock is held.
func (s *Sim) violateLocked(format string, args ...any) {
	s.calls["violations"]++
	if len(s.violations) < violationLimit {
		s.violations = append(s.violations, fmt.Sprintf(format, args...))
	}
	s.noteChange()
}

func (s *Sim) count(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[what]++
	s.noteChange()
}
