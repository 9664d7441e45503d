package discord

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"ccbridge/adapters/discord/discordsim"
	"ccbridge/bridge"
)

// Injuries after which the session goes on: resumed, no gap, and what was said meanwhile comes.
func TestLineResumes(t *testing.T) {
	t.Parallel()
	for name, injure := range map[string]func(*discordsim.Sim){
		"dropped":             func(s *discordsim.Sim) { s.DropGateway() },
		"op 7":                func(s *discordsim.Sim) { s.Reconnect() },
		"close 4000":          func(s *discordsim.Sim) { s.CloseGateway(4000) },
		"op 9 resumable":      func(s *discordsim.Sim) { s.InvalidSession(true) },
		"op 7 before hello":   func(s *discordsim.Sim) { s.Op7BeforeHello(2); s.Reconnect() },
		"op 7 after resume":   func(s *discordsim.Sim) { s.Op7AfterIdentify(2); s.DropGateway() },
		"refused for a while": func(s *discordsim.Sim) { s.Refuse(true); s.DropGateway(); s.Refuse(false) },
		"zombie":              func(s *discordsim.Sim) { s.Zombie() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, discordsim.Config{HeartbeatInterval: 500 * time.Millisecond}, true)
			injure(w.sim)
			root := w.post(w.help, w.ann, "meanwhile")
			if ev := w.inbox.got(t, 1)[0]; ev.Thread.Root != root {
				t.Errorf("got %v", ev.Thread)
			}
			w.inbox.until(t, "resumed", func() bool { n, gaps := w.inbox.ups(); return n == 2 && gaps == 1 })
			if l := w.inbox.last(t, 1); !l.Reconnect || l.Gap {
				t.Errorf("last line %+v", l)
			}
			w.clean()
		})
	}
}

// Injuries after which there is a new session: Gap is told before anything else is put.
func TestLineStartsAnew(t *testing.T) {
	t.Parallel()
	for name, injure := range map[string]func(*discordsim.Sim){
		"op 9":                  func(s *discordsim.Sim) { s.InvalidSession(false) },
		"session forgotten":     func(s *discordsim.Sim) { s.Forget(); s.DropGateway() },
		"close 4007":            func(s *discordsim.Sim) { s.CloseGateway(4007) },
		"close 4009":            func(s *discordsim.Sim) { s.CloseGateway(4009) },
		"op 7 after identify":   func(s *discordsim.Sim) { s.Forget(); s.Op7AfterIdentify(2); s.DropGateway() },
		"op 7 before hello too": func(s *discordsim.Sim) { s.Forget(); s.Op7BeforeHello(2); s.DropGateway() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, discordsim.Config{}, true)
			injure(w.sim)
			w.inbox.until(t, "a new session", func() bool { _, gaps := w.inbox.ups(); return gaps == 2 })
			w.post(w.help, w.ann, "afterwards")
			w.inbox.got(t, 1)
			w.clean()
		})
	}
}

// What counts is when an Identify goes out: a slow Hello must not bring it near to the next.
func TestIdentifySpacing(t *testing.T) {
	t.Parallel()
	const gap = 400 * time.Millisecond
	w := newWorld(t, discordsim.Config{IdentifySpacing: gap}, false, func(c *Config) { c.Waits.IdentifyGap = gap + gap/4 })
	w.sim.SlowHello(gap)
	w.sim.Op7AfterIdentify(1)
	w.run()
	w.inbox.until(t, "the line", func() bool { n, _ := w.inbox.ups(); return n == 1 })
	w.sim.View(func(v *discordsim.View) {
		if n := v.Gateway().Identified; n != 2 {
			t.Errorf("%d Identify", n)
		}
	})
	w.clean()
}

func TestSilentServer(t *testing.T) {
	t.Parallel()
	w := newWorld(t, discordsim.Config{}, false, func(c *Config) { c.Waits.Open = 300 * time.Millisecond })
	w.sim.Silent(true)
	w.run()
	if l := w.inbox.last(t, 2); l.State != bridge.LineDown {
		t.Errorf("line %+v", l)
	}
	w.sim.Heal()
	w.inbox.until(t, "up", func() bool { n, _ := w.inbox.ups(); return n == 1 })
	w.ok(w.stop())
	w.clean()
}

func TestHeartbeatOnRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t, discordsim.Config{}, true)
	w.sim.RequestHeartbeat()
	w.until("a heartbeat", func(v *discordsim.View) bool { return v.Gateway().Heartbeats >= 2 })
	w.clean()
}

func TestFatalCloses(t *testing.T) {
	t.Parallel()
	for _, code := range []int{4004, 4010, 4011, 4012, 4013, 4014} {
		t.Run(strconv.Itoa(code), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, discordsim.Config{}, true)
			w.sim.CloseGateway(code)
			w.inbox.until(t, "failed", func() bool { return w.inbox.lines[len(w.inbox.lines)-1].State == bridge.LineFailed })
			if err := w.stop(); err == nil || strings.Contains(err.Error(), simToken) {
				t.Errorf("code %d: Run returned %v", code, err)
			}
			w.sim.View(func(v *discordsim.View) {
				if n := v.Gateway().Identified; n != 1 {
					t.Errorf("code %d: %d Identify", code, n)
				}
			})
		})
	}
}

