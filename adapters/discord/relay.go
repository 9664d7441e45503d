package discord

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
)

// relay stands between Discord's gateway and the SDK and passes frames on, both ways. It is there because the SDK
// cannot be trusted with some of them: op 7 before READY locks it up for ever, op 9 makes it identify at once on a
// dead session, op 1 during a close is a nil dereference, events of an odd form are too, and whenever it closes a connection it does so with code
// 1000, which throws the session and with it the missed events away. Only the relay closes the line, and it knows why.
type relay struct {
	cfg     relayConfig
	discord *websocket.Conn
	pipe    net.Conn     // the relay's end of the pipe to the SDK
	write   sync.Mutex   // on discord
	seq     atomic.Int64 // of the last dispatch seen
	acked   atomic.Bool  // the last heartbeat was answered

	once  sync.Once
	cause *lineError    // why the line ended; set before done
	done  chan struct{} // closed when nothing of the relay runs any more
}

type relayConfig struct {
	idle  time.Duration // longest silence of Discord
	write time.Duration // longest write to Discord
	// room waits until there is room for one more dispatch; false if there was none for too long.
	room func() bool
	// identified is told when an Identify goes out.
	identified func()
}

// lineError says why a line ended and what may be done next.
type lineError struct {
	detail string
	// fatal: trying again is of no use, and forbidden.
	fatal bool
	// forget: the session cannot be resumed.
	forget bool
	// stopped: our own doing, in order.
	stopped bool
	// refused: no session was opened at this address.
	refused bool
}

func (e *lineError) Error() string { return e.detail }

// Frames' op codes (Discord: topics/opcodes-and-status-codes).
const (
	opDispatch       = 0
	opHeartbeat      = 1
	opIdentify       = 2
	opReconnect      = 7
	opInvalidSession = 9
	opHello          = 10
	opHeartbeatAck   = 11
)

// Close codes of our own: the first keeps the session, the second ends it.
const (
	closeResumable = 4000
	closeFinal     = websocket.CloseNormalClosure
)

// maxBeat is the longest heartbeat interval believed, in milliseconds. The SDK makes a ticker of any, and panics over
// some.
const maxBeat = 3_600_000

// maxFrame bounds what is read of one frame; the GUILD_CREATE of a great guild has some megabytes.
const maxFrame = 64 << 20

type frame struct {
	Op   int             `json:"op"`
	Data json.RawMessage `json:"d"`
	Seq  int64           `json:"s"`
	Type string          `json:"t"`
}

// startRelay connects to target and returns the SDK's end of the line. The relay ends by itself, by stop, and when ctx
// ends; then done is closed.
func startRelay(ctx context.Context, target string, cfg relayConfig, dialer *websocket.Dialer) (*relay, net.Conn, error) {
	conn, resp, err := dialer.DialContext(ctx, target, nil)
	if resp != nil && resp.Body != nil {
		_ = resp.Body.Close()
	}
	if err != nil {
		return nil, nil, fmt.Errorf("dial gateway: %w", err)
	}
	conn.SetReadLimit(maxFrame)
	ours, sdk := net.Pipe()
	r := &relay{cfg: cfg, discord: conn, pipe: ours, done: make(chan struct{})}
	r.acked.Store(true)
	go r.run(ctx)
	return r, sdk, nil
}

func (r *relay) run(ctx context.Context) {
	defer close(r.done)
	release := context.AfterFunc(ctx, func() {
		r.stop(&lineError{detail: "stopped", stopped: true}, closeCodeFor(ctx))
	})
	defer release()
	sdk, err := upgrade(r.pipe)
	if err != nil {
		r.stop(&lineError{detail: "handshake with the SDK"}, closeResumable)
		return
	}
	sdk.SetCloseHandler(func(int, string) error { return nil }) // nobody reads an echo
	up := make(chan struct{})
	go func() {
		defer close(up)
		r.pumpUp(sdk)
	}()
	r.pumpDown(sdk)
	<-up
}

// errKeepSession as the cause of a context's end asks for a close that keeps the session.
var errKeepSession = errors.New("keep the session")

func closeCodeFor(ctx context.Context) int {
	if errors.Is(context.Cause(ctx), errKeepSession) {
		return closeResumable
	}
	return closeFinal
}

// stop ends the line. The first cause counts.
func (r *relay) stop(cause *lineError, code int) {
	r.once.Do(func() {
		r.cause = cause
		deadline := time.Now().Add(time.Second)
		_ = r.discord.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, ""), deadline)
		_ = r.discord.Close()
		_ = r.pipe.Close()
	})
}

// pumpDown passes on what Discord says.
func (r *relay) pumpDown(sdk *websocket.Conn) {
	for {
		_ = r.discord.SetReadDeadline(time.Now().Add(r.cfg.idle))
		kind, raw, err := r.discord.ReadMessage()
		if err != nil {
			r.stop(readFailure(err), closeResumable)
			return
		}
		var f frame
		if kind != websocket.TextMessage || json.Unmarshal(raw, &f) != nil || !r.inspect(&f) {
			continue
		}
		if f.Op == opDispatch {
			if raw, err = disguised(&f); err != nil {
				continue
			}
		}
		if err := sdk.WriteMessage(kind, raw); err != nil {
			r.stop(&lineError{detail: "the SDK left the line"}, closeResumable)
			return
		}
	}
}

