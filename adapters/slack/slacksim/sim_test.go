package slacksim_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/slack-go/slack"
	"go.uber.org/goleak"

	"ccbridge/adapters/slack/slacksim"
)

const (
	chn = "C0GENERAL"
	ada = "U0ADA"
	bob = "U0BOB"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// open starts a workspace with a channel and two people; limits are off unless the test turns them on.
func open(t testing.TB, cfg slacksim.Config) *slacksim.Sim {
	t.Helper()
	s, err := slacksim.Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Close()
		http.DefaultClient.CloseIdleConnections()
	})
	s.AddUser(slacksim.User{ID: ada, Name: "ada", RealName: "Ada L", DisplayName: "Ada"})
	s.AddUser(slacksim.User{ID: bob, Name: "bob"})
	s.AddChannel(slacksim.Channel{ID: chn, Name: "general"})
	return s
}

// clean fails the test if the client broke a rule.
func clean(t testing.TB, s *slacksim.Sim) {
	t.Helper()
	for _, v := range s.Violations() {
		t.Error("violation:", v)
	}
}

func client(s *slacksim.Sim) *slack.Client {
	return slack.New("xoxb-sim", slack.OptionAPIURL(s.URL()), slack.OptionAppLevelToken("xapp-sim"))
}

func post(t testing.TB, s *slacksim.Sim, p slacksim.Post) string {
	t.Helper()
	if p.Channel == "" {
		p.Channel = chn
	}
	if p.User == "" && p.BotID == "" {
		p.User = ada
	}
	ts, err := s.Post(p)
	if err != nil {
		t.Fatal(err)
	}
	return ts
}

func soon(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func until(t testing.TB, s *slacksim.Sim, what string, cond func() bool) {
	t.Helper()
	if err := s.Until(soon(t), cond); err != nil {
		t.Fatalf("%s: %v; %+v", what, err, s.Stats())
	}
}

// line is a bare Socket Mode client.
type line struct {
	t    testing.TB
	conn *websocket.Conn
}

type frame struct {
	Type         string          `json:"type"`
	Reason       string          `json:"reason"`
	Envelope     string          `json:"envelope_id"`
	Payload      json.RawMessage `json:"payload"`
	Accepts      bool            `json:"accepts_response_payload"`
	RetryAttempt int             `json:"retry_attempt"`
	RetryReason  string          `json:"retry_reason"`
	Connections  int             `json:"num_connections"`
}

func (f frame) outer(t testing.TB) (id string, event map[string]any) {
	t.Helper()
	var o struct {
		EventID string         `json:"event_id"`
		Event   map[string]any `json:"event"`
	}
	if err := json.Unmarshal(f.Payload, &o); err != nil {
		t.Fatalf("payload %s: %v", f.Payload, err)
	}
	return o.EventID, o.Event
}

func socketURL(t testing.TB, s *slacksim.Sim) string {
	t.Helper()
	_, u, err := client(s).StartSocketModeContext(soon(t))
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// dial opens a socket without reading its hello.
func dial(t testing.TB, s *slacksim.Sim) *line {
	t.Helper()
	conn, resp, err := websocket.DefaultDialer.DialContext(soon(t), socketURL(t, s), nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	t.Cleanup(func() { _ = conn.Close() })
	return &line{t, conn}
}

// connect opens a socket and reads its hello.
func connect(t testing.TB, s *slacksim.Sim) *line {
	t.Helper()
	l := dial(t, s)
	if f := l.next(); f.Type != "hello" || f.Connections < 1 {
		t.Fatalf("hello is %+v", f)
	}
	return l
}

func (l *line) read() (frame, error) {
	var f frame
	_ = l.conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	err := l.conn.ReadJSON(&f)
	return f, err
}

func (l *line) next() frame {
	l.t.Helper()
	f, err := l.read()
	if err != nil {
		l.t.Fatal(err)
	}
	return f
}

func (l *line) send(v any) {
	l.t.Helper()
	if err := l.conn.WriteJSON(v); err != nil {
		l.t.Fatal(err)
	}
}

func (l *line) ack(f frame) { l.t.Helper(); l.send(map[string]string{"envelope_id": f.Envelope}) }

// event reads the next envelope and acknowledges it.
func (l *line) event() (id string, event map[string]any) {
	l.t.Helper()
	f := l.next()
	l.ack(f)
	return f.outer(l.t)
}

// call is a bare Web API call with a form.
func call(t testing.TB, s *slacksim.Sim, method string, form map[string]string) (status int, ans map[string]any) {
	t.Helper()
	v := url.Values{}
	for k, x := range form {
		v.Set(k, x)
	}
	if !v.Has("token") {
		v.Set("token", "xoxb-sim")
	}
	return do(t, s.URL()+method, "application/x-www-form-urlencoded", v.Encode())
}

func do(t testing.TB, to, kind, body string) (int, map[string]any) {
	t.Helper()
	req, err := http.NewRequestWithContext(soon(t), http.MethodPost, to, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", kind)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var ans map[string]any
	_ = json.Unmarshal(raw, &ans)
	return resp.StatusCode, ans
}
