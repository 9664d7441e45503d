package admin

import (
	"bytes"
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/crypto/bcrypt"

	"ccbridge/bridge"
	"ccbridge/cmd/ccbridge/config"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	password = "correct horse battery"
	token    = "0123456789-0123456789"
	// said and written are words of people; they may stand on a page only where an operator asked for them.
	said    = "xylophone"
	written = "zugzwang"
)

// cheapHash is the password's hash at the least cost there is: the tests check it often.
var cheapHash = sync.OnceValue(func() string {
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		panic(err)
	}
	return string(hash)
})

// desk is a bridge.Console in memory.
type desk struct {
	mu       sync.Mutex
	sessions []bridge.SessionView
	outgoing []bridge.Outgoing
	entries  []bridge.Entry
	dead     []bridge.DeadView
	done     []string // what was done
	err      error    // what everything fails with
}

var _ bridge.Console = (*desk)(nil)

func (d *desk) Sessions(_ context.Context, all bool) ([]bridge.SessionView, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(d.sessions), func(s bridge.SessionView) bool { return !all && !s.State.Open() }), d.err
}

func (d *desk) Transcript(_ context.Context, span bridge.Span, each func(bridge.Entry) error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, e := range d.entries {
		if d.err == nil && span.Thread == e.Thread.ID() {
			if err := each(e); err != nil {
				return err
			}
		}
	}
	return d.err
}

func (d *desk) Session(_ context.Context, id bridge.ThreadID) (bridge.SessionDetail, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, s := range d.sessions {
		if s.ID == id {
			return bridge.SessionDetail{SessionView: s, Held: 1, Visitor: "abc", Outgoing: d.outgoing}, d.err
		}
	}
	return bridge.SessionDetail{}, cmp.Or(d.err, bridge.ErrNoThread)
}

func (d *desk) Find(context.Context, bridge.Link) ([]bridge.ThreadRef, error) { return nil, d.err }

func (d *desk) Trace(context.Context, bridge.Link) ([]bridge.Trace, error) { return nil, d.err }

func (d *desk) Shadows(context.Context, time.Time, bool) ([]bridge.ShadowView, error) {
	return nil, d.err
}

func (d *desk) Dead(_ context.Context, texts bool) ([]bridge.DeadView, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	dead := slices.Clone(d.dead)
	for i := range dead {
		if !texts {
			dead[i].Texts = nil
		}
	}
	return dead, d.err
}

// take removes a dead letter.
func (d *desk) take(what string, id bridge.DeadID) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := len(d.dead)
	d.dead = slices.DeleteFunc(d.dead, func(l bridge.DeadView) bool { return l.ID == id })
	if d.err == nil && n == len(d.dead) {
		return bridge.ErrNoLetter
	}
	d.done = append(d.done, what+" "+string(id))
	return d.err
}

func (d *desk) Resend(_ context.Context, id bridge.DeadID) error { return d.take("resend", id) }
func (d *desk) Drop(_ context.Context, id bridge.DeadID) error   { return d.take("drop", id) }

func (d *desk) End(_ context.Context, t bridge.ThreadID) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i, s := range d.sessions {
		if s.ID == t && s.State.Open() && d.err == nil {
			d.sessions[i].State, d.sessions[i].EndedBy = bridge.StateEnded, bridge.EndedByCustomer
			d.done = append(d.done, "end "+string(t))
			return nil
		}
	}
	if d.err != nil {
		return d.err
	}
	return bridge.ErrNoThread
}

func (d *desk) Erase(context.Context, string, bridge.UserID) (bridge.Erased, error) {
	return bridge.Erased{}, d.err
}

func (d *desk) did() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.done)
}

// change changes what the desk holds.
func (d *desk) change(set func(*desk)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	set(d)
}

// buffer is a log that several goroutines write.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *buffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *buffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// rig is a page with a time of its own, and an operator's browser without a screen.
type rig struct {
	*testing.T
	page    *Page
	desk    *desk
	log     *buffer
	config  config.Config
	at      time.Time
	cookies map[string]string
	from    string // address of the next request
	reload  func() ([]string, error)
}

func newRig(t *testing.T) *rig {
	r := &rig{T: t, desk: newDesk(), log: &buffer{}, at: time.Date(2026, 11, 28, 3, 0, 0, 0, time.UTC), cookies: map[string]string{}, from: "192.0.2.1:4000"}
	r.config.Admin = config.Admin{PasswordHash: config.NewSecret(cheapHash()), Token: config.NewSecret(token)}
	r.config.Path = "config.toml"
	r.config.Settings = []config.Setting{{Key: "server.listen", Value: "127.0.0.1:8080", Line: 2}, {Key: "admin.token", Value: "(secret)", From: "env:TOKEN", Line: 9},
		{Key: "ccm.locale", Value: "en"}}
	r.reload = func() ([]string, error) { return []string{"store.url needs a restart"}, nil }
	faults := &Faults{}
	r.page = New(Options{
		Version: "1.2.3", Config: func() config.Config { return r.config }, Console: r.desk, Faults: faults,
		Status: func() (map[string]bridge.Part, bool) {
			return map[string]bridge.Part{"store": {State: "up", Since: r.at.Add(-time.Hour)}, "acme": {State: "up", Since: r.at.Add(-time.Hour)},
				"centre": {State: "down", Since: r.at.Add(-3 * time.Minute), Detail: "HTTP 503 <b>"}}, true
		},
		Limited: func() []bridge.Limit {
			return []bridge.Limit{{Part: "acme", Place: "C1", Until: r.at.Add(42 * time.Second), Why: bridge.LimitAsked}}
		},
		Reload: func(context.Context) ([]string, error) { return r.reload() },
		Log:    slog.New(faults.Tee(slog.NewTextHandler(r.log, nil))),
	})
	r.page.now = func() time.Time { return r.at }
	return r
}

