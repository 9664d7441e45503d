package slacksim

import (
	"encoding/json"
	"slices"
	"strconv"
	"time"
)

// keptEnvelopes is how many finished envelopes are remembered, to tell a late acknowledgement from an invented one.
const keptEnvelopes = 1 << 16

// delivery is something the app must hear and acknowledge: an event, a command or a click.
type delivery struct {
	kind     string // events_api, slash_commands, interactive
	name     string // event_id or trigger_id
	payload  []byte
	attempt  int
	envelope string
	twice    bool         // the next envelope is sent two times
	action   *Interaction // nil for events
}

// flight is an envelope that was sent.
type flight struct {
	*delivery
	serial  int
	sockets []*socket // it was sent on; the last is where the acknowledgement is awaited
	sends   int
	acks    int
	open    bool // awaited
	timer   *time.Timer
}

// deliver sends to any one socket and awaits the acknowledgement. The lock is held.
func (s *Sim) deliver(d *delivery) {
	so := s.pick()
	if so == nil {
		s.failed(d)
		return
	}
	if d.envelope == "" || s.rand.IntN(2) == 0 {
		d.envelope = s.id("envelope-")
	}
	f := s.flights[d.envelope]
	if f == nil {
		f = &flight{delivery: d}
		s.flights[d.envelope] = f
	}
	s.stats.Deliveries++
	f.serial = s.stats.Deliveries
	if d.attempt > 0 {
		s.stats.Retries++
	}
	frame := d.frame()
	sent := so.push(frame)
	if d.twice {
		so.push(frame)
		f.sends++
		d.twice = false
	}
	f.sends++
	f.sockets = append(f.sockets, so)
	f.open = true
	s.stats.InFlight++
	f.timer = s.after(s.cfg.AckTimeout, func() { s.timedOut(f) })
	if !sent {
		s.land(f)
		s.failed(d)
	}
}

// frame is the envelope in JSON. The payload is encoded already: at thousands of events a second it counts.
func (d *delivery) frame() []byte {
	b := make([]byte, 0, len(d.payload)+200)
	b = append(b, `{"envelope_id":"`...)
	b = append(b, d.envelope...)
	b = append(b, `","type":"`...)
	b = append(b, d.kind...)
	b = append(b, `","accepts_response_payload":`...)
	b = strconv.AppendBool(b, d.action != nil)
	if d.action == nil {
		reason := ""
		if d.attempt > 0 {
			reason = "timeout"
		}
		b = append(b, `,"retry_attempt":`...)
		b = strconv.AppendInt(b, int64(d.attempt), 10)
		b = append(b, `,"retry_reason":"`...)
		b = append(b, reason...)
		b = append(b, '"')
	}
	b = append(b, `,"payload":`...)
	b = append(b, d.payload...)
	return append(b, '}')
}

func (s *Sim) timedOut(f *flight) {
	if f.open {
		s.land(f)
		s.failed(f.delivery)
	}
}

// land ends the waiting for an envelope, which stays known for a while.
func (s *Sim) land(f *flight) {
	f.open = false
	s.stats.InFlight--
	f.timer.Stop()
	s.landed = append(s.landed, f.envelope)
	if len(s.landed) >= 2*keptEnvelopes {
		for _, e := range s.landed[:keptEnvelopes] {
			if old := s.flights[e]; old != nil && !old.open {
				delete(s.flights, e)
			}
		}
		s.landed = slices.Clone(s.landed[keptEnvelopes:])
	}
}

// failed plans the next attempt. Commands and clicks have none: their user sees an error.
func (s *Sim) failed(d *delivery) {
	defer s.changed()
	if d.action != nil {
		d.action.failed = "dispatch_failed"
		return
	}
	if d.attempt >= len(s.cfg.Retries) {
		s.lose(d)
		return
	}
	d.attempt++
	s.stats.Waiting++
	s.after(s.cfg.Retries[d.attempt-1], func() {
		s.stats.Waiting--
		s.deliver(d)
	})
}

// lose records an event the app will never hear of.
func (s *Sim) lose(d *delivery) {
	s.lost = append(s.lost, d.name)
	s.changed()
}

// acknowledged takes an acknowledgement from a socket. The lock is held.
func (s *Sim) acknowledged(so *socket, envelope string, payload json.RawMessage) {
	defer s.changed()
	f := s.flights[envelope]
	if f == nil {
		s.violate("acknowledgement of an unknown envelope")
		return
	}
	if !slices.Contains(f.sockets, so) {
		if last := f.sockets[len(f.sockets)-1]; slices.Contains(s.sockets, last) {
			s.violate("%s %s acknowledged on another socket than it came from", f.kind, f.name)
		} else {
			s.stats.StrayAcks++
		}
		return
	}
	if f.acks++; f.acks > f.sends {
		s.violate("%s %s acknowledged twice", f.kind, f.name)
		return
	}
	if len(payload) > 0 && string(payload) != "null" && f.action == nil {
		s.violate("%s %s acknowledged with a payload", f.kind, f.name)
	}
	if s.deaf > 0 {
		s.deaf--
		return
	}
	if !f.open {
		if f.acks == 1 {
			s.stats.LateAcks++
		}
		return
	}
	s.land(f)
	f.payload = nil // only the envelope must be remembered
	s.stats.Acked++
	if f.action != nil {
		s.actionAcknowledged(f.action, payload)
	}
}

// emit sends an event to the app.
func (s *Sim) emit(inner any) string {
	id := s.id("Ev")
	if !s.subscribed(inner) {
		s.changed()
		return id
	}
	s.stats.Events++
	s.send(&delivery{kind: "events_api", name: id, payload: encode(outer{
		Token: "sim-verification-token", TeamID: s.cfg.TeamID, APIAppID: s.cfg.AppID, Event: inner, Type: "event_callback",
		EventID: id, EventTime: s.cfg.Now().Unix(), EventContext: "4-" + id,
		Authorizations: []authorization{{TeamID: s.cfg.TeamID, UserID: s.cfg.BotUser, IsBot: true}},
	})})
	s.changed()
	return id
}

// SendEvent sends an inner event of any shape, for types this package does not know. It returns the event_id.
func (s *Sim) SendEvent(inner map[string]any) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.emit(inner)
}

// outer is the envelope of the Events API.
type outer struct {
	Token          string          `json:"token"`
	TeamID         string          `json:"team_id"`
	APIAppID       string          `json:"api_app_id"`
	Event          any             `json:"event"`
	Type           string          `json:"type"`
	EventID        string          `json:"event_id"`
	EventTime      int64           `json:"event_time"`
	Authorizations []authorization `json:"authorizations"`
	IsExtShared    bool            `json:"is_ext_shared_channel"`
	EventContext   string          `json:"event_context"`
}

type authorization struct {
	EnterpriseID        *string `json:"enterprise_id"`
	TeamID              string  `json:"team_id"`
	UserID              string  `json:"user_id"`
	IsBot               bool    `json:"is_bot"`
	IsEnterpriseInstall bool    `json:"is_enterprise_install"`
}
