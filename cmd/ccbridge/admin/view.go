package admin

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"strings"
	"sync"
	"time"
	"unicode"

	"ccbridge/bridge"
	"ccbridge/cmd/ccbridge/page"
)

// view is one page: what it is called, where it stands in the navigation, its template, and what that shows.
type view struct {
	Title string
	Here  string // the link in the navigation that leads to it or near it
	Name  string // of the template
	Data  any
	Live  bool // the script looks for news
	code  int  // 0: 200
}

// sheet is what the layout shows around a view.
type sheet struct {
	view
	CSRF            string
	Notice          *Notice
	Version         string
	Style, Script   string // versions of the files
	Now             time.Time
	Next            string // of the login
	Wrong           string // what is wrong with a login
	HasPass, HasKey bool   // what the login takes
}

// pages are the templates by name, each with the layout around it. They are read when the first page is shown: most
// bridges show none, and start sooner without.
var pages = sync.OnceValue(func() map[string]*template.Template {
	layout := template.Must(template.New("").Funcs(words).ParseFS(templates, "layout.html"))
	all := map[string]*template.Template{}
	names, err := fs.Glob(templates, "*.html")
	if err != nil {
		panic(err)
	}
	for _, name := range names {
		if name != "layout.html" {
			all[strings.TrimSuffix(name, ".html")] = template.Must(template.Must(layout.Clone()).ParseFS(templates, name))
		}
	}
	return all
})

// words are what templates may call.
var words = template.FuncMap{
	"duration": duration,
	"since":    func(now, t time.Time) string { return duration(now.Sub(t)) },
	"until":    func(now, t time.Time) string { return duration(t.Sub(now)) },
	"clock":    clock,
	"stamp":    func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	"visible":  visible,
	"who":      person,
	"zone":     func(t time.Time) string { return t.Format("MST (-07:00)") },
}

// clock is a time of day, with the day if that is not today.
func clock(now, t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	t = t.In(now.Location())
	if now.Format(time.DateOnly) == t.Format(time.DateOnly) {
		return t.Format(time.TimeOnly)
	}
	return t.Format("2 Jan 2006, 15:04:05")
}

// visible shows characters that would be acted on instead of seen, or turn around what stands beside them, by their
// number. What writing needs, such as the joiners of scripts and emoji, stays.
func visible(text string) string {
	acts := func(r rune) bool {
		switch {
		case r == '\n', r == '\t', r == '\u200c', r == '\u200d':
			return false
		case r >= '\u202a' && r <= '\u202e', r >= '\u2066' && r <= '\u2069', r == '\u200e', r == '\u200f', r == '\u061c', r == '\u2028', r == '\u2029':
			return true
		}
		return unicode.IsControl(r)
	}
	if !strings.ContainsFunc(text, acts) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if acts(r) {
			fmt.Fprintf(&b, "⟨U+%04X⟩", r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// maxName is how many characters of a name are shown.
const maxName = 60

// person is somebody's name on one line, or the id of a person without one.
func person(u bridge.User) string {
	name := []rune(visible(strings.Join(strings.Fields(u.Name), " ")))
	switch {
	case len(name) == 0:
		return visible(string(u.ID))
	case len(name) > maxName:
		return string(name[:maxName]) + "…"
	}
	return string(name)
}

var scriptVersion = func() string {
	sum := sha256.Sum256(script)
	return hex.EncodeToString(sum[:6])
}()

func (p *Page) sheet(v view) sheet {
	return sheet{view: v, Version: p.Version, Style: page.StyleVersion(), Script: scriptVersion, Now: p.now()}
}

// render writes a page. err makes it one that says what is wrong.
func (p *Page) render(w http.ResponseWriter, r *http.Request, s *signedIn, live bool, v view, err error) {
	if err != nil {
		v = p.errorView(r, err)
	}
	around := p.sheet(v)
	around.CSRF = s.csrf
	if !live {
		around.Notice = p.door.told(s)
	}
	p.write(w, around)
}

func (p *Page) renderLogin(w http.ResponseWriter, code int, next, wrong string) {
	a := p.Config().Admin
	around := p.sheet(view{Title: "Sign in", Name: "login", code: code})
	around.Next, around.Wrong = next, wrong
	around.HasPass, around.HasKey = a.PasswordHash.Reveal() != "", a.Token.Reveal() != ""
	p.write(w, around)
}

func (p *Page) write(w http.ResponseWriter, s sheet) {
	var out bytes.Buffer
	if err := pages()[s.Name].ExecuteTemplate(&out, "layout", s); err != nil {
		p.Log.Error("admin: render "+s.Name, "error", err.Error())
		http.Error(w, "This page could not be made. The log says why.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if s.code != 0 {
		w.WriteHeader(s.code)
	}
	w.Write(out.Bytes()) //nolint:errcheck // the client went away
}

// errNowhere is the error for what does not exist, or no more.
var errNowhere = errors.New("there is no such thing, or no more")

// explain says what an error means to an operator, and with which status.
func explain(err error) (code int, text string) {
	switch {
	case errors.Is(err, errNowhere):
		return http.StatusNotFound, "There is no such thread."
	case errors.Is(err, bridge.ErrNoThread):
		return http.StatusNotFound, "This thread has no open session any more."
	case errors.Is(err, bridge.ErrNoLetter):
		return http.StatusNotFound, "This dead letter is gone, or can be sent no more."
	case errors.Is(err, context.DeadlineExceeded):
		return http.StatusServiceUnavailable, "The store did not answer in time. What you asked for may still happen: look before you try again."
	}
	return http.StatusInternalServerError, "That did not work: " + err.Error()
}

func (p *Page) errorView(r *http.Request, err error) view {
	code, text := explain(err)
	p.logFailure(r, code, err)
	return view{Title: "That did not work", Name: "error", Data: text, code: code}
}

// refusal is the notice of what could not be done.
func (p *Page) refusal(r *http.Request, err error) Notice {
	code, text := explain(err)
	p.logFailure(r, code, err)
	return Notice{Level: "bad", Text: text}
}

func (p *Page) logFailure(r *http.Request, code int, err error) {
	if code >= http.StatusInternalServerError {
		p.Log.WarnContext(r.Context(), "admin: "+r.Method+" "+r.URL.Path, "error", err.Error())
	}
}
