package ccmsim

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const user = "visitor-0001"

// client is the plainest possible caller of the API.
type client struct {
	t             testing.TB
	sim           *Sim
	http          *http.Client
	access, token string
	user          string
	last          http.Header
}

func startSim(t testing.TB, cfg Config) *Sim {
	t.Helper()
	if cfg.PollWait == 0 {
		cfg.PollWait = 10 * time.Millisecond
	}
	sim, err := Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sim.Close)
	return sim
}

// newClient has both tokens of a visitor.
func newClient(t testing.TB, sim *Sim, user string) *client {
	t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	t.Cleanup(transport.CloseIdleConnections)
	c := &client{t: t, sim: sim, http: &http.Client{Transport: transport}, user: user}
	_, answer := c.post("/apigovernance/api/oauth/tokenByAkSk", keys(sim))
	c.access, _ = answer["AccessToken"].(string)
	_, answer = c.call("applyToken", c.application())
	c.token, _ = answer["token"].(string)
	if c.access == "" || c.token == "" {
		t.Fatalf("no tokens for %s", user)
	}
	return c
}

func keys(sim *Sim) map[string]any {
	return map[string]any{"app_key": sim.AppKey(), "app_secret": sim.AppSecret()}
}

func (c *client) application() map[string]any {
	return map[string]any{"userId": c.user, "userName": "Ada", "channelId": c.sim.ChannelID(), "locale": "en"}
}

func (c *client) request(method, path string, body any) *http.Request {
	c.t.Helper()
	var reader io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		reader = strings.NewReader(b)
	default:
		raw, err := json.Marshal(body)
		if err != nil {
			c.t.Fatal(err)
		}
		reader = bytes.NewReader(raw)
	}
	req, err := http.NewRequest(method, c.sim.URL()+path, reader)
	if err != nil {
		c.t.Fatal(err)
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/json; charset=UTF-8")
	}
	req.Header.Set("x-app-key", c.sim.AppKey())
	if c.access != "" {
		req.Header.Set("Authorization", "Bearer "+c.access)
	}
	if c.token != "" {
		req.Header.Set("ccmessaging-token", c.token)
	}
	return req
}

// try sends a request; status 0 means that no answer came.
func (c *client) try(req *http.Request) (status int, raw string) {
	resp, err := c.http.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err.Error()
	}
	c.last = resp.Header
	return resp.StatusCode, string(body)
}

func (c *client) post(path string, body any) (int, map[string]any) {
	c.t.Helper()
	status, raw := c.try(c.request(http.MethodPost, path, body))
	return status, decode(raw)
}

func (c *client) call(name string, body any) (int, map[string]any) {
	c.t.Helper()
	return c.post(apiPath+name, body)
}

func decode(raw string) map[string]any {
	var answer map[string]any
	_ = json.Unmarshal([]byte(raw), &answer) // no JSON: nil
	return answer
}

func (c *client) sendBody(control, content string) map[string]any {
	return map[string]any{
		"channel": "WEB", "controlType": control, "mediaType": "TEXT", "sourceType": "CUSTOMER",
		"from": c.user, "to": c.sim.ChannelID(), "content": content, "timestamp": "1700000000123", "userAgent": nil,
	}
}

// send returns "code desc", or "status N".
func (c *client) send(control, content string) string {
	c.t.Helper()
	return c.sendAs(c.sendBody(control, content))
}

func (c *client) sendAs(body map[string]any) string {
	c.t.Helper()
	status, answer := c.call("send", body)
	if status != http.StatusOK {
		return fmt.Sprintf("status %d", status)
	}
	return fmt.Sprintf("%v %v", answer["resultCode"], answer["resultDesc"])
}

func (c *client) pollPath() string {
	return apiPath + "poll?receiverId=" + c.user + "&channel=WEB"
}