// inspect acts on a frame from Discord and says whether the SDK shall see it.
func (r *relay) inspect(f *frame) bool {
	switch f.Op {
	case opDispatch:
		if len(f.Data) == 0 || string(f.Data) == "null" { // says nothing, but RESUMED by its name
			return f.Type == "RESUMED"
		}
		if !r.cfg.room() {
			r.stop(&lineError{detail: "events come faster than they can be stored"}, closeResumable)
			return false
		}
		r.seq.Store(f.Seq)
	case opHeartbeat:
		_ = r.send(websocket.TextMessage, fmt.Appendf(nil, `{"op":1,"d":%d}`, r.seq.Load()))
		return false
	case opReconnect:
		r.stop(&lineError{detail: "Discord asked to reconnect"}, closeResumable)
		return false
	case opInvalidSession:
		r.stop(&lineError{detail: "session invalid", forget: string(f.Data) != "true"}, closeResumable)
		return false
	case opHello:
		var hello struct {
			Interval int64 `json:"heartbeat_interval"` // milliseconds
		}
		if json.Unmarshal(f.Data, &hello) != nil || hello.Interval <= 0 || hello.Interval > maxBeat {
			r.stop(&lineError{detail: "Hello without an interval"}, closeResumable)
			return false
		}
	case opHeartbeatAck:
		r.acked.Store(true)
	}
	return true
}

// disguise begins the name under which the SDK gets to see an event.
const disguise = "CCBRIDGE_"

// disguised writes a dispatch so that the SDK does not know the event and hands it over as it is: it would decode it for
// nothing, and panics over some, such as a GUILD_CREATE with an empty channel. It gets READY, which it has to know, with
// what the bridge uses alone, and RESUMED.
func disguised(f *frame) ([]byte, error) {
	out := *f
	switch f.Type {
	case "RESUMED":
		out.Data = json.RawMessage("{}")
	case "READY":
		var r ready
		if err := decode(f.Data, &r); err != nil {
			return nil, err
		}
		data, err := json.Marshal(r)
		if err != nil {
			return nil, fmt.Errorf("encode READY: %w", err)
		}
		out.Data = data
	default:
		out.Type = disguise + f.Type
	}
	return json.Marshal(out)
}

// pumpUp passes on what the SDK says.
func (r *relay) pumpUp(sdk *websocket.Conn) {
	for {
		kind, raw, err := sdk.ReadMessage()
		if err != nil {
			r.stop(&lineError{detail: "the SDK closed the line"}, closeResumable)
			return
		}
		var f struct {
			Op int `json:"op"`
		}
		_ = json.Unmarshal(raw, &f)
		switch {
		case f.Op == opHeartbeat && !r.acked.Swap(false):
			r.stop(&lineError{detail: "a heartbeat was not answered"}, closeResumable)
			return
		case f.Op == opIdentify:
			r.cfg.identified()
		}
		switch err := r.send(kind, raw); {
		case errors.Is(err, websocket.ErrCloseSent):
			return // Discord has closed, and its code says more: pumpDown has it
		case err != nil:
			r.stop(&lineError{detail: "write to Discord"}, closeResumable)
			return
		}
	}
}

func (r *relay) send(kind int, raw []byte) error {
	r.write.Lock()
	defer r.write.Unlock()
	_ = r.discord.SetWriteDeadline(time.Now().Add(r.cfg.write))
	return r.discord.WriteMessage(kind, raw)
}

// readFailure takes an error of reading from Discord apart.
func readFailure(err error) *lineError {
	var ce *websocket.CloseError
	if !errors.As(err, &ce) {
		return &lineError{detail: "connection lost"}
	}
	e := &lineError{detail: fmt.Sprintf("Discord closed with code %d", ce.Code)}
	switch ce.Code {
	case 4004: // authentication failed
		e.fatal, e.detail = true, e.detail+": the bot token is not valid"
	case 4010, 4011, 4012: // shard, sharding required, version
		e.fatal = true
	case 4013, 4014: // invalid and disallowed intents
		e.fatal, e.detail = true, e.detail+": switch on the message content intent in the developer portal"
	case 4003, 4007, 4009: // not authenticated, wrong sequence, session timed out
		e.forget = true
	}
	return e
}

// upgrade answers the SDK's WebSocket handshake.
func upgrade(conn net.Conn) (*websocket.Conn, error) {
	rw := bufio.NewReadWriter(bufio.NewReader(conn), bufio.NewWriter(conn))
	req, err := http.ReadRequest(rw.Reader)
	if err != nil {
		return nil, err
	}
	var u websocket.Upgrader
	return u.Upgrade(handshake{Conn: conn, rw: rw}, req, nil)
}

// handshake lets websocket.Upgrader work on a plain connection.
type handshake struct {
	net.Conn
	rw *bufio.ReadWriter
}

func (h handshake) Header() http.Header                          { return http.Header{} }
func (h handshake) WriteHeader(int)                              {}
func (h handshake) Hijack() (net.Conn, *bufio.ReadWriter, error) { return h.Conn, h.rw, nil }
