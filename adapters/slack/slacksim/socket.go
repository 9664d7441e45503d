package slacksim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
)

const (
	maxSockets   = 10       // per app
	maxAck       = 20 << 10 // bytes; Slack drops larger ones without a word
	socketQueue  = 1 << 14  // frames a socket may have waiting; more counts as not delivered
	writeTimeout = 5 * time.Second
)

// Door is what happens to new sockets.
type Door string

const (
	DoorOpen    Door = "open"     // as usual
	DoorRefuse  Door = "refuse"   // the handshake is answered with 503
	DoorClose   Door = "close"    // accepted and cut at once
	DoorMute    Door = "mute"     // accepted, but never a hello, a ping or an event
	DoorTooMany Door = "too_many" // accepted, told too_many_websockets and closed
	DoorOff     Door = "off"      // accepted, told link_disabled and closed: Socket Mode is switched off
)

var doors = []Door{DoorOpen, DoorRefuse, DoorClose, DoorMute, DoorTooMany, DoorOff}

// socket is one open WebSocket of the client.
type socket struct {
	id      int
	conn    *websocket.Conn
	out     chan []byte
	quit    chan struct{}
	stopped atomic.Bool
	mute    atomic.Bool // it is open but dead: nothing goes out, nothing is heard
	leaving bool        // told to go: gets no more events
}

// cut closes the connection without a close frame, as a broken line does.
func (so *socket) cut() {
	if !so.stopped.Swap(true) {
		close(so.quit)
		_ = so.conn.NetConn().Close()
	}
}

// push queues a frame, unless the queue is full or the socket has gone.
func (so *socket) push(frame []byte) bool {
	if so.stopped.Load() {
		return false
	}
	select {
	case so.out <- frame:
		return true
	default:
		return false
	}
}

// write is the only writer of the connection.
func (so *socket) write(pingEvery time.Duration) {
	tick := time.NewTicker(pingEvery)
	defer tick.Stop()
	defer so.cut()
	for {
		var err error
		select {
		case frame := <-so.out:
			if !so.mute.Load() {
				_ = so.conn.SetWriteDeadline(time.Now().Add(writeTimeout))
				err = so.conn.WriteMessage(websocket.TextMessage, frame)
			}
		case <-tick.C:
			if !so.mute.Load() {
				err = so.conn.WriteControl(websocket.PingMessage, []byte("ping"), time.Now().Add(writeTimeout))
			}
		case <-so.quit:
			return
		}
		if err != nil {
			return
		}
	}
}

// connectionsOpen is Slack's apps.connections.open: a URL that is good for one socket.
func (s *Sim) connectionsOpen(args) (answer, *refusal) {
	if !s.appScopes["connections:write"] {
		return nil, &refusal{code: "missing_scope", needed: "connections:write"}
	}
	ticket := s.id("ticket")
	s.tickets[ticket] = true
	return answer{"url": "ws" + strings.TrimPrefix(s.base, "http") + "/link/?ticket=" + ticket + "&app_id=" + s.cfg.AppID}, nil
}

func (s *Sim) serveSocket(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	door := s.door
	ticket := r.FormValue("ticket")
	known := s.tickets[ticket]
	delete(s.tickets, ticket)
	s.mu.Unlock()
	switch {
	case door == DoorRefuse:
		http.Error(w, "service unavailable", http.StatusServiceUnavailable)
		return
	case !known:
		http.Error(w, "ticket unknown or used", http.StatusUnauthorized)
		return
	}
	up := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	conn, err := up.Upgrade(w, r, nil)
	if err != nil {
		return // Upgrade has answered
	}
	conn.SetReadLimit(1 << 20)
	so := &socket{conn: conn, out: make(chan []byte, socketQueue), quit: make(chan struct{})}
	so.mute.Store(door == DoorMute)
	if s.admit(so, door) {
		s.read(so)
	}
	s.gone(so)
}

