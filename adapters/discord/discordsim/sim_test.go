package discordsim

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"encoding/json"

	"github.com/bwmarrin/discordgo"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func start(t *testing.T, cfg Config) *Sim {
	t.Helper()
	s, err := Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// world is a simulator with a guild, a text channel and a person.
type world struct {
	*Sim
	t                    *testing.T
	guild, channel, user string
}

func newWorld(t *testing.T, cfg Config) world {
	t.Helper()
	s := start(t, cfg)
	g := s.AddGuild("")
	return world{s, t, g, s.AddChannel(g, "", Text), s.AddUser(User{Name: "ann", GlobalName: "Ann"})}
}

func (w world) id(id string, err error) string {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

func (w world) ok(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w world) post(channel, content string, extra ...Extra) string {
	w.t.Helper()
	return w.id(w.Post(channel, w.user, content, extra...))
}

func (w world) thread() string {
	w.t.Helper()
	return w.id(w.StartThread(w.channel, w.user, NewThread{Name: "kettle"}))
}

func (w world) until(what string, f func(*View) bool) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := w.Until(ctx, f); err != nil {
		w.t.Fatalf("%s: %v; violations %q", what, err, w.Violations())
	}
}

func (w world) noViolations() {
	w.t.Helper()
	if v := w.Violations(); len(v) > 0 {
		w.t.Errorf("violations: %q", v)
	}
}

// result is an answer of the REST API.
type result struct {
	t      *testing.T
	status int
	header http.Header
	body   []byte
}

func (r result) code() int {
	var e struct{ Code int }
	_ = json.Unmarshal(r.body, &e)
	return e.Code
}

func (r result) decode(v any) {
	r.t.Helper()
	if err := json.Unmarshal(r.body, v); err != nil {
		r.t.Fatalf("answer %d %s: %v", r.status, r.body, err)
	}
}

func (r result) id() string {
	r.t.Helper()
	var o struct{ ID string }
	r.decode(&o)
	if o.ID == "" {
		r.t.Fatalf("answer %d %s has no id", r.status, r.body)
	}
	return o.ID
}

var client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second}

func (w world) try(method, path, body string) (result, error) {
	req, err := http.NewRequest(method, w.URL()+"/api/v10"+path, strings.NewReader(body))
	if err != nil {
		return result{}, err
	}
	req.Header.Set("Authorization", "Bot sim-bot-token")
	req.Header.Set("User-Agent", "DiscordBot (https://example.com, 1)")
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := client.Do(req)
	if err != nil {
		return result{}, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return result{w.t, resp.StatusCode, resp.Header, b}, err
}

func (w world) call(method, path, body string) result {
	w.t.Helper()
	r, err := w.try(method, path, body)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func (w world) send(channel, body string) result {
	w.t.Helper()
	return w.call("POST", "/channels/"+channel+"/messages", body)
}

// redirect sends what is meant for discord.com to the simulator.
type redirect struct{ to *url.URL }

func (r redirect) RoundTrip(req *http.Request) (*http.Response, error) {
	c := req.Clone(req.Context())
	c.URL.Scheme, c.URL.Host = r.to.Scheme, r.to.Host
	return client.Transport.RoundTrip(c)
}

// session makes a discordgo session as the adapter does.
func (w world) session() *discordgo.Session {
	w.t.Helper()
	d, err := discordgo.New("Bot sim-bot-token")
	w.ok(err)
	to, err := url.Parse(w.URL())
	w.ok(err)
	d.Client = &http.Client{Transport: redirect{to}, Timeout: 10 * time.Second}
	d.SyncEvents, d.StateEnabled, d.ShouldReconnectOnError = true, false, false
	d.Identify.Intents = 37377
	return d
}