func (c *client) poll() []map[string]any {
	c.t.Helper()
	status, raw := c.try(c.request(http.MethodGet, c.pollPath(), nil))
	if status != http.StatusOK {
		c.t.Fatalf("poll: status %d %s", status, raw)
	}
	var answer struct {
		ResultCode       string
		DownlinkMessages []map[string]any
	}
	if err := json.Unmarshal([]byte(raw), &answer); err != nil || answer.ResultCode != "0" {
		c.t.Fatalf("poll: %v: %s", err, raw)
	}
	return answer.DownlinkMessages
}

// texts polls once and shortens each message to "SOURCE content" or "SOURCE controlType".
func (c *client) texts() []string {
	c.t.Helper()
	var list []string
	for _, m := range c.poll() {
		what := m["content"]
		if m["controlType"] != "CHAT" {
			what = m["controlType"]
		}
		list = append(list, fmt.Sprintf("%v %v", m["sourceType"], what))
	}
	return list
}

func equal[T any](t testing.TB, what string, got, want T) {
	t.Helper()
	if g, w := fmt.Sprintf("%v", got), fmt.Sprintf("%v", want); g != w {
		t.Errorf("%s:\n got %s\nwant %s", what, g, w)
	}
}

func (s *Sim) violated(t testing.TB, part string) {
	t.Helper()
	if !slices.ContainsFunc(s.Violations(), func(v string) bool { return strings.Contains(v, part) }) {
		t.Errorf("violation %q missing in %q", part, s.Violations())
	}
}

func clean(t testing.TB, s *Sim) {
	t.Helper()
	if got := s.Violations(); len(got) > 0 {
		t.Errorf("violations %q", got)
	}
}

// within gives a condition a generous time.
func within(t testing.TB, s *Sim, cond func(View) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := s.Until(ctx, cond); err != nil {
		t.Fatal(err)
	}
}

func TestPathsAndMethods(t *testing.T) {
	t.Parallel()
	sim := startSim(t, Config{})
	c := newClient(t, sim, user)
	for _, test := range []struct {
		method, path string
		status       int
	}{
		{http.MethodPost, "/apiaccess/ccmessaging/sendSync", 404},
		{http.MethodPost, "/ccmessaging/send", 404},
		{http.MethodGet, apiPath + "send", 405},
		{http.MethodPost, apiPath + "poll", 405},
		{http.MethodGet, "/apigovernance/api/oauth/tokenByAkSk", 405},
	} {
		status, _ := c.try(c.request(test.method, test.path, nil))
		equal(t, test.method+" "+test.path, status, test.status)
	}
	equal(t, "violations", len(sim.Violations()), 5)
}

func TestStartRefusesOpenAddress(t *testing.T) {
	t.Parallel()
	if sim, err := Start(Config{Addr: "0.0.0.0:0"}); err == nil {
		sim.Close()
		t.Error("listens beyond loopback")
	}
}

func TestCloseEndsHeldPollsAndUntil(t *testing.T) {
	t.Parallel()
	sim := startSim(t, Config{Switches: Switches{PollWait: time.Hour}})
	c := newClient(t, sim, user)
	polled, waited := make(chan int, 1), make(chan error, 1)
	go func() {
		status, _ := c.try(c.request(http.MethodGet, c.pollPath(), nil))
		polled <- status
	}()
	within(t, sim, func(v View) bool { return v.Session(user).Pollers == 1 })
	go func() { waited <- sim.Until(t.Context(), func(View) bool { return false }) }()
	sim.Close()
	sim.Close()
	<-polled
	if err := <-waited; err == nil {
		t.Error("Until ends without error")
	}
	equal(t, "log survives", len(sim.Log()), 2)
}

func TestLogIsBounded(t *testing.T) {
	t.Parallel()
	sim := startSim(t, Config{LogLimit: 4})
	c := newClient(t, sim, user)
	for range 10 {
		c.send("CONNECT", "")
	}
	log := sim.Log()
	if len(log) > 4 || log[len(log)-1].Seq != 12 {
		t.Errorf("%d entries, last %d", len(log), log[len(log)-1].Seq)
	}
}
