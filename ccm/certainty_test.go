package ccm_test

import (
	"bufio"
	"encoding/pem"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"ccbridge/ccm"
)

// TestSendAnswers: what every answer to a CHAT says about its effect.
func TestSendAnswers(t *testing.T) {
	t.Parallel()
	const session, wide, doubt, notDone = ccm.ScopeSession, ccm.ScopeCentre, ccm.InDoubt, ccm.NotDone
	for _, test := range []struct {
		name      string
		status    int
		body      string
		certainty ccm.Certainty
		scope     ccm.Scope
		code      string
		refused   bool
	}{
		{"refused 13", 200, `{"resultCode":"13","resultDesc":"sendUserMessage failed"}`, notDone, session, "13", true},
		{"refused 12 as number", 200, `{"resultCode":12}`, notDone, session, "12", true},
		{"session not found", 200, `{"resultCode":"160004"}`, notDone, session, "160004", true},
		{"flow control", 200, `{"resultCode":"10010000002"}`, notDone, wide, "10010000002", false},
		{"no code", 200, `{"resultDesc":"success"}`, doubt, session, "", false},
		{"null code", 200, `{"resultCode":null}`, doubt, session, "", false},
		{"a page", 200, `<html>login</html>`, doubt, session, "", false},
		{"nothing", 200, ``, doubt, session, "", false},
		{"too long", 200, `{"resultCode":"0","x":"` + strings.Repeat("x", 5<<20) + `"}`, doubt, session, "", false},
		{"no content", 204, ``, doubt, session, "", false},
		{"redirect", 302, ``, doubt, session, "", false},
		{"bad request", 400, `{"resultCode":"2"}`, notDone, session, "2", false},
		{"401", 401, `{"resultCode":"401","resultDesc":"token invalid"}`, notDone, session, "401", false},
		{"403", 403, `{"errorCode":"0","exceptionInfo":"auth fail!"}`, notDone, wide, "", false},
		{"403 page", 403, `<html>blocked</html>`, notDone, wide, "", false},
		{"wrong path", 404, ``, notDone, wide, "", false},
		{"time-out told", 408, ``, doubt, session, "", false},
		{"too many", 429, ``, notDone, wide, "", false},
		{"500", 500, `{"resultCode":"13"}`, doubt, session, "13", false},
		{"502", 502, ``, doubt, wide, "", false},
		{"503", 503, ``, doubt, wide, "", false},
		{"504", 504, ``, doubt, session, "", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			centre := newCentre()
			centre.script["send"] = answerWith(test.status, test.body)
			e := asError(t, networked(t, centre).Send(t.Context(), visitor, chat("x")))
			if e.Certainty != test.certainty || e.Scope != test.scope || e.Code != test.code || e.Refused != test.refused || e.Status != test.status {
				t.Errorf("got %v: %v, %v, code %q, refused %v", e, e.Certainty, e.Scope, e.Code, e.Refused)
			}
		})
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for value, want := range map[string][2]time.Duration{
		"":                     {0, 0},
		"7":                    {7 * time.Second, 7 * time.Second},
		"-7":                   {0, 0},
		"later":                {0, 0},
		"99999999999999999999": {0, 0},
		"9999999":              {24 * time.Hour, 24 * time.Hour},
		time.Now().Add(time.Hour).UTC().Format(http.TimeFormat): {59 * time.Minute, time.Hour},
		"Mon, 02 Jan 2006 15:04:05 GMT":                         {0, 0},
	} {
		for _, status := range []int{200, 429, 503} {
			centre := newCentre()
			centre.script["send"] = func(n int, w http.ResponseWriter, c call) {
				w.Header().Set("Retry-After", value)
				answerWith(status, `{"resultCode":"10010000002"}`)(n, w, c)
			}
			e := asError(t, local(t, centre).Send(t.Context(), visitor, chat("x")))
			if e.RetryAfter < want[0] || e.RetryAfter > want[1] || !e.Throttled() {
				t.Errorf("%d with %q: wait %v, throttled %v", status, value, e.RetryAfter, e.Throttled())
			}
		}
	}
}

