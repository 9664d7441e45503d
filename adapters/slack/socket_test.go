package slack

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"ccbridge/adapters/slack/slacksim"
	"ccbridge/bridge"
)

// last is the last report about the line; called under the inbox's lock.
func (in *inbox) last() bridge.Line {
	if len(in.lines) == 0 {
		return bridge.Line{}
	}
	return in.lines[len(in.lines)-1]
}

func TestLineUpWithGapAtStart(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Config{}, nil)
	r.in.mu.Lock()
	defer r.in.mu.Unlock()
	if first := r.in.lines[0]; first != (bridge.Line{State: bridge.LineUp, Gap: true}) {
		t.Errorf("first report %+v", first)
	}
	if opened := len(r.sim.Calls("apps.connections.open")); opened != 2 {
		t.Errorf("%d sockets opened", opened)
	}
}

type doerFunc func(*http.Request) (*http.Response, error)

func (f doerFunc) Do(req *http.Request) (*http.Response, error) { return f(req) }

// An empty body is no JSON, and says so.
func TestOpenSendsNoEmptyJSON(t *testing.T) {
	t.Parallel()
	a, err := New(Config{Name: "acme", BotToken: "xoxb-b", AppToken: "xapp-a"})
	if err != nil {
		t.Fatal(err)
	}
	var got http.Header
	once := &openOnce{client: doerFunc(func(req *http.Request) (*http.Response, error) {
		got = req.Header
		return nil, errSocketClosed
	})}
	if _, _, err := a.client(once).StartSocketModeContext(t.Context()); err == nil {
		t.Error("no error")
	}
	if got.Get("Content-Type") != "application/x-www-form-urlencoded" || got.Get("Authorization") != "Bearer xapp-a" {
		t.Errorf("headers %v", got)
	}
}

func TestReconnectAfterDrop(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Config{Retries: []time.Duration{0, 100 * time.Millisecond, time.Second}}, nil)
	r.sim.DropSockets()
	r.in.until(t, "down", func() bool {
		for _, l := range r.in.lines {
			if l.State == bridge.LineDown {
				return true
			}
		}
		return false
	})
	r.post(t, say(ada, "", "while away"))
	r.simUntil(t, "two sockets again", func() bool { return r.sim.Stats().Sockets == 2 })
	r.in.event(t, 1)
	r.in.until(t, "a gap and a reconnect", func() bool {
		gap, reconnect := false, false
		for _, l := range r.in.lines[1:] {
			gap = gap || l.State == bridge.LineUp && l.Gap
			reconnect = reconnect || l.Reconnect
		}
		return gap && reconnect
	})
}

// One socket that is refreshed is no gap: the other one is up.
func TestOneSocketLostIsNoGap(t *testing.T) {
	t.Parallel()
	var lines []bridge.Line
	l := &line{report: func(s bridge.Line) { lines = append(lines, s) }}
	l.up(false)
	l.up(false)
	l.down("closed")
	l.up(true)
	l.down("closed")
	l.down("closed")
	l.up(true)
	want := []bridge.Line{
		{State: bridge.LineUp, Gap: true},
		{State: bridge.LineUp, Reconnect: true},
		{State: bridge.LineDown, Detail: "closed"},
		{State: bridge.LineUp, Gap: true, Reconnect: true},
	}
	if len(lines) != len(want) {
		t.Fatalf("lines %+v", lines)
	}
	for i := range want {
		if lines[i] != want[i] {
			t.Errorf("line %d: %+v, want %+v", i, lines[i], want[i])
		}
	}
}

// Slack cuts each new socket at once: slack-go alone would open thousands a second.
func TestNoReconnectStorm(t *testing.T) {
	t.Parallel()
	for _, door := range []slacksim.Door{slacksim.DoorTooMany, slacksim.DoorClose, slacksim.DoorRefuse} {
		t.Run(string(door), func(t *testing.T) {
			t.Parallel()
			r := newRig(t, slacksim.Config{}, func(c *Config) { c.Waits.Backoff = []time.Duration{100 * time.Millisecond} })
			if err := r.sim.SetDoor(door); err != nil {
				t.Fatal(err)
			}
			r.run(t)
			r.simUntil(t, "two attempts", func() bool { return len(r.sim.Calls("apps.connections.open")) >= 2 })
			// Two sockets, at most one attempt per 100 ms each.
			r.never(t, "a storm", 300*time.Millisecond, func() bool { return len(r.sim.Calls("apps.connections.open")) > 10 })
			r.in.until(t, "down", func() bool { return r.in.last().State == bridge.LineDown })
			if err := r.sim.SetDoor(slacksim.DoorOpen); err != nil {
				t.Fatal(err)
			}
			r.in.until(t, "up", func() bool { return r.in.last().State == bridge.LineUp })
		})
	}
}

