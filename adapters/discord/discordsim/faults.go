package discordsim

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// cloudflarePage is what stands before Discord answers with when it has enough: no JSON.
const cloudflarePage = "<!DOCTYPE html><html><head><title>Access denied | discord.com used Cloudflare to restrict access</title></head></html>"

// Fault injures REST calls. Examples:
//
//	{Route: "POST /channels/{channel}/messages", Drop: true}                 the line breaks, nothing was done
//	{Route: …, Deed: true, Drop: true}                                       done, but no answer comes
//	{Route: …, Deed: true, Status: 502}                                      done, but the answer says otherwise
//	{Route: …, Status: 200, Body: "<html>"}                                  garbage
//	{Route: …, Delay: time.Second}                                           done late
//	{Route: …, Deed: true, Delay: time.Second}                               done at once, answered late
//	{Route: …, Status: 429, Body: `{"message":"…","retry_after":1.5,"global":true}`}
//
// A client's http.Transport repeats a GET by itself when the line breaks, so dropping one needs Times: 2.
type Fault struct {
	Route  string            // "" for every route
	Skip   int               // calls that pass before it strikes
	Times  int               // calls it strikes; 0 is one, below 0 all until Heal
	Delay  time.Duration     // before anything is done, or with Deed after it
	Deed   bool              // the call is carried out before Drop or Status
	Drop   bool              // the connection is cut
	Status int               // the status of the false answer; 0: the true one is sent
	Header map[string]string // of the false answer
	Body   string            // of the false answer; JSON unless Header says otherwise
}

// CloudflareFault is the answer without JSON that a banned address gets: status 429 or 403.
func CloudflareFault(route string, status int) Fault {
	return Fault{Route: route, Status: status, Header: map[string]string{"Content-Type": "text/html", "Retry-After": "1"}, Body: cloudflarePage}
}

// Fail adds a fault. Faults are tried in the order they were added; one strikes per call.
func (s *Sim) Fail(f Fault) {
	if f.Times == 0 {
		f.Times = 1
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &f)
}

// Heal takes away all faults, those of the gateway too.
func (s *Sim) Heal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
	s.gateway.injuries = injuries{}
	for c := range s.gateway.conns {
		if c.frozen {
			c.frozen = false
			c.extend(s.cfg.HeartbeatInterval)
			c.ring()
		}
	}
}

// takeFault finds the fault for this call and counts it; the zero Fault does nothing.
func (s *Sim) takeFault(pattern string) Fault {
	for i, f := range s.faults {
		if f.Route != "" && f.Route != pattern {
			continue
		}
		if f.Skip > 0 {
			f.Skip--
			continue
		}
		taken := *f
		if f.Times--; f.Times == 0 {
			s.faults = append(s.faults[:i:i], s.faults[i+1:]...)
		}
		return taken
	}
	return Fault{}
}

func (f Fault) strikesBefore() bool { return !f.Deed && (f.Drop || f.Status != 0) }
func (f Fault) strikesAfter() bool  { return f.Deed && (f.Drop || f.Status != 0) }

// strike gives the false answer, or none.
func (f Fault) strike(w http.ResponseWriter) {
	if f.Drop {
		panic(http.ErrAbortHandler) // net/http cuts the connection and says nothing
	}
	w.Header().Set("Content-Type", "application/json")
	for k, v := range f.Header {
		w.Header().Set(k, v)
	}
	w.WriteHeader(f.Status)
	_, _ = w.Write([]byte(f.Body))
}

// noteFault records a call that was not carried out; a 429 binds the client as a true one does.
func (s *Sim) noteFault(r route, req *http.Request, body []byte, f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	header := http.Header{}
	for k, v := range f.Header {
		header.Set(k, v)
	}
	if !f.Drop {
		s.countInvalid(f.Status, header)
	}
	now := s.now()
	b := s.bucket(r, req)
	s.checkPatience(r, b, now)
	if f.Status == http.StatusTooManyRequests {
		var asked struct {
			RetryAfter float64 `json:"retry_after"`
			Global     bool    `json:"global"`
		}
		if json.Unmarshal([]byte(f.Body), &asked) != nil {
			asked.RetryAfter, _ = strconv.ParseFloat(f.Header["Retry-After"], 64)
		}
		if asked.Global {
			b = &s.limits.global
		}
		b.refusedAt, b.refusedUntil = now, now.Add(time.Duration(asked.RetryAfter*float64(time.Second)))
	}
	s.note(Call{At: now, Route: r.pattern, Path: req.URL.Path, Query: req.URL.RawQuery, Body: body, Status: f.Status, Faulted: true, Lost: f.Drop})
}

