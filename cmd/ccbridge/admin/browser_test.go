package admin

import (
	"errors"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"

	"ccbridge/bridge"
	"ccbridge/cmd/ccbridge/page/browsertest"
)

// inBrowser serves a rig to a browser.
func inBrowser(t *testing.T, s browsertest.Screen) (*rig, *browsertest.Page, string) {
	t.Helper()
	r := newRig(t)
	r.at = time.Date(2026, 11, 28, 3, 0, 0, 0, time.UTC)
	r.page.Log.Warn("state", slog.String("part", "centre"), slog.String("state", "down"), slog.String("detail", "HTTP 503"))
	r.desk.change(fill)
	b := browsertest.Open(t, s)
	srv := httptest.NewServer(r.page)
	t.Cleanup(srv.Close)
	return r, b, srv.URL
}

// fill puts more sessions on the desk: one of each state, and names that are hard to show.
func fill(d *desk) {
	at := time.Date(2026, 11, 28, 2, 0, 0, 0, time.UTC)
	for i, name := range []string{"Grace Hopper", "שרה", "Anna-Maria von und zu Langenfeld-Oberstein-Niedertupfingen", "李小龍", "x\u202egnp.exe", "Eve", "Bob"} {
		state := bridge.States[1+i]
		k := bridge.ThreadKey{Adapter: []string{"acme-slack", "community"}[i%2], Space: "T1", Channel: "C0123ABCD", Root: name}
		s := bridge.SessionView{ID: k.ID(), Thread: k, No: 1 + i, State: state, Since: at.Add(time.Duration(i) * 7 * time.Minute), Customer: bridge.User{ID: "U1", Name: name}, Direct: i == 3}
		if i == 2 {
			s.Waiting, s.Oldest = 3, at
		}
		d.sessions = append(d.sessions, s)
	}
	for i := range d.entries {
		d.entries[i].Thread = d.sessions[0].Thread
	}
	d.entries = append(d.entries, bridge.Entry{At: at, Thread: d.sessions[0].Thread, Session: 2, Who: "customer", Name: "Ada", Text: "a very_long_word_" + strings.Repeat("without_an_end_", 20), Files: []string{"invoice.pdf"}},
		bridge.Entry{At: at, Thread: d.sessions[0].Thread, Session: 2, Who: "bridge", Text: "You are in the queue."},
		bridge.Entry{At: at, Thread: d.sessions[0].Thread, Session: 2, Who: "customer", Name: "Ada", Verb: bridge.VerbAgent})
}

