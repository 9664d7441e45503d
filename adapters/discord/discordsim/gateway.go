package discordsim

import (
	"bytes"
	"compress/zlib"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/gorilla/websocket"
)

const (
	maxFrame        = 4096 // bytes of a client's payload
	sendsPerMinute  = 120
	keptControl     = 1000
	compressAbove   = 8 << 10
	writeTime       = 10 * time.Second
	goodbyeTime     = time.Second
	invalidSessions = 10 // op 9 on one connection before it is closed
)

type gateway struct {
	injuries
	conns      map[*conn]bool
	sessions   map[string]*session
	identifies tally
	lastTry    time.Time // of Identify
	connected  int       // connections so far
	resumed    int       // Resume that succeeded so far
	heartbeats int       // so far
}

func newGateway() gateway {
	return gateway{conns: map[*conn]bool{}, sessions: map[string]*session{}, identifies: tally{per: 24 * time.Hour}}
}

// conn is one websocket. A reader and a writer goroutine serve it; its fields are under the simulator's lock.
type conn struct {
	ws       *websocket.Conn
	wake     chan struct{} // holds one: there is something to write
	done     chan struct{} // closed when the reader has ended
	out      [][]byte      // control frames to write before events
	backlog  [][]byte      // events a Resume repeats
	sess     *session
	next     int64 // seq to write next
	compress bool
	frozen   bool
	closing  int // close code to send
	refused  int // op 9 sent
	sends    tally
}

func (c *conn) ring() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

func (c *conn) raw(frame []byte) {
	if len(c.out) >= keptControl {
		c.cut()
		return
	}
	c.out = append(c.out, frame)
	c.ring()
}

func (c *conn) control(o object) {
	b, _ := json.Marshal(o)
	c.raw(b)
}

// freeze stops answering; the connection stays open as long as the client likes.
func (c *conn) freeze() {
	c.frozen = true
	_ = c.ws.NetConn().SetReadDeadline(time.Time{})
}

func (c *conn) close(code int) {
	if c.closing == 0 {
		c.closing = code
	}
	c.ring()
}

// cut resets the TCP connection.
func (c *conn) cut() {
	if tcp, ok := c.ws.NetConn().(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.ws.NetConn().Close()
}

func (s *Sim) serveGateway(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	refuse := s.gateway.refuse
	s.mu.Unlock()
	if refuse {
		panic(http.ErrAbortHandler)
	}
	upgrader := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	ws, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return // the upgrader has answered
	}
	c := &conn{ws: ws, wake: make(chan struct{}, 1), done: make(chan struct{}), sends: tally{per: time.Minute}}
	c.extend(s.cfg.HeartbeatInterval)

	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		_ = ws.Close()
		return
	}
	g := &s.gateway
	g.conns[c] = true
	g.connected++
	q := r.URL.Query()
	switch v := q.Get("v"); {
	case v != "9" && v != "10" || q.Get("encoding") != "json":
		s.violate("gateway: version %q with encoding %q", v, q.Get("encoding"))
		c.close(4012)
	case g.silent:
		c.freeze()
	case g.op7BeforeHello > 0:
		g.op7BeforeHello--
		c.control(object{"op": 7, "d": nil})
	case g.slowHello > 0:
		time.AfterFunc(g.slowHello, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.hello(c)
		})
		g.slowHello = 0
	default:
		s.hello(c)
	}
	s.changedLocked()
	s.running.Go(func() { s.write(c) })
	s.mu.Unlock()
	s.read(c)
}

func (s *Sim) hello(c *conn) {
	c.control(object{"op": 10, "t": nil, "s": nil, "d": object{"heartbeat_interval": s.cfg.HeartbeatInterval.Milliseconds()}})
}

// extend gives the client two intervals for its next heartbeat.
func (c *conn) extend(interval time.Duration) { _ = c.ws.SetReadDeadline(time.Now().Add(2 * interval)) }

