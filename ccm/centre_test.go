package ccm_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path"
	"sync"
	"testing"

	"ccbridge/ccm"
)

const (
	appSecret = "not-a-secret-but-unique"
	userID    = "abcdefghijklmnopqrstuvwx"
	channelID = "202500000000000001"
)

var visitor = ccm.Visitor{UserID: userID, UserName: "Ada", ChannelID: channelID, Locale: "en_US"}

// call is one request the centre got.
type call struct {
	name   string // last part of the path
	method string
	uri    string
	header http.Header
	body   map[string]any
	raw    string
}

// centre answers with success, except where a test scripts something else. Tokens are numbered: tok-A1, tok-V1, …
type centre struct {
	mu     sync.Mutex
	calls  []call
	issued map[string]int
	script map[string]func(n int, w http.ResponseWriter, c call) // n counts the calls of that name from 1
}

func newCentre() *centre {
	return &centre{issued: map[string]int{}, script: map[string]func(int, http.ResponseWriter, call){}}
}

func (c *centre) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	got := call{name: path.Base(r.URL.Path), method: r.Method, uri: r.URL.RequestURI(), header: r.Header.Clone()}
	if r.Body != nil {
		raw, _ := io.ReadAll(r.Body)
		got.raw = string(raw)
		_ = json.Unmarshal(raw, &got.body)
	}
	c.mu.Lock()
	c.calls = append(c.calls, got)
	c.issued[got.name]++
	n := c.issued[got.name]
	scripted := c.script[got.name]
	c.mu.Unlock()

	switch {
	case scripted != nil:
		scripted(n, w, got)
	case got.name == "tokenByAkSk":
		fmt.Fprintf(w, `{"AccessToken":"tok-A%d","ApplyType":"Bearer","CreateTime":"1","Expires":"600"}`, n)
	case got.name == "applyToken":
		fmt.Fprintf(w, `{"token":"\"tok-V%d\""}`, n)
	default:
		io.WriteString(w, `{"resultCode":"0"}`)
	}
}

// named returns the calls of one name.
func (c *centre) named(name string) []call {
	c.mu.Lock()
	defer c.mu.Unlock()
	var found []call
	for _, got := range c.calls {
		if got.name == name {
			found = append(found, got)
		}
	}
	return found
}

func (c *centre) count(name string) int { return len(c.named(name)) }

// inProcess is a transport that calls a handler directly: for tests in a synctest bubble.
type inProcess struct{ handler http.Handler }

func (t inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil {
		r.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	t.handler.ServeHTTP(w, r)
	return w.Result(), r.Context().Err()
}

// local returns a client whose calls go to the handler without a network.
func local(t *testing.T, handler http.Handler) *ccm.Client {
	t.Helper()
	return newClient(t, ccm.Config{BaseURL: "http://centre.invalid/prefix/", Transport: inProcess{handler}})
}

// networked returns a client of a server on loopback.
func networked(t *testing.T, handler http.Handler) *ccm.Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return newClient(t, ccm.Config{BaseURL: server.URL})
}

func newClient(t *testing.T, config ccm.Config) *ccm.Client {
	t.Helper()
	config.AppKey, config.AppSecret = cmp.Or(config.AppKey, "key-1"), appSecret
	client, err := ccm.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func answerWith(status int, body string) func(int, http.ResponseWriter, call) {
	return func(_ int, w http.ResponseWriter, _ call) {
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

// chat is a plain message.
func chat(words string) ccm.SendRequest {
	return ccm.SendRequest{Control: ccm.Chat, Content: words, MessageID: "m000001"}
}

func asError(t *testing.T, err error) *ccm.Error {
	t.Helper()
	e, ok := err.(*ccm.Error)
	if !ok {
		t.Fatalf("error is %T (%v), want *ccm.Error", err, err)
	}
	return e
}