// TestInBrowser presses what an operator presses, with the mouse.
func TestInBrowser(t *testing.T) {
	t.Parallel()
	r, b, url := inBrowser(t, browsertest.Screen{})
	b.Go(url + "/admin/dead")
	b.Type("#password", "wrong\r")
	b.Shows("[role=alert]", "This is wrong.")
	b.Picture("login-wrong")
	b.Type("#password", password+"\r")
	b.Shows("h1", "Dead letters") // where they wanted to go

	b.Click("form[action='/admin/dead/resend'] button")
	b.Shows("[role=status]", "on its way again")
	b.Click("a[href='/admin/dead?words=letter2']")
	b.Shows("blockquote", written)
	b.Picture("dead")
	b.Click("details summary")
	b.Click("form[action='/admin/dead/drop'] button")
	b.Shows("[role=status]", "is dropped")
	b.Shows(".empty", "There is none")

	b.Click("nav a[href='/admin']")
	b.Shows("#verdict", "centre is down")
	b.Shows("#faults", "HTTP 503")
	b.Picture("overview")
	r.desk.change(func(d *desk) {
		d.dead = []bridge.DeadView{{ID: "letter3", Thread: d.sessions[0].Thread, Direction: bridge.Up, Reason: "refused", At: r.at}}
	})
	r.page.glance.forget()
	b.Until("the new dead letter without a click", "[...document.querySelectorAll('#figures li')].some(e => e.innerText.includes('1') && e.innerText.includes('dead letters'))")

	b.Click("nav a[href='/admin/sessions']")
	b.Shows("tbody", "Grace Hopper")
	b.Picture("sessions")
	b.Click("a[href='/admin/sessions?state=queued']")
	b.Until("the queued ones only", "document.querySelectorAll('tbody tr').length == 2")
	b.Click("tbody a")
	b.Shows("h1", "Session 2 of Ada")
	b.Picture("session")
	if strings.Contains(r.log.String(), "transcript opened") {
		t.Error("a transcript was opened unasked")
	}
	b.Click("a[href$='/transcript']")
	b.Shows(".bubble[data-who=customer]", said)
	b.Picture("transcript")
	b.Click(".lead a")
	b.Click("details summary")
	r.desk.change(func(d *desk) {
		d.outgoing = append(d.outgoing, bridge.Outgoing{ID: "delivery2", To: bridge.ToThread, Kind: "agent", Made: r.at})
	})
	b.Shows("#outgoing", "delivery2") // the page looked for news
	if !b.Is("document.querySelector('details[open]')") {
		t.Error("an open question did not stay open")
	}
	b.Click("#end")
	b.Shows("[role=status]", "is being ended")
	b.Shows(".badge", "ended")

	b.Click("nav a[href='/admin/settings']")
	b.Click("#reload")
	b.Shows(".notice", "store.url needs a restart")
	b.Picture("settings")
	b.Click(".end button")
	b.Shows("h1", "Sign in")
	b.Go(url + "/admin/sessions")
	b.Shows("h1", "Sign in")
	if did := len(r.desk.did()); did != 3 {
		t.Errorf("done: %v", r.desk.did())
	}
}

// TestNarrowAndDark: on a small dark screen every page fits, and all of it can be done with the keyboard.
func TestNarrowAndDark(t *testing.T) {
	t.Parallel()
	r, b, url := inBrowser(t, browsertest.Screen{Width: 360, Height: 740, Dark: true, Still: true})
	r.reload = func() ([]string, error) {
		return []string{"config.toml:14: adapters.sl.bot_token: environment variable BOT is not set"}, errors.New("faults in the configuration: 1")
	}
	b.Go(url + "/admin")
	b.FitsWidth()
	b.Tabs("#password")
	b.Key(token)
	b.Tabs("main button")
	b.Key("\r")
	b.Shows("h1", "Overview")
	if !b.Is("getComputedStyle(document.body).backgroundColor == 'rgb(16, 20, 27)'") {
		t.Error("the page is not dark")
	}
	for _, target := range pagesOf(newDesk()) {
		b.Go(url + target)
		b.FitsWidth()
		b.Picture("page" + strings.NewReplacer("/", "-", "?", "-", "&", "-").Replace(target))
	}
	b.Go(url + "/admin/dead")
	b.Key(kb.Tab)
	b.Tabs(".skip")
	b.Key("\r")
	b.Until("the content has the focus", "document.activeElement.id == 'content'")
	b.Tabs("summary")
	b.Key("\r")
	b.Until("the question is open", "document.querySelector('details[open]')")
	b.Tabs("form[action='/admin/dead/drop'] button")
	b.Key(kb.Escape)
	b.Until("Escape closes it", "!document.querySelector('details[open]') && document.activeElement.matches('summary')")
	b.Key("\r")
	b.Tabs("form[action='/admin/dead/drop'] button")
	b.Key("\r")
	b.Shows("[role=status]", "is dropped")
	b.Go(url + "/admin/settings")
	b.Tabs("#reload")
	b.Key("\r")
	b.Shows("[role=alert]", "BOT is not set")
	b.Picture("refused")
	b.Tabs(".end button")
	b.Key("\r")
	b.Shows("h1", "Sign in")
	if did := r.desk.did(); len(did) != 1 {
		t.Errorf("done: %v", did)
	}
}