// read handles what the client sends until the connection ends.
func (s *Sim) read(c *conn) {
	for {
		kind, data, err := c.ws.ReadMessage()
		if err != nil {
			s.ended(c, err)
			break
		}
		s.mu.Lock()
		if c.closing == 0 {
			s.receive(c, kind, data)
		}
		s.mu.Unlock()
	}
	close(c.done)
	_ = c.ws.Close()
}

// ended parts with a connection whose reading failed with err.
func (s *Sim) ended(c *conn, err error) {
	s.mu.Lock()
	timedOut := late(err) && c.closing == 0
	if timedOut {
		s.violate("gateway: no heartbeat for two intervals")
		c.closing = 4009
	}
	// Closing with 1000 or 1001 is how a client says it will not resume.
	s.detach(c, timedOut || websocket.IsCloseError(err, 1000, 1001))
	delete(s.gateway.conns, c)
	s.changedLocked()
	s.mu.Unlock()
	if timedOut {
		_ = c.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(4009, closeText[4009]), time.Now().Add(goodbyeTime))
	}
}

func late(err error) bool {
	var e net.Error
	return errors.As(err, &e) && e.Timeout()
}

// write sends control frames, then events, in order.
func (s *Sim) write(c *conn) {
	for {
		select {
		case <-c.done:
			return
		case <-c.wake:
		}
		for {
			batch, closing, ok := s.batch(c)
			if !ok {
				c.cut()
				return
			}
			for _, data := range batch {
				if c.send(data) != nil {
					c.cut()
					return
				}
			}
			if closing != 0 {
				_ = c.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(closing, closeText[closing]), time.Now().Add(goodbyeTime))
				_ = c.ws.NetConn().SetReadDeadline(time.Now().Add(goodbyeTime)) // let the client answer, so that no reset overtakes the frame
				return
			}
			if len(batch) == 0 {
				break
			}
		}
	}
}

// batch takes what is to be written. It is not ok when events the client has not seen are no longer kept.
func (s *Sim) batch(c *conn) (batch [][]byte, closing int, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	batch, c.out = c.out, nil
	if c.frozen {
		return batch, c.closing, true
	}
	batch, c.backlog = append(batch, c.backlog...), nil
	if x := c.sess; x != nil {
		if c.next < x.oldest() {
			return nil, 0, false
		}
		for _, f := range x.frames[c.next-x.oldest():] {
			if len(batch) >= 256 {
				break
			}
			batch = append(batch, f.data)
			c.next = f.seq + 1
		}
	}
	return batch, c.closing, true
}

func (c *conn) send(data []byte) error {
	_ = c.ws.SetWriteDeadline(time.Now().Add(writeTime))
	if !c.compress || len(data) < compressAbove {
		return c.ws.WriteMessage(websocket.TextMessage, data)
	}
	var packed bytes.Buffer
	z := zlib.NewWriter(&packed)
	_, _ = z.Write(data) // into memory: cannot fail
	_ = z.Close()
	return c.ws.WriteMessage(websocket.BinaryMessage, packed.Bytes())
}

// detach parts a connection from its session, which stays resumable unless it is to end.
func (s *Sim) detach(c *conn, end bool) {
	x := c.sess
	if x == nil {
		return
	}
	c.sess, x.conn, x.detachedAt = nil, nil, s.now()
	if end {
		delete(s.gateway.sessions, x.id)
	}
}

// expireSessions drops sessions that nobody resumed in time.
func (s *Sim) expireSessions() {
	for id, x := range s.gateway.sessions {
		if x.conn == nil && s.now().Sub(x.detachedAt) > s.cfg.ResumeWindow {
			delete(s.gateway.sessions, id)
		}
	}
}

var closeText = map[int]string{
	4000: "Unknown error.", 4001: "Unknown opcode.", 4002: "Decode error.", 4003: "Not authenticated.",
	4004: "Authentication failed.", 4005: "Already authenticated.", 4007: "Invalid seq.", 4008: "Rate limited.",
	4009: "Session timed out.", 4010: "Invalid shard.", 4011: "Sharding required.", 4012: "Invalid API version.",
	4013: "Invalid intent(s).", 4014: "Disallowed intent(s).",
}
