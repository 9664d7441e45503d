package slacksim

import (
	"maps"
	"slices"
)

// Stats counts what has happened since Start.
type Stats struct {
	Sockets     int `json:"sockets"`      // open now
	SocketsEver int `json:"sockets_ever"` // accepted since Start, refused ones too
	Events      int `json:"events"`       // that happened
	Deliveries  int `json:"deliveries"`   // envelopes sent, with commands, clicks and retries
	Retries     int `json:"retries"`
	Acked       int `json:"acked"`      // in time
	LateAcks    int `json:"late_acks"`  // after the time was over
	StrayAcks   int `json:"stray_acks"` // on another socket, after their own had gone
	InFlight    int `json:"in_flight"`  // sent and awaited
	Waiting     int `json:"waiting"`    // events between two attempts
	Lost        int `json:"lost"`       // events given up
	Limited     int `json:"limited"`    // answers with 429
	Calls       int `json:"calls"`
}

// Stats gives the counts.
func (s *Sim) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.stats
	st.Sockets, st.Lost = len(s.sockets), len(s.lost)
	return st
}

// Violations lists the rules the client broke, in order, one sentence each.
func (s *Sim) Violations() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.violations)
}

// Calls lists the last Config.KeepCalls calls or more, oldest first: of one method, or of all with "".
func (s *Sim) Calls(method string) []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Call
	for _, c := range s.calls {
		if method == "" || c.Method == method {
			out = append(out, c)
		}
	}
	return out
}

// Lost lists the ids of events the client will never get.
func (s *Sim) Lost() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.lost)
}

// Messages is what people see in a channel outside threads, oldest first; replies that were sent to the channel too
// are among them.
func (s *Sim) Messages(channel string) []Message {
	return s.list(channel, func(m *message) bool { return m.ThreadTS == "" || m.Subtype == "thread_broadcast" })
}

// Thread is what people see in a thread: the root (a tombstone if it was deleted) and its replies, oldest first.
func (s *Sim) Thread(channel, root string) []Message {
	return s.list(channel, func(m *message) bool { return m.TS == root || m.ThreadTS == root })
}

// All is every message of a channel and its threads, oldest first.
func (s *Sim) All(channel string) []Message {
	return s.list(channel, func(*message) bool { return true })
}

func (s *Sim) list(channel string, want func(*message) bool) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	ch := s.channels[channel]
	if ch == nil {
		return nil
	}
	var out []Message
	for _, m := range ch.log {
		if want(m) {
			out = append(out, m.Message)
		}
	}
	return out
}

// Ephemerals lists the messages only this person sees.
func (s *Sim) Ephemerals(user string) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Message
	for _, m := range s.ephemerals {
		if m.For == user {
			out = append(out, m)
		}
	}
	return out
}

// Interaction finds a command, click or shortcut by its id; nil if there is none.
func (s *Sim) Interaction(id string) *Interaction {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.interactions[id]
}

// Typing is the status line shown in a thread, "" if none.
func (s *Sim) Typing(channel, root string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.typing[channel+" "+root]
}

// Channels lists the ids of all channels, direct messages too.
func (s *Sim) Channels() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.channels))
}
