package discordsim

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// peer is a bare gateway client.
type peer struct {
	t       *testing.T
	ws      *websocket.Conn
	session string
	seq     int64
}

type payload struct {
	Op int
	T  string
	S  int64
	D  json.RawMessage
}

func (w world) dial() *peer {
	w.t.Helper()
	ws, resp, err := websocket.DefaultDialer.Dial(w.gatewayURL()+"/?v=10&encoding=json", nil)
	if err != nil {
		w.t.Fatal(err)
	}
	_ = resp.Body.Close()
	w.t.Cleanup(func() { _ = ws.Close() })
	_ = ws.SetReadDeadline(time.Now().Add(10 * time.Second))
	return &peer{t: w.t, ws: ws}
}

func (p *peer) send(frame string) {
	p.t.Helper()
	if err := p.ws.WriteMessage(websocket.TextMessage, []byte(frame)); err != nil {
		p.t.Fatal(err)
	}
}

func (p *peer) next() payload {
	p.t.Helper()
	var x payload
	if err := p.ws.ReadJSON(&x); err != nil {
		p.t.Fatal(err)
	}
	if x.S > 0 {
		p.seq = x.S
	}
	return x
}

func (p *peer) expect(op int, event string) payload {
	p.t.Helper()
	x := p.next()
	if x.Op != op || x.T != event {
		p.t.Fatalf("got op %d %s %s, want op %d %s", x.Op, x.T, x.D, op, event)
	}
	return x
}

func (p *peer) closed() int {
	p.t.Helper()
	for {
		_, _, err := p.ws.ReadMessage()
		var e *websocket.CloseError
		if errors.As(err, &e) {
			return e.Code
		}
		if err != nil {
			return 0
		}
	}
}

const identify = `{"op":2,"d":{"token":"sim-bot-token","intents":37377,"properties":{}}}`

// identified is a client past READY and its one GUILD_CREATE.
func (w world) identified() *peer {
	w.t.Helper()
	p := w.dial()
	p.expect(10, "")
	p.send(identify)
	var ready struct {
		Session string `json:"session_id"`
	}
	if err := json.Unmarshal(p.expect(0, "READY").D, &ready); err != nil {
		w.t.Fatal(err)
	}
	p.session = ready.Session
	p.expect(0, "GUILD_CREATE")
	return p
}

func (p *peer) resume(w world) *peer {
	p.t.Helper()
	q := w.dial()
	q.expect(10, "")
	q.send(fmt.Sprintf(`{"op":6,"d":{"token":"sim-bot-token","session_id":%q,"seq":%d}}`, p.session, p.seq))
	return q
}

func TestGatewayCloseCodes(t *testing.T) {
	t.Parallel()
	long := fmt.Sprintf(`{"op":1,"d":"%05000d"}`, 0)
	for _, test := range []struct {
		name   string
		frames []string
		want   int
	}{
		{"wrong token", []string{`{"op":2,"d":{"token":"x","intents":1}}`}, 4004},
		{"unknown intents", []string{`{"op":2,"d":{"token":"sim-bot-token","intents":524288}}`}, 4013},
		{"no intents", []string{`{"op":2,"d":{"token":"sim-bot-token"}}`}, 4013},
		{"content not enabled", []string{`{"op":2,"d":{"token":"sim-bot-token","intents":32768}}`}, 4014},
		{"members", []string{`{"op":2,"d":{"token":"sim-bot-token","intents":2}}`}, 4014},
		{"bad shard", []string{`{"op":2,"d":{"token":"sim-bot-token","intents":1,"shard":[2,2]}}`}, 4010},
		{"unknown op", []string{`{"op":77}`}, 4001},
		{"no JSON", []string{`{`}, 4002},
		{"too long", []string{long}, 4002},
		{"presence before Identify", []string{`{"op":3,"d":{}}`}, 4003},
		{"twice", []string{`{"op":2,"d":{"token":"sim-bot-token","intents":1}}`, `{"op":2,"d":{"token":"sim-bot-token","intents":1}}`}, 4005},
		{"too many", slices.Repeat([]string{`{"op":1,"d":null}`}, 121), 4008},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, Config{NoMessageContent: true})
			p := w.dial()
			p.expect(10, "")
			for _, f := range test.frames {
				p.send(f)
			}
			if got := p.closed(); got != test.want {
				t.Errorf("closed with %d, want %d", got, test.want)
			}
			if len(w.Violations()) != 1 {
				t.Errorf("violations %q", w.Violations())
			}
		})
	}
}

func TestResumeReplaysInOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{})
	p := w.identified()
	w.post(w.channel, "1")
	p.expect(0, "MESSAGE_CREATE")
	w.Zombie()
	w.post(w.channel, "2")
	p.send(`{"op":1,"d":1}`)
	w.post(w.channel, "3")
	q := p.resume(w)
	for _, want := range []string{"2", "3"} {
		var m struct{ Content string }
		if err := json.Unmarshal(q.expect(0, "MESSAGE_CREATE").D, &m); err != nil || m.Content != want {
			t.Fatalf("replayed %q, want %q", m.Content, want)
		}
	}
	q.expect(0, "RESUMED")
	w.post(w.channel, "4")
	q.expect(0, "MESSAGE_CREATE")
	q.session = p.session
	_ = q.ws.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(1000, ""))
	q.closed()
	w.until("the session ends", func(v *View) bool { return len(v.Gateway().Sessions) == 0 })
	if x := q.resume(w).expect(9, ""); string(x.D) != "false" {
		t.Errorf("resumed a session closed with 1000: %s", x.D)
	}
}