// TestRefusals: what the codes of send tell, by control type.
func TestRefusals(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		control             ccm.ControlType
		code, desc          string
		hours, agent        bool
		goneMaybe, goneSure bool
	}{
		{ccm.Connect, "12", "The current time is not within the working time of the service agents", true, false, false, false},
		{ccm.Connect, "13", "No ccucs address available!", false, false, false, false},
		{ccm.Chat, "13", "sendUserMessage failed", false, false, true, false},
		{ccm.Chat, "160004", "", false, false, true, true},
		{ccm.TransferToAgent, "12", "The current time is not within the working time of the service agents.", true, false, false, false},
		{ccm.TransferToAgent, "13", "transfer to agent failed, none channel config found.", false, false, true, false},
		{ccm.TransferToAgent, "13", "fail to transfer from robot to agent,session keep touch failed.", false, false, true, true},
		{ccm.TransferToAgent, "13", "fail to transfer from robot to agent,it has been agent service.", false, true, false, false},
		{ccm.Disconnect, "13", "disconnect failed", false, false, true, false},
	} {
		for _, content := range []string{"", "words"} {
			centre := newCentre()
			centre.script["send"] = answerWith(200, `{"resultCode":"`+test.code+`","resultDesc":"`+test.desc+`"}`)
			e := asError(t, local(t, centre).Send(t.Context(), visitor, ccm.SendRequest{Control: test.control, Content: content}))
			if e.OutsideHours() != test.hours || e.AlreadyWithAgent() != test.agent || e.SessionGone() != test.goneMaybe || e.SessionLost() != test.goneSure {
				t.Errorf("%v: hours %v, agent %v, gone %v, lost %v", e, e.OutsideHours(), e.AlreadyWithAgent(), e.SessionGone(), e.SessionLost())
			}
		}
	}
}

func TestNoConnection(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := listener.Addr().String()
	listener.Close()
	plain := httptest.NewServer(newCentre())
	t.Cleanup(plain.Close)
	distrusted := httptest.NewUnstartedServer(newCentre())
	distrusted.Config.ErrorLog = log.New(io.Discard, "", 0)
	distrusted.StartTLS()
	t.Cleanup(distrusted.Close)
	for name, base := range map[string]string{
		"refused":                "http://" + closed,
		"no name":                "http://centre.invalid",
		"not TLS":                "https://" + strings.TrimPrefix(plain.URL, "http://"),
		"distrusted certificate": distrusted.URL,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			auth := httptest.NewServer(newCentre())
			defer auth.Close()
			client := newClient(t, ccm.Config{BaseURL: base, AuthURL: auth.URL})
			e := asError(t, client.Send(t.Context(), visitor, chat("x")))
			if e.Certainty != ccm.NotDone || e.Scope != ccm.ScopeCentre {
				t.Errorf("got %v (%v, %v)", e, e.Certainty, e.Scope)
			}
		})
	}
}

// TestNoConnectionWithToken: also the call itself, its tokens at hand, is NotDone when the centre has gone.
func TestNoConnectionWithToken(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(newCentre())
	client := newClient(t, ccm.Config{BaseURL: server.URL})
	if err := client.Send(t.Context(), visitor, chat("x")); err != nil {
		t.Fatal(err)
	}
	client.Close()
	server.Close()
	e := asError(t, client.Send(t.Context(), visitor, chat("x")))
	if e.Certainty != ccm.NotDone || e.Scope != ccm.ScopeCentre || e.Status != 0 {
		t.Errorf("got %v (%v, %v)", e, e.Certainty, e.Scope)
	}
}

func TestCAFile(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(newCentre())
	t.Cleanup(server.Close)
	file := filepath.Join(t.TempDir(), "ca.pem")
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(file, certificate, 0o600); err != nil {
		t.Fatal(err)
	}
	client := newClient(t, ccm.Config{BaseURL: server.URL, CAFile: file})
	if err := client.Send(t.Context(), visitor, chat("x")); err != nil {
		t.Error(err)
	}
}