func TestSocketWithoutHelloIsReplaced(t *testing.T) {
	t.Parallel()
	r := newRig(t, slacksim.Config{}, func(c *Config) { c.Waits.Hello = 50 * time.Millisecond })
	if err := r.sim.SetDoor(slacksim.DoorMute); err != nil {
		t.Fatal(err)
	}
	r.run(t)
	r.in.until(t, "down", func() bool { return r.in.last() == bridge.Line{State: bridge.LineDown, Detail: "no hello"} })
	if err := r.sim.SetDoor(slacksim.DoorOpen); err != nil {
		t.Fatal(err)
	}
	r.in.until(t, "up", func() bool { return r.in.last().State == bridge.LineUp && r.in.last().Gap })
}

func TestDeadSocketIsNoticed(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Config{PingInterval: 50 * time.Millisecond, AckTimeout: 200 * time.Millisecond, Retries: make([]time.Duration, 20)}, func(c *Config) { c.Waits.Ping = 300 * time.Millisecond })
	r.sim.MuteSockets()
	before := r.sim.Stats().SocketsEver
	r.simUntil(t, "new sockets", func() bool { return r.sim.Stats().SocketsEver >= before+2 })
	r.post(t, say(ada, "", "hello")) // comes again if it went to a dead socket
	r.in.event(t, 1)
}

func TestRefreshIsFollowed(t *testing.T) {
	t.Parallel()
	for _, reason := range []string{"warning", "refresh_requested"} {
		t.Run(reason, func(t *testing.T) {
			t.Parallel()
			r := start(t, slacksim.Config{Parting: 50 * time.Millisecond, Retries: []time.Duration{0, 0, 100 * time.Millisecond, time.Second}}, nil)
			r.sim.Disconnect(reason)
			r.simUntil(t, "new sockets", func() bool { return r.sim.Stats().SocketsEver >= 4 && r.sim.Stats().Sockets == 2 })
			r.post(t, say(ada, "", "hello"))
			r.in.event(t, 1)
		})
	}
}

// What only the operator can mend is told once, tried again slowly, and mended without a restart.
func TestRefusedTokenIsReportedOnce(t *testing.T) {
	t.Parallel()
	for _, token := range []string{"xapp-sim", "xoxb-sim"} {
		for _, code := range []string{"invalid_auth", "not_allowed_token_type", "token_expired"} {
			t.Run(token+" "+code, func(t *testing.T) {
				t.Parallel()
				r := newRig(t, slacksim.Config{}, func(c *Config) { c.Waits.Fatal = 50 * time.Millisecond })
				r.sim.Revoke(token, code)
				r.run(t)
				method := "apps.connections.open"
				if strings.HasPrefix(token, "xoxb") {
					method = "auth.test"
				}
				r.simUntil(t, "several attempts", func() bool { return len(r.sim.Calls(method)) >= 4 })
				r.in.mu.Lock()
				if len(r.in.lines) != 1 || r.in.lines[0] != (bridge.Line{State: bridge.LineFailed, Detail: code}) {
					t.Errorf("lines %+v", r.in.lines)
				}
				r.in.mu.Unlock()
				r.sim.Revoke(token, "")
				r.in.until(t, "up", func() bool { return r.in.last().State == bridge.LineUp && r.in.last().Gap })
			})
		}
	}
}

func TestStartWithSlackAway(t *testing.T) {
	t.Parallel()
	r := newRig(t, slacksim.Config{}, nil)
	r.sim.Inject(slacksim.Fault{Method: "auth.test", Status: 503, Times: 2})
	r.sim.Inject(slacksim.Fault{Method: "apps.connections.open", Drop: true})
	r.sim.Inject(slacksim.Fault{Method: "apps.connections.open", Status: 429, Header: map[string]string{"Retry-After": "1"}})
	r.run(t)
	r.in.until(t, "up", func() bool { return r.in.last().State == bridge.LineUp })
	if first := r.in.lines[0]; first != (bridge.Line{State: bridge.LineDown, Detail: "http_503"}) {
		t.Errorf("first report %+v", first)
	}
}

func TestPauseGrowsAndListens(t *testing.T) {
	t.Parallel()
	var c Config
	c.setDefaults()
	for i, base := range []time.Duration{1, 2, 5, 10, 30, 60, 60} {
		for range 20 {
			if d := c.Waits.pause(i, errNoHello); d < base*time.Second || d > base*time.Second*5/4 {
				t.Errorf("pause %d is %v", i, d)
			}
		}
	}
}
