// Package admin is the operator's page: what the bridge carries and what ails it, and the few things to do about that.
// Whatever it shows is rendered here; the script only fetches it again. It holds no words of people but in a transcript
// or a dead letter that an operator opened, which is logged.
package admin

import (
	"context"
	"embed"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"ccbridge/bridge"
	"ccbridge/cmd/ccbridge/config"
	"ccbridge/cmd/ccbridge/page"
)

// root is where the page is.
const root = "/admin"

// Options is what the page shows and acts through. All functions may be called at any time by several goroutines.
type Options struct {
	Version string
	// Config gives the configuration in force. The page is there while it has a password's hash or a token.
	Config  func() config.Config
	Console bridge.Console
	Status  func() (map[string]bridge.Part, bool)
	Limited func() []bridge.Limit
	Faults  *Faults
	// Reload reads the configuration again and says what came of it; nil: that is not possible.
	Reload func(context.Context) (said []string, err error)
	Log    *slog.Logger
}

// Page is the operator's page, an http.Handler for /admin and all below it.
type Page struct {
	Options
	routes   http.Handler
	origin   http.CrossOriginProtection
	door     *door
	attempts *attempts
	checking chan struct{} // holds a place for each password that may be checked at a time
	glance   glance
	now      func() time.Time
}

var _ http.Handler = (*Page)(nil)

// maxChecks is how many passwords are checked at a time: each keeps a processor busy for a quarter of a second.
const maxChecks = 1

// New makes the page. It starts nothing.
func New(o Options) *Page {
	p := &Page{Options: o, door: newDoor(), attempts: newAttempts(), checking: make(chan struct{}, maxChecks), now: time.Now}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+root+"/style.css", page.ServeStyle)
	mux.HandleFunc("GET "+root+"/admin.js", func(w http.ResponseWriter, r *http.Request) {
		page.Serve(w, r, "text/javascript; charset=utf-8", script)
	})
	mux.HandleFunc("GET "+root+"/login", p.showLogin)
	mux.HandleFunc("POST "+root+"/login", p.login)
	for pattern, show := range map[string]shower{
		"":                          p.showOverview,
		"/{$}":                      p.showOverview,
		"/sessions":                 p.showSessions,
		"/sessions/{id}":            p.showSession,
		"/sessions/{id}/transcript": p.showTranscript,
		"/dead":                     p.showDead,
		"/faults":                   p.showFaults,
		"/settings":                 p.showSettings,
	} {
		mux.HandleFunc("GET "+root+pattern, p.signedIn(show))
	}
	for pattern, do := range map[string]doer{
		"/sessions/end": p.endSession,
		"/dead/resend":  p.resend,
		"/dead/drop":    p.drop,
		"/reload":       p.reload,
	} {
		mux.HandleFunc("POST "+root+pattern, p.formOf(do))
		mux.HandleFunc("POST "+root+"/api"+pattern, p.program(p.answerDone(do)))
	}
	for pattern, answer := range map[string]answerer{
		"/overview":   p.apiOverview,
		"/sessions":   p.apiSessions,
		"/transcript": p.apiTranscript,
		"/dead":       p.apiDead,
		"/faults":     p.apiFaults,
		"/settings":   p.apiSettings,
	} {
		mux.HandleFunc("GET "+root+"/api"+pattern, p.program(answer))
	}
	mux.HandleFunc(root+"/api/", func(w http.ResponseWriter, _ *http.Request) {
		fail(w, http.StatusNotFound, "There is no such address for this method.")
	})
	mux.HandleFunc("POST "+root+"/logout", p.logout)
	p.routes = mux
	return p
}

// script fetches the page again and puts in what changed.
//
//go:embed admin.js
var script []byte

//go:embed *.html
var templates embed.FS

// maxBody bounds what a request may bring, in bytes.
const maxBody = 16 << 10

// answerTime bounds how long an answer may take, the store's part included.
const answerTime = 10 * time.Second

// ServeHTTP implements http.Handler.
func (p *Page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	page.Protect(w.Header())
	if !p.Config().Admin.PageOn() {
		http.NotFound(w, r)
		return
	}
	if err := p.origin.Check(r); err != nil {
		const refused = "This request came from another site and was refused."
		if strings.HasPrefix(r.URL.Path, root+"/api/") {
			fail(w, http.StatusForbidden, refused)
			return
		}
		http.Error(w, refused, http.StatusForbidden)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), answerTime)
	defer cancel()
	r = r.WithContext(ctx)
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	p.routes.ServeHTTP(w, r)
}

// shower makes one page for whoever is signed in.
type shower func(ctx context.Context, r *http.Request) (view, error)

// signedIn shows a page to whoever is signed in, and the way in to everybody else.
func (p *Page) signedIn(show shower) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		live := r.Header.Get("X-Live") != "" // the script looks for news
		s := p.door.find(r, p.key(), p.now(), !live)
		switch {
		case s == nil && live:
			http.Error(w, "signed out", http.StatusUnauthorized)
		case s == nil && r.Header.Get("Sec-Fetch-Site") == "cross-site":
			// Whoever follows a link from elsewhere sends no cookie: it is asked for again from here, with the cookie.
			w.Header().Set("Refresh", "0; url="+r.URL.RequestURI())
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		case s == nil:
			http.Redirect(w, r, root+"/login?next="+url.QueryEscape(r.URL.RequestURI()), http.StatusSeeOther)
		default:
			v, err := show(r.Context(), r)
			p.render(w, r, s, live, v, err)
		}
	}
}

// doer does what a form or a program asks for, and says what came of it and on which page to go on.
type doer func(ctx context.Context, r *http.Request) (n Notice, next string, err error)

// formOf does what a form of ours asks for, and leads on to a page that tells of it.
func (p *Page) formOf(do doer) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s := p.door.find(r, p.key(), p.now(), true)
		switch {
		case s == nil:
			http.Redirect(w, r, root+"/login", http.StatusSeeOther)
			return
		case !s.bearsToken(r):
			http.Error(w, "This form is out of date: go back, reload the page, and try again.", http.StatusForbidden)
			return
		}
		n, next, err := do(r.Context(), r)
		p.glance.forget()
		if err != nil {
			n = p.refusal(r, err)
		}
		p.door.tell(s, n)
		http.Redirect(w, r, next, http.StatusSeeOther)
	}
}

// local gives where to go after the login: a page of ours, whatever was said.
func local(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" || strings.ContainsAny(next, "\\\r\n\t") ||
		u.Path != root && !strings.HasPrefix(u.Path, root+"/") || strings.Contains(u.Path, "..") || strings.HasPrefix(u.Path, root+"/login") {
		return root
	}
	return u.RequestURI()
}