// injuries of the gateway. Counts are used up by new connections.
type injuries struct {
	silent, refuse, noACK bool
	mute                  bool // messages make no events
	slowHello             time.Duration
	op7BeforeHello        int
	op7AfterIdentify      int
	duplicate             int  // events to deliver twice
	swap                  bool // hold the next event back until the one after it
}

func (s *Sim) injure(f func(*gateway)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(&s.gateway)
	s.changedLocked()
}

// Silent lets new connections in and says nothing, not even Hello.
func (s *Sim) Silent(on bool) { s.injure(func(g *gateway) { g.silent = on }) }

// Refuse cuts new gateway connections before the handshake.
func (s *Sim) Refuse(on bool) { s.injure(func(g *gateway) { g.refuse = on }) }

// NoACK leaves heartbeats unanswered; events still come.
func (s *Sim) NoACK(on bool) { s.injure(func(g *gateway) { g.noACK = on }) }

// Mute leaves everything as it is but sends no events of messages, as if nobody wrote.
func (s *Sim) Mute(on bool) { s.injure(func(g *gateway) { g.mute = on }) }

// SlowHello lets the next connection wait d for Hello.
func (s *Sim) SlowHello(d time.Duration) { s.injure(func(g *gateway) { g.slowHello = d }) }

// Op7BeforeHello makes the next n connections begin with op 7 instead of Hello.
func (s *Sim) Op7BeforeHello(n int) { s.injure(func(g *gateway) { g.op7BeforeHello = n }) }

// Op7AfterIdentify answers the next n Identify or Resume with op 7.
func (s *Sim) Op7AfterIdentify(n int) { s.injure(func(g *gateway) { g.op7AfterIdentify = n }) }

// Duplicate delivers the next n events twice.
func (s *Sim) Duplicate(n int) { s.injure(func(g *gateway) { g.duplicate = n }) }

// Swap delivers the next event after the one that follows it.
func (s *Sim) Swap() { s.injure(func(g *gateway) { g.swap = true }) }

// Zombie makes the present connections stop answering: no events, no ACKs, but open. What happens meanwhile can be
// had by Resume.
func (s *Sim) Zombie() { s.onConns((*conn).freeze) }

// Reconnect sends op 7.
func (s *Sim) Reconnect() { s.onConns(func(c *conn) { c.control(object{"op": 7, "d": nil}) }) }

// RequestHeartbeat sends op 1.
func (s *Sim) RequestHeartbeat() { s.onConns(func(c *conn) { c.control(object{"op": 1, "d": nil}) }) }

// InvalidSession sends op 9. Unless resumable, the sessions are gone.
func (s *Sim) InvalidSession(resumable bool) {
	s.onConns(func(c *conn) {
		if c.sess != nil {
			s.detach(c, !resumable)
		}
		c.control(object{"op": 9, "d": resumable})
	})
}

// Forget ends all gateway sessions without a word: the next Resume gets op 9.
func (s *Sim) Forget() { s.injure(func(g *gateway) { clear(g.sessions) }) }

// CloseGateway closes every gateway connection with a close code; 4004, 4007, 4009 and 4010 to 4014 end the session.
func (s *Sim) CloseGateway(code int) {
	s.onConns(func(c *conn) {
		if code == 4004 || code == 4007 || code >= 4009 {
			s.detach(c, true)
		}
		c.close(code)
	})
}

// DropGateway cuts every gateway connection without a close frame.
func (s *Sim) DropGateway() { s.onConns(func(c *conn) { c.cut() }) }

// SendRaw sends a text frame as it is, malformed JSON for instance.
func (s *Sim) SendRaw(frame []byte) { s.onConns(func(c *conn) { c.raw(frame) }) }

func (s *Sim) onConns(f func(*conn)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.gateway.conns {
		f(c)
	}
	s.changedLocked()
}

// Emit dispatches an event of any type to every session, as one that belongs to guild ("" as one without a guild).
func (s *Sim) Emit(event, guild string, data json.RawMessage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dispatch(guild, 0, event, data)
}