// newDesk holds an open session of Ada, one that is over, and two dead letters.
func newDesk() *desk {
	at := time.Date(2026, 11, 28, 2, 50, 0, 0, time.UTC)
	ada := bridge.ThreadKey{Adapter: "acme", Space: "T1", Channel: "C1", Root: "1700000000.000100"}
	bea := bridge.ThreadKey{Adapter: "acme", Space: "T1", Channel: "C2", Root: "1700000000.000200"}
	return &desk{
		sessions: []bridge.SessionView{
			{ID: ada.ID(), Thread: ada, No: 2, State: bridge.StateQueued, Since: at, Customer: bridge.User{ID: "U1", Name: "Ada"}, Waiting: 1, Oldest: at},
			{ID: bea.ID(), Thread: bea, No: 1, State: bridge.StateEnded, Since: at, Customer: bridge.User{ID: "U2", Name: "Bea"}, EndedBy: bridge.EndedByCentre},
		},
		entries: []bridge.Entry{
			{At: at, Thread: ada, Session: 2, Who: "customer", Name: "Ada", Text: said, Message: "1700000000.000100"},
			{At: at, Thread: ada, Session: 2, Who: "robot", Text: "hello", Outcome: bridge.Delivered},
			{At: at, Thread: ada, Session: 2, Who: "agent", Name: "Grace", Text: "wait", Outcome: bridge.Refused, Edited: true},
		},
		outgoing: []bridge.Outgoing{{ID: "delivery1", To: bridge.ToCentre, Kind: "CHAT", Made: at, Tries: 2, Deadline: at}},
		dead: []bridge.DeadView{
			{ID: "letter1", Thread: ada, Session: 2, Direction: bridge.Up, Reason: "given-up", At: at, Texts: []string{written}},
			{ID: "letter2", Thread: bea, Session: 1, Direction: bridge.Down, Reason: "thread-gone", At: at, Texts: []string{written}},
		},
	}
}

// change alters a request before it is sent.
type change func(*http.Request)

func header(name, value string) change { return func(r *http.Request) { r.Header.Set(name, value) } }

func bearer(token string) change { return header("Authorization", "Bearer "+token) }

// send sends a request with the operator's cookies and keeps those of the answer.
func (r *rig) send(method, target string, form url.Values, changes ...change) *httptest.ResponseRecorder {
	r.Helper()
	req := httptest.NewRequest(method, target, strings.NewReader(form.Encode()))
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	req.RemoteAddr = r.from
	for name, value := range r.cookies {
		req.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	for _, change := range changes {
		change(req)
	}
	answer := httptest.NewRecorder()
	r.page.ServeHTTP(answer, req)
	for _, c := range answer.Result().Cookies() {
		r.cookies[c.Name] = c.Value
		if c.MaxAge < 0 {
			delete(r.cookies, c.Name)
		}
	}
	return answer
}

func (r *rig) get(target string, changes ...change) *httptest.ResponseRecorder {
	r.Helper()
	return r.send(http.MethodGet, target, nil, changes...)
}

func (r *rig) login(password string, changes ...change) *httptest.ResponseRecorder {
	r.Helper()
	return r.send(http.MethodPost, "/admin/login", url.Values{"password": {password}}, changes...)
}

// signIn signs in and gives the token of the session's forms.
func (r *rig) signIn() (csrf string) {
	r.Helper()
	r.code(r.login(password), http.StatusSeeOther)
	return r.csrf()
}

var csrfField = regexp.MustCompile(`name="csrf" value="([^"]+)"`)

func (r *rig) csrf() string {
	r.Helper()
	found := csrfField.FindStringSubmatch(r.get("/admin/settings").Body.String())
	if found == nil {
		r.Fatal("no form with a token")
	}
	return found[1]
}

func (r *rig) code(answer *httptest.ResponseRecorder, want int) {
	r.Helper()
	if answer.Code != want {
		r.Fatalf("status %d, want %d: %s", answer.Code, want, answer.Body)
	}
}

// bodies of the forms of the page, by address.
func forms(d *desk) map[string]url.Values {
	return map[string]url.Values{
		"/sessions/end": {"thread": {string(d.sessions[0].ID)}},
		"/dead/resend":  {"id": {"letter1"}},
		"/dead/drop":    {"id": {"letter2"}},
		"/reload":       {},
	}
}

// pagesOf lists every page there is to look at.
func pagesOf(d *desk) []string {
	session := "/admin/sessions/" + string(d.sessions[0].ID)
	return []string{"/admin", "/admin/", "/admin/sessions", "/admin/sessions?all=1&state=ended", session, session + "/transcript", "/admin/dead",
		"/admin/dead?words=letter1", "/admin/faults", "/admin/settings"}
}

// answersOf lists every answer for programs.
func answersOf(d *desk) []string {
	return []string{"/admin/api/overview", "/admin/api/sessions", "/admin/api/sessions?all=1", "/admin/api/transcript?thread=" + string(d.sessions[0].ID),
		"/admin/api/dead", "/admin/api/faults", "/admin/api/settings"}
}