func TestResumeRefused(t *testing.T) {
	t.Parallel()
	t.Run("window over", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, Config{})
		p := w.identified()
		w.DropGateway()
		w.until("parted", func(v *View) bool { return v.Gateway().Open == 0 })
		w.Advance(time.Hour)
		p.resume(w).expect(9, "")
	})
	t.Run("seq of the future", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, Config{})
		p := w.identified()
		p.seq += 10
		if got := p.resume(w).closed(); got != 4007 {
			t.Errorf("closed with %d", got)
		}
	})
	t.Run("invalid session", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, Config{})
		p := w.identified()
		w.InvalidSession(true)
		if x := p.expect(9, ""); string(x.D) != "true" {
			t.Errorf("op 9 with %s", x.D)
		}
		p.resume(w).expect(0, "RESUMED")
		w.InvalidSession(false)
		p.resume(w).expect(9, "")
	})
}

func TestGatewayInjuries(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{})
	w.Op7BeforeHello(1)
	w.dial().expect(7, "")
	w.Op7AfterIdentify(1)
	p := w.dial()
	p.expect(10, "")
	p.send(identify)
	p.expect(7, "")
	w.Advance(time.Minute)

	p = w.identified()
	w.Duplicate(1)
	w.post(w.channel, "a")
	p.expect(0, "MESSAGE_CREATE")
	p.expect(0, "MESSAGE_CREATE")
	w.Swap()
	first := w.post(w.channel, "b")
	second := w.post(w.channel, "c")
	for _, want := range []string{second, first} {
		var m struct{ ID string }
		if err := json.Unmarshal(p.expect(0, "MESSAGE_CREATE").D, &m); err != nil || m.ID != want {
			t.Fatalf("got %s, want %s", m.ID, want)
		}
	}
	w.Emit("SOMETHING_NEW", w.guild, json.RawMessage(`{"a":1}`))
	p.expect(0, "SOMETHING_NEW")
	w.RequestHeartbeat()
	p.expect(1, "")
	p.send(`{"op":1,"d":null}`)
	p.expect(11, "")
	w.SendRaw([]byte(`{"op":0,`))
	if _, data, err := p.ws.ReadMessage(); err != nil || string(data) != `{"op":0,` {
		t.Fatalf("raw frame: %s %v", data, err)
	}
	w.Reconnect()
	p.expect(7, "")
	w.CloseGateway(4000)
	if got := p.closed(); got != 4000 {
		t.Errorf("closed with %d", got)
	}
	p.resume(w).expect(0, "RESUMED")
	w.Refuse(true)
	if _, resp, err := websocket.DefaultDialer.Dial(w.gatewayURL()+"/?v=10&encoding=json", nil); err == nil {
		_ = resp.Body.Close()
		t.Error("a refused connection was made")
	}
	w.Heal()
	w.Silent(true)
	p = w.dial()
	w.until("connected", func(v *View) bool { return v.Gateway().Open == 2 })
	w.Heal()
	w.DropGateway()
	if got := p.closed(); got != 0 {
		t.Errorf("a dropped line closed with %d", got)
	}
	w.noViolations()
}

func TestSilentClientIsClosed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{HeartbeatInterval: 50 * time.Millisecond})
	p := w.identified()
	if got := p.closed(); got != 4009 {
		t.Errorf("closed with %d", got)
	}
	if len(w.Violations()) != 1 {
		t.Errorf("violations %q", w.Violations())
	}
}

func TestIdentifyLimits(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{IdentifyTotal: 2})
	w.identified()
	p := w.dial()
	p.expect(10, "")
	p.send(identify)
	p.expect(9, "")
	w.Advance(time.Minute)
	p.send(identify)
	if got := p.closed(); got != 4004 {
		t.Errorf("closed with %d", got)
	}
	if r := w.call("GET", "/users/@me", ""); r.status != 401 {
		t.Errorf("the old token still works: %d", r.status)
	}
	if len(w.Violations()) != 2 {
		t.Errorf("violations %q", w.Violations())
	}
}

func TestIntentsFilter(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{})
	p := w.dial()
	p.expect(10, "")
	p.send(`{"op":2,"d":{"token":"Bot sim-bot-token","intents":512}}`)
	p.expect(0, "READY")
	w.thread() // the thread needs another intent, its announcement does not
	w.post(w.OpenDM(w.user), "hidden")
	w.post(w.channel, "secret")
	w.post(w.channel, "open <@"+w.bot.ID+">")
	for _, want := range []string{"", "", "open <@" + w.bot.ID + ">"} {
		var m struct{ Content string }
		if err := json.Unmarshal(p.expect(0, "MESSAGE_CREATE").D, &m); err != nil || m.Content != want {
			t.Fatalf("content %q, want %q", m.Content, want)
		}
	}
}
