package slacksim

import (
	"fmt"
	"slices"
	"time"
)

// Fault injures calls. It comes before the call (which is then not carried out) or After it (carried out, the answer
// replaced). Without Drop, Status and Body it only delays.
//
// Examples: Drop cuts the connection without an answer; Status 429 with the header Retry-After, or without; Status 200
// with Body "<html>" is garbage; Body `{"ok":false}` an error without a name; After with Body
// `{"ok":false,"error":"internal_error"}` an error although it was done.
type Fault struct {
	Method  string            `json:"method"`  // "" any; "response_url" for those
	Channel string            `json:"channel"` // only calls with this channel; "" any
	Skip    int               `json:"skip"`    // let so many pass first
	Times   int               `json:"times"`   // how often; 0 means once, -1 until ClearFaults
	After   bool              `json:"after"`
	Delay   time.Duration     `json:"delay"`
	Drop    bool              `json:"drop"`
	Status  int               `json:"status"` // default 200
	Header  map[string]string `json:"header"`
	Body    string            `json:"body"`
}

func (f *Fault) onlyDelay() bool { return !f.Drop && f.Status == 0 && f.Body == "" }

// EventFault injures the next events on their way to the client (not commands and clicks).
type EventFault struct {
	Kind  EventFaultKind `json:"kind"`
	Skip  int            `json:"skip"`
	Times int            `json:"times"` // how many events; 0 means one, -1 until ClearFaults
	Delay time.Duration  `json:"delay"` // of Again and Late
}

// EventFaultKind is what happens to an event.
type EventFaultKind string

const (
	Twice     EventFaultKind = "twice"     // the same envelope is sent two times
	Again     EventFaultKind = "again"     // the event is sent again in another envelope, Delay later
	Late      EventFaultKind = "late"      // the event is sent Delay later
	Reverse   EventFaultKind = "reverse"   // Times events are held until they are complete and then sent last first
	Lost      EventFaultKind = "lost"      // the event is never sent
	Malformed EventFaultKind = "malformed" // the payload is a number instead of an object
)

var eventFaultKinds = []EventFaultKind{Twice, Again, Late, Reverse, Lost, Malformed}

// Inject adds a fault. Several that fit one call apply in the order they were added, one a call.
func (s *Sim) Inject(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.Times == 0 {
		f.Times = 1
	}
	s.faults = append(s.faults, &f)
}

// InjectEvent adds a fault of events; an unknown kind is an error.
func (s *Sim) InjectEvent(f EventFault) error {
	if !slices.Contains(eventFaultKinds, f.Kind) {
		return fmt.Errorf("unknown kind of event fault %q", f.Kind)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.Times == 0 {
		f.Times = 1
	}
	s.eventFaults = append(s.eventFaults, &f)
	return nil
}

// ClearFaults ends all faults of calls and events. Events held by Reverse go out.
func (s *Sim) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults, s.eventFaults = nil, nil
	s.releaseHeld()
}

// IgnoreAcks makes Slack not hear the next n acknowledgements.
func (s *Sim) IgnoreAcks(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deaf = n
}

// SetReadLag makes conversations.history and conversations.replies not yet show messages younger than d.
func (s *Sim) SetReadLag(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.readLag = d
}

// takeFault gives the fault due for this call, if any. The lock is held.
func (s *Sim) takeFault(name string, a args) *Fault {
	for i, f := range s.faults {
		if f.Method != "" && f.Method != name || f.Channel != "" && f.Channel != a["channel"] {
			continue
		}
		if f.Skip > 0 {
			f.Skip--
			continue
		}
		if f.Times--; f.Times == 0 {
			s.faults = slices.Delete(s.faults, i, i+1)
		}
		return f
	}
	return nil
}

// takeEventFault gives the fault due for this event, if any. The lock is held.
func (s *Sim) takeEventFault() *EventFault {
	if len(s.eventFaults) == 0 {
		return nil
	}
	f := s.eventFaults[0]
	if f.Skip > 0 {
		f.Skip--
		return nil
	}
	if f.Times--; f.Times == 0 {
		s.eventFaults = s.eventFaults[1:]
	}
	return f
}

// send puts an event on its way, with the fault that is due. The lock is held.
func (s *Sim) send(d *delivery) {
	f := s.takeEventFault()
	if f == nil {
		s.deliver(d)
		return
	}
	switch f.Kind {
	case Twice:
		d.twice = true
		s.deliver(d)
	case Again:
		again := *d
		s.deliver(d)
		s.after(f.Delay, func() { s.deliver(&again) })
	case Late:
		s.after(f.Delay, func() { s.deliver(d) })
	case Reverse:
		s.held = append(s.held, d)
		if f.Times == 0 {
			s.releaseHeld()
		}
	case Lost:
		s.lose(d)
	case Malformed:
		d.payload = []byte("42")
		s.deliver(d)
	}
}

func (s *Sim) releaseHeld() {
	held := s.held
	s.held = nil
	for _, d := range slices.Backward(held) {
		s.deliver(d)
	}
}