// admit starts the socket's writer and greets; false: it is not wanted.
func (s *Sim) admit(so *socket, door Door) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats.SocketsEver++
	s.changed()
	if door == DoorClose || s.closed {
		return false
	}
	if len(s.sockets) >= maxSockets || door == DoorTooMany || door == DoorOff {
		reason := "too_many_websockets"
		if door == DoorOff {
			reason = "link_disabled"
		}
		_ = so.conn.SetWriteDeadline(time.Now().Add(writeTimeout))
		_ = so.conn.WriteMessage(websocket.TextMessage, disconnectFrame(reason))
		return false
	}
	so.id = s.stats.SocketsEver
	s.sockets = append(s.sockets, so)
	s.tasks.Go(func() { so.write(s.cfg.PingInterval) })
	so.push(encode(map[string]any{
		"type": "hello", "num_connections": len(s.sockets),
		"debug_info":      map[string]any{"host": "applink-sim", "build_number": 1, "approximate_connection_time": 18060},
		"connection_info": map[string]any{"app_id": s.cfg.AppID},
	}))
	return true
}

func disconnectFrame(reason string) []byte {
	return encode(map[string]any{"type": "disconnect", "reason": reason, "debug_info": map[string]any{"host": "applink-sim"}})
}

// read hears acknowledgements until the connection ends.
func (s *Sim) read(so *socket) {
	for {
		_, frame, err := so.conn.ReadMessage()
		if err != nil {
			return
		}
		if so.mute.Load() {
			continue
		}
		var ack struct {
			EnvelopeID string          `json:"envelope_id"`
			Payload    json.RawMessage `json:"payload"`
		}
		bad := json.Unmarshal(frame, &ack) != nil || ack.EnvelopeID == ""
		s.mu.Lock()
		switch {
		case len(frame) >= maxAck:
			s.violate("acknowledgement of %d bytes: Slack drops it", len(frame))
		case bad:
			s.violate("frame without an envelope_id")
		default:
			s.acknowledged(so, ack.EnvelopeID, ack.Payload)
		}
		s.mu.Unlock()
	}
}

// gone forgets the socket; what was not acknowledged on it has failed.
func (s *Sim) gone(so *socket) {
	so.cut()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sockets = slices.DeleteFunc(s.sockets, func(x *socket) bool { return x == so })
	if s.closed {
		return
	}
	var failed []*flight
	for _, f := range s.flights {
		if f.open && f.sockets[len(f.sockets)-1] == so {
			failed = append(failed, f)
		}
	}
	slices.SortFunc(failed, func(a, b *flight) int { return a.serial - b.serial })
	for _, f := range failed {
		s.land(f)
		s.failed(f.delivery)
	}
	s.changed()
}

// pick draws a socket that may get an event. The lock is held.
func (s *Sim) pick() *socket {
	var fit []*socket
	for _, so := range s.sockets {
		if !so.leaving && !so.stopped.Load() {
			fit = append(fit, so)
		}
	}
	if len(fit) == 0 {
		return nil
	}
	return fit[s.rand.IntN(len(fit))]
}

// SetDoor says what happens to sockets opened from now on; an unknown word is an error.
func (s *Sim) SetDoor(d Door) error {
	if !slices.Contains(doors, d) {
		return fmt.Errorf("unknown door %q", d)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.door = d
	return nil
}

// DropSockets cuts all sockets without a word.
func (s *Sim) DropSockets() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, so := range s.sockets {
		so.cut()
	}
}

// MuteSockets makes the open sockets dead without closing them: no more pings and events, nothing is heard.
func (s *Sim) MuteSockets() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, so := range s.sockets {
		so.mute.Store(true)
	}
}

// Disconnect tells all sockets why they will be cut, Config.Parting later: "warning" (they still get events until
// then), "refresh_requested" or "link_disabled".
func (s *Sim) Disconnect(reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, so := range s.sockets {
		so.push(disconnectFrame(reason))
		so.leaving = reason != "warning"
		s.after(s.cfg.Parting, so.cut)
	}
}