func TestBadTokenBurnsNoIdentify(t *testing.T) {
	t.Parallel()
	w := newWorld(t, discordsim.Config{}, false, func(c *Config) { c.BotToken = "wrong" })
	w.run()
	if l := w.inbox.last(t, 1); l.State != bridge.LineFailed {
		t.Errorf("line %+v", l)
	}
	if err := w.stop(); err == nil {
		t.Error("Run returned nil")
	}
	w.sim.View(func(v *discordsim.View) {
		if v.Gateway().Connected != 0 {
			t.Error("it connected to the gateway")
		}
	})
}

// A long limit on the question for the gateway's address shows as an outage.
func TestGatewayLimited(t *testing.T) {
	t.Parallel()
	w := newWorld(t, discordsim.Config{}, false)
	w.sim.Fail(discordsim.Fault{Route: "GET /gateway/bot", Status: 429, Body: `{"message":"x","retry_after":300,"global":true}`})
	w.run()
	if l := w.inbox.last(t, 1); l.State != bridge.LineDown || !strings.Contains(l.Detail, "429") {
		t.Errorf("line %+v", l)
	}
	w.ok(w.stop())
	w.clean()
}

func TestIntentNotEnabled(t *testing.T) {
	t.Parallel()
	w := newWorld(t, discordsim.Config{NoMessageContent: true}, false)
	w.run()
	if l := w.inbox.last(t, 1); l.State != bridge.LineFailed || !strings.Contains(l.Detail, "4014") || !strings.Contains(l.Detail, "intent") {
		t.Errorf("line %+v", l)
	}
}

func TestIntentsAndGracefulEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t, discordsim.Config{}, true)
	w.sim.View(func(v *discordsim.View) {
		if s := v.Gateway().Sessions; len(s) != 1 || s[0].Intents != 37377 {
			t.Errorf("sessions %+v", s)
		}
	})
	w.ok(w.stop())
	// 1000: Discord forgets the session at once.
	w.until("no session", func(v *discordsim.View) bool { return len(v.Gateway().Sessions) == 0 })
	w.clean()
}

// Resume goes to the address that READY named.
func TestResumeAddress(t *testing.T) {
	t.Parallel()
	gw := &sdkGateway{token: "Bot x", ready: true}
	if _, ok := gw.Resume(); ok {
		t.Error("nothing to resume without a session")
	}
	if err := gw.renew(); err != nil {
		t.Fatal(err)
	}
	gw.resumeURL = "wss://resume.example"
	if at, ok := gw.Resume(); !ok || at != "wss://resume.example" {
		t.Errorf("resume at %q, %v", at, ok)
	}
	for given, want := range map[string]string{
		"wss://resume.example":      "wss://resume.example/?encoding=json&v=9",
		"ws://127.0.0.1:80/gw?x=1":  "ws://127.0.0.1:80/gw?encoding=json&v=9&x=1",
		"https://gateway.example":   "",
		"gateway.example":           "",
		"ws://":                     "",
		"ws://h/\x00":               "",
		"wss://gateway.discord.gg/": "wss://gateway.discord.gg/?encoding=json&v=9",
	} {
		if got, _ := socketAddress(given); got != want {
			t.Errorf("%q: %q, want %q", given, got, want)
		}
	}
}

// Where nobody answers a resume, the next one goes to the general address, and at last a new session is begun.
func TestResumeUnanswered(t *testing.T) {
	t.Parallel()
	silent := gatewayOf(t)
	gw := &sdkGateway{
		token: "Bot x", waits: Waits{Open: time.Second}.withDefaults(), sink: func(dispatch) {},
		relay: relayConfig{idle: time.Minute, write: time.Second, room: func() bool { return true }, identified: func() {}},
	}
	if err := gw.renew(); err != nil {
		t.Fatal(err)
	}
	gw.ready, gw.resumeURL = true, silent
	for n := 1; n <= maxUnopened; n++ {
		if e := gw.Serve(t.Context(), silent); e.fatal || e.detail != "no session in time" {
			t.Errorf("%d: %+v", n, e)
		}
		if at, ok := gw.Resume(); at != "" || ok != (n < maxUnopened) {
			t.Errorf("after %d: resume at %q, %v", n, at, ok)
		}
	}
}

// A session of the SDK that does not come back is left behind, but not without end.
func TestStuckSessions(t *testing.T) {
	t.Parallel()
	gw := &sdkGateway{token: "Bot x"}
	for n := 1; n <= maxStuck; n++ {
		if err := gw.renew(); err != nil {
			t.Fatal(err)
		}
		if e := gw.abandon(); e.fatal != (n == maxStuck) || gw.session != nil {
			t.Errorf("after %d: %+v", n, e)
		}
	}
}

func TestBackoff(t *testing.T) {
	t.Parallel()
	a := bareAdapter(t)
	for n := range 100 {
		most := time.Minute
		if n < 6 {
			most = time.Second << n
		}
		if d := a.backoff(n); d < most/2 || d > most+settle {
			t.Errorf("after %d failures %s", n, d)
		}
	}
}