func TestNewChecks(t *testing.T) {
	t.Parallel()
	good := ccm.Config{BaseURL: "https://centre.invalid", AppKey: "k", AppSecret: "s"}
	for name, spoil := range map[string]func(*ccm.Config){
		"no address":       func(c *ccm.Config) { c.BaseURL = "" },
		"no scheme":        func(c *ccm.Config) { c.BaseURL = "centre.invalid" },
		"password inside":  func(c *ccm.Config) { c.AuthURL = "https://me:hidden@centre.invalid" },
		"query":            func(c *ccm.Config) { c.BaseURL += "?x=1" },
		"unreadable":       func(c *ccm.Config) { c.BaseURL = "https://me:hidden@%zz" },
		"no key":           func(c *ccm.Config) { c.AppKey = "" },
		"no secret":        func(c *ccm.Config) { c.AppSecret = "" },
		"no CA file":       func(c *ccm.Config) { c.CAFile = filepath.Join(t.TempDir(), "absent") },
		"CA and transport": func(c *ccm.Config) { c.CAFile, c.Transport = "ca.pem", http.DefaultTransport },
	} {
		config := good
		spoil(&config)
		if _, err := ccm.New(config); err == nil || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := ccm.New(good); err != nil {
		t.Error(err)
	}
}

// brokenServer answers the first `good` requests on a connection with OK; the next it reads, and then does `fail`.
// applyToken, which is not counted, gets a connection of its own.
func brokenServer(t *testing.T, good int, fail func(net.Conn)) (url string, requests *atomic.Int64) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	requests = new(atomic.Int64)
	serve := func(conn net.Conn) {
		defer conn.Close()
		in := bufio.NewReader(conn)
		for n := 1; ; n++ {
			r, err := http.ReadRequest(in)
			if err != nil {
				return
			}
			_, _ = io.Copy(io.Discard, r.Body)
			if strings.HasSuffix(r.URL.Path, "/applyToken") {
				io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 13\r\nConnection: close\r\n\r\n{\"token\":\"t\"}")
				return
			}
			requests.Add(1)
			if n > good {
				fail(conn)
				return
			}
			io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 18\r\n\r\n{\"resultCode\":\"0\"}")
		}
	}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go serve(conn)
		}
	}()
	return "http://" + listener.Addr().String(), requests
}

// TestNothingIsSentTwice: the server takes a request on a kept connection and hangs up, or answers nonsense. The client
// must say that it does not know, and must not have tried again.
func TestNothingIsSentTwice(t *testing.T) {
	t.Parallel()
	reset := func(conn net.Conn) {
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
	}
	for failure, fail := range map[string]func(net.Conn){
		"closed":   func(net.Conn) {},
		"reset":    reset,
		"nonsense": func(conn net.Conn) { io.WriteString(conn, "words of a customer\r\n\r\n") },
		"cut off": func(conn net.Conn) {
			io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n{\"resultCode\":\"0\"}")
		},
		"silent": func(conn net.Conn) { _, _ = conn.Read(make([]byte, 1)) },
	} {
		for name, do := range map[string]func(*testing.T, *ccm.Client) error{
			"send": func(t *testing.T, c *ccm.Client) error { return c.Send(t.Context(), visitor, chat("words")) },
			"poll": func(t *testing.T, c *ccm.Client) error { _, err := c.Poll(t.Context(), visitor); return err },
		} {
			for kept, good := range map[string]int{"fresh": 0, "kept": 1} {
				t.Run(failure+"/"+name+"/"+kept, func(t *testing.T) {
					t.Parallel()
					base, requests := brokenServer(t, good, fail)
					auth := httptest.NewServer(newCentre())
					t.Cleanup(auth.Close)
					timeout := 20 * time.Second
					if failure == "silent" {
						timeout = 2 * time.Second
					}
					client := newClient(t, ccm.Config{BaseURL: base, AuthURL: auth.URL, CallTimeout: timeout, PollTimeout: timeout})
					for range good {
						if err := do(t, client); err != nil {
							t.Fatal(err)
						}
					}
					before := requests.Load()
					e := asError(t, do(t, client))
					if e.Certainty != ccm.InDoubt || e.Scope != ccm.ScopeSession {
						t.Errorf("got %v (%v, %v)", e, e.Certainty, e.Scope)
					}
					if strings.Contains(e.Error(), "words") {
						t.Errorf("error quotes the answer: %v", e)
					}
					if got := requests.Load() - before; got != 1 {
						t.Errorf("%d requests, want 1", got)
					}
				})
			}
		}
	}
}

// TestRedirect: another host must not see our tokens, and a POST must not be repeated there.
func TestRedirect(t *testing.T) {
	t.Parallel()
	var elsewhere atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	t.Cleanup(other.Close)
	for _, status := range []int{301, 302, 303, 307, 308} {
		centre := newCentre()
		redirect := func(_ int, w http.ResponseWriter, _ call) {
			w.Header().Set("Location", other.URL)
			w.WriteHeader(status)
		}
		centre.script["send"], centre.script["poll"] = redirect, redirect
		client := networked(t, centre)
		_, pollErr := client.Poll(t.Context(), visitor)
		for _, err := range []error{pollErr, client.Send(t.Context(), visitor, chat("x"))} {
			if e := asError(t, err); e.Status != status || e.Certainty != ccm.InDoubt {
				t.Errorf("%d: got %v (%v)", status, e, e.Certainty)
			}
		}
	}
	if elsewhere.Load() != 0 {
		t.Error("a redirect was followed")
	}
}