// gatewayOf is a server that speaks the frames it is given, after Hello and the client's first frame.
func gatewayOf(t *testing.T, frames ...string) string {
	t.Helper()
	return gatewayWith(t, `{"op":10,"d":{"heartbeat_interval":60000}}`, frames...)
}

func gatewayWith(t *testing.T, hello string, frames ...string) string {
	t.Helper()
	var up websocket.Upgrader
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		c, err := up.Upgrade(rw, r, nil)
		if err != nil {
			return
		}
		defer c.Close()
		_ = c.WriteMessage(websocket.TextMessage, []byte(hello))
		if _, _, err := c.ReadMessage(); err != nil {
			return
		}
		for _, f := range frames {
			_ = c.WriteMessage(websocket.TextMessage, []byte(f))
		}
		for err == nil {
			_, _, err = c.ReadMessage()
		}
	}))
	t.Cleanup(s.Close)
	return "ws" + strings.TrimPrefix(s.URL, "http")
}

// Frames that would make the SDK panic do not reach it, and what follows does.
func TestHarmfulFrames(t *testing.T) {
	t.Parallel()
	address := gatewayOf(t,
		`{"op":0,"s":1,"t":"READY","d":{"session_id":"s","user":{"id":"1"},"guilds":[null]}}`,
		`{"op":0,"s":2,"t":"GUILD_CREATE","d":null}`, `{"op":0,"s":3,"t":"GUILD_UPDATE"}`, `{"op":7777}`, `[]`, `{"op":"x"}`, `null`,
		`{"op":10,"d":{"heartbeat_interval":41250}}`,
		`{"op":0,"s":4,"t":"MESSAGE_CREATE","d":{"id":"5"}}`,
		`{"op":0,"s":5,"t":"GUILD_CREATE","d":{"channels":[null],"threads":[null],"members":[null]}}`,
	)
	got := make(chan dispatch, 10)
	gw := &sdkGateway{
		token: "Bot x", waits: Waits{}.withDefaults(), sink: func(d dispatch) { got <- d },
		relay: relayConfig{idle: time.Minute, write: time.Second, room: func() bool { return true }, identified: func() {}},
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan *lineError)
	go func() { ended <- gw.Serve(ctx, address) }()
	if d := <-got; d.kind != "READY" {
		t.Errorf("first %+v", d)
	}
	if d := <-got; d.kind != "MESSAGE_CREATE" || d.seq != 4 {
		t.Errorf("then %+v", d)
	}
	if d := <-got; d.kind != "GUILD_CREATE" || string(d.data) != `{"channels":[null],"threads":[null],"members":[null]}` {
		t.Errorf("then %+v", d)
	}
	cancel()
	if e := <-ended; !e.stopped {
		t.Errorf("ended with %+v", e)
	}
}

// A Hello whose interval is none ends the connection, not the process.
func TestOddHello(t *testing.T) {
	t.Parallel()
	for _, hello := range []string{`{"op":10}`, `{"op":10,"d":{}}`, `{"op":10,"d":{"heartbeat_interval":-1}}`, `{"op":10,"d":{"heartbeat_interval":9e18}}`} {
		gw := &sdkGateway{
			token: "Bot x", waits: Waits{}.withDefaults(), sink: func(dispatch) {},
			relay: relayConfig{idle: time.Minute, write: time.Second, room: func() bool { return true }, identified: func() {}},
		}
		if e := gw.Serve(t.Context(), gatewayWith(t, hello)); e == nil || e.fatal || !strings.Contains(e.detail, "Hello") {
			t.Errorf("%s: %+v", hello, e)
		}
	}
}

// closedAddress is where nobody listens.
func closedAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestUnreachableGateway(t *testing.T) {
	t.Parallel()
	gw := &sdkGateway{token: "Bot x", waits: Waits{}.withDefaults()}
	if e := gw.Serve(t.Context(), "ws://"+closedAddress(t)); !e.refused || e.fatal {
		t.Errorf("%+v", e)
	}
}

func TestReadFailures(t *testing.T) {
	t.Parallel()
	if e := readFailure(io.ErrUnexpectedEOF); e.fatal || e.forget {
		t.Errorf("lost connection: %+v", e)
	}
	for code, want := range map[int]lineError{
		1000: {}, 1006: {}, 4000: {}, 4008: {}, 4003: {forget: true}, 4007: {forget: true}, 4009: {forget: true},
		4004: {fatal: true}, 4010: {fatal: true}, 4011: {fatal: true}, 4012: {fatal: true}, 4013: {fatal: true}, 4014: {fatal: true},
	} {
		if e := readFailure(&websocket.CloseError{Code: code}); e.fatal != want.fatal || e.forget != want.forget {
			t.Errorf("code %d: %+v", code, e)
		}
	}
	if e := addressFailure(&apiError{status: 401}); !e.fatal {
		t.Error("401 is not fatal")
	}
	if e := addressFailure(errors.New("x")); e.fatal {
		t.Error("an unknown error is fatal")
	}
}
