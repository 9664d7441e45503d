package admin

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"pgregory.net/rapid"

	"ccbridge/bridge"
	"ccbridge/cmd/ccbridge/config"
)

// TestPages: each shows what it is for, and nobody's words but where they were asked for.
func TestPages(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.signIn()
	r.page.Log.Error("the roof is on fire", "thread", "acme/T1")
	session := "/admin/sessions/" + string(r.desk.sessions[0].ID)
	for target, want := range map[string][]string{
		"/admin": {"centre is down (for 3 min).", "HTTP 503 &lt;b&gt;", `data-state="down"`, "it told the bridge to wait", "42 s", "the roof is on fire",
			"Ada", `data-state="queued"`, "dead letters", "1.2.3"},
		"/admin/sessions":                       {"Ada", "queued", "10 min", "acme", "C1"},
		"/admin/sessions?all=1":                 {"Ada", "Bea", "ended", "by the centre"},
		"/admin/sessions?all=1&state=ended":     {"Bea"},
		"/admin/sessions?state=agent":           {"No session is in the state “agent”"},
		"/admin/sessions?state=%3Cscript%3E":    {"&lt;script&gt;"},
		session:                                 {"Session 2 of", "Ada", "queued", "Open the transcript", "End it now", "in doubt: being looked up", "1 until its turn"},
		session + "/transcript":                 {said, "Grace", "refused", "changed", `data-who="robot"`},
		"/admin/dead":                           {"to the centre", "given-up", "to the customer", "thread-gone", "Send again"},
		"/admin/dead?words=letter1":             {written},
		"/admin/faults":                         {"the roof is on fire", "thread=acme/T1"},
		"/admin/settings":                       {"127.0.0.1:8080", "(secret)", "env:TOKEN", "line 9", "default", "config.toml", "Reload the configuration"},
		"/admin/sessions/nothing":               {"There is no such thread."},
		"/admin/sessions/%3Cb%3E/transcript":    {"There is no such thread."},
		"/admin/login?next=%22%3E%3Cscript%3Ex": nil,
	} {
		answer := r.get(target)
		body := answer.Body.String()
		for _, w := range want {
			if !strings.Contains(body, w) {
				t.Errorf("%s does not show %q:\n%s", target, w, body)
			}
		}
		if shows := strings.Contains(body, said); shows != strings.HasSuffix(target, "/transcript") && want != nil && strings.Contains(target, session) {
			t.Errorf("%s shows a transcript: %v", target, shows)
		}
		if n := strings.Count(body, written); n > 1 || (n == 1) != strings.Contains(target, "words=") {
			t.Errorf("%s shows the words of %d letters", target, n)
		}
		for _, secret := range []string{token, cheapHash(), "<script>"} {
			if strings.Contains(body, secret) {
				t.Errorf("%s shows %q", target, secret)
			}
		}
	}
}

// TestOpenedIsLogged: who looks at people's words leaves a trace; who looks at anything else does not.
func TestOpenedIsLogged(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.signIn()
	session := "/admin/sessions/" + string(r.desk.sessions[0].ID)
	words := map[string]string{session + "/transcript": "transcript opened", "/admin/dead?words=letter1": "dead letter opened",
		"/admin/api/transcript?thread=" + string(r.desk.sessions[0].ID): "transcript opened"}
	for _, target := range slices.Concat(pagesOf(r.desk), answersOf(r.desk)) {
		before := r.log.String()
		r.code(r.get(target), http.StatusOK)
		added := strings.TrimPrefix(r.log.String(), before)
		if want := words[target]; want == "" && added != "" || !strings.Contains(added, want) || want != "" && !strings.Contains(added, "thread=acme/T1/C1/1700000000.000100 address=192.0.2.1") {
			t.Errorf("%s logs %q, want %q", target, added, want)
		}
	}
	if strings.Contains(r.log.String(), said) || strings.Contains(r.log.String(), written) {
		t.Errorf("words in the log:\n%s", r.log)
	}
}

// TestHeaders: every answer bears what protects it, whatever it is.
func TestHeaders(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	check := func(target string, h http.Header) {
		t.Helper()
		for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY",
			"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin", "Cache-Control": "no-store"} {
			if got := h.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", target, name, got, want)
			}
		}
		if csp := h.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: policy %q", target, csp)
		}
		if h.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s is open to other sites", target)
		}
	}
	all := slices.Concat(pagesOf(r.desk), answersOf(r.desk), []string{"/admin/login", "/admin/style.css", "/admin/admin.js", "/admin/nothing"})
	for _, target := range all {
		check(target, r.get(target).Header())
	}
	r.signIn()
	for _, target := range all {
		answer := r.get(target)
		check(target, answer.Header())
		if body := answer.Body.String(); strings.Contains(body, " style=") || strings.Contains(body, " onclick") || strings.Contains(body, "<style") || strings.Contains(body, "<script>") {
			t.Errorf("%s has something inline, which the policy forbids", target)
		}
	}
	r.config.Admin = config.Admin{}
	check("off", r.get("/admin").Header())
}

// TestHostileWords: names and words of people do nothing on the page, whatever they contain.
func TestHostileWords(t *testing.T) {
	t.Parallel()
	const hostile = `<script>alert(1)</script>"'><img src=x onerror=alert(1)>{{.}}` + "\u202egnp.exe\u2066\x00\x1b[2J\u2028"
	r := newRig(t)
	r.desk.change(func(d *desk) {
		for i := range d.sessions {
			d.sessions[i].Customer = bridge.User{ID: hostile, Name: hostile}
		}
		for i := range d.entries {
			d.entries[i].Name, d.entries[i].Text, d.entries[i].Files = hostile, hostile, []string{hostile}
		}
		for i := range d.dead {
			d.dead[i].Reason, d.dead[i].Texts = hostile, []string{hostile}
		}
		d.dead[0].ID = `"'><script>`
	})
	r.signIn()
	r.page.Log.Error(hostile, "detail", hostile)
	r.reload = func() ([]string, error) { return []string{hostile}, errors.New(hostile) }
	r.send("POST", "/admin/reload", map[string][]string{"csrf": {r.csrf()}})
	for _, target := range pagesOf(r.desk) {
		body := r.get(target).Body.String()
		for _, bad := range []string{"<script>", "<img", "\u202e", "\u2066", "\x00", "\x1b", "\u2028", `"'>`} {
			if strings.Contains(body, bad) {
				t.Errorf("%s contains %q", target, bad)
			}
		}
	}
}

// TestVisible: nothing of a text is lost or hidden, and what is harmless stays as it is.
func TestVisible(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"plain ü 漢字 👩‍🚀\n\tx": "plain ü 漢字 👩‍🚀\n\tx", "a\u202eb": "a⟨U+202E⟩b", "\x00\x7f\u0085": "⟨U+0000⟩⟨U+007F⟩⟨U+0085⟩", "\u200fשלום": "⟨U+200F⟩שלום", "\r\n": "⟨U+000D⟩\n",
	} {
		if got := visible(text); got != want {
			t.Errorf("%q shows as %q, want %q", text, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		shown := visible(rapid.String().Draw(t, "text"))
		for _, r := range shown {
			if unicode.IsControl(r) && r != '\n' && r != '\t' || unicode.Is(unicode.Bidi_Control, r) {
				t.Fatalf("%q acts", shown)
			}
		}
		if visible(shown) != shown {
			t.Fatal("what is visible changes")
		}
	})
}

func TestNames(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		user bridge.User
		want string
	}{
		{bridge.User{ID: "U1", Name: " Ada\n  Lovelace "}, "Ada Lovelace"},
		{bridge.User{ID: "U1", Name: " \n "}, "U1"},
		{bridge.User{ID: "U1", Name: strings.Repeat("漢", maxName+1)}, strings.Repeat("漢", maxName) + "…"},
		{bridge.User{ID: "U1", Name: "a\u202eb"}, "a⟨U+202E⟩b"},
	} {
		if got := person(test.user); got != test.want {
			t.Errorf("%+v is called %q, want %q", test.user, got, test.want)
		}
	}
}

func TestTimes(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		-time.Second: "0 s", 59*time.Second + 999*time.Millisecond: "59 s", time.Minute: "1 min", 3599 * time.Second: "59 min", time.Hour: "1 h",
		90 * time.Minute: "1 h 30 min", 24 * time.Hour: "1 d", 100 * time.Hour: "4 d 4 h",
	} {
		if got := duration(d); got != want {
			t.Errorf("%s: %q, want %q", d, got, want)
		}
	}
	now := time.Date(2026, 11, 28, 3, 0, 0, 0, time.UTC)
	for at, want := range map[time.Time]string{now.Add(-time.Hour): "02:00:00", now.Add(-4 * time.Hour): "27 Nov 2026, 23:00:00", {}: "–"} {
		if got := clock(now, at); got != want {
			t.Errorf("%s: %q, want %q", at, got, want)
		}
	}
}

// TestLongLists: however much there is, a page stays small and says what it leaves out.
func TestLongLists(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ada, letter, entry := r.desk.sessions[0], r.desk.dead[0], r.desk.entries[0]
	r.desk.change(func(d *desk) {
		for range maxRows + 6 {
			d.sessions = append(d.sessions, ada)
			d.dead = append(d.dead, letter)
		}
		for i := range 5*maxEntries/2 + 7 {
			entry.Session = i
			d.entries = append(d.entries, entry)
		}
	})
	r.signIn()
	for target, want := range map[string]string{"/admin/sessions": "7 more are not shown", "/admin/dead": "8 more are not shown",
		"/admin/sessions/" + string(ada.ID) + "/transcript": "1510 earlier lines are left out"} {
		body := r.get(target).Body.String()
		if !strings.Contains(body, want) || strings.Count(body, "<tr") > maxRows+1 || strings.Count(body, `<li class="bubble`) > maxEntries {
			t.Errorf("%s: rows %d, bubbles %d, says %q: %v", target, strings.Count(body, "<tr"), strings.Count(body, `<li class="bubble`), want, strings.Contains(body, want))
		}
	}
	if body := r.get("/admin/sessions/" + string(ada.ID) + "/transcript").Body.String(); !strings.Contains(body, "Session 2506<") {
		t.Error("the newest lines are not there")
	}
}

// TestGlance: many who look for news read the store once a second; who did something sees what came of it.
func TestGlance(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	csrf := r.signIn()
	has := func(want bool) {
		t.Helper()
		if got := strings.Contains(r.get("/admin/sessions").Body.String(), "Ada"); got != want {
			t.Fatalf("Ada is shown: %v", got)
		}
	}
	has(true)
	was := r.desk.sessions
	r.desk.change(func(d *desk) { d.sessions = nil })
	has(true)
	r.at = r.at.Add(glanceAge)
	has(false)
	r.desk.change(func(d *desk) { d.sessions = was })
	has(false)
	r.send("POST", "/admin/dead/drop", map[string][]string{"csrf": {csrf}, "id": {"letter1"}})
	has(true)
}

// TestVerdict: one sentence says how the bridge is.
func TestVerdict(t *testing.T) {
	t.Parallel()
	now := time.Unix(1e9, 0)
	in := func(name, state string) part {
		return part{name, bridge.Part{State: state, Since: now.Add(-time.Minute)}}
	}
	for _, test := range []struct {
		parts       []part
		ready       bool
		level, text string
	}{
		{[]part{in("store", "up"), in("acme", "up")}, true, "ok", "All parts are up."},
		{[]part{in("store", "up"), in("acme", "silent")}, true, "bad", "acme is silent (for 1 min)."},
		{[]part{in("store", "down"), in("acme", "failed")}, true, "bad", "store is down (for 1 min), acme is failed (for 1 min)."},
		{[]part{in("acme", "catching-up")}, false, "warn", "Not ready yet: acme is catching-up (for 1 min)."},
		{[]part{in("centre", "starting")}, true, "info", "centre is starting (for 1 min)."},
	} {
		if level, text := verdict(test.parts, test.ready, now); level != test.level || text != test.text {
			t.Errorf("%v: %s %q", test, level, text)
		}
	}
}

// TestFailures: what the store does not do is told in plain words, with a status that says so.
func TestFailures(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	csrf := r.signIn()
	for err, want := range map[error]struct {
		code int
		text string
	}{
		bridge.ErrNoThread: {404, "no open session any more"}, bridge.ErrNoLetter: {404, "dead letter is gone"},
		context.DeadlineExceeded: {503, "did not answer in time"}, errors.New("disk full"): {500, "That did not work: disk full"},
	} {
		r.at = r.at.Add(time.Minute)
		r.desk.change(func(d *desk) { d.err = err })
		for _, target := range []string{"/admin/sessions", "/admin/api/sessions", "/admin/dead", "/admin/api/overview", "/admin"} {
			answer := r.get(target)
			r.code(answer, want.code)
			if !strings.Contains(answer.Body.String(), want.text) {
				t.Errorf("%s says %s", target, answer.Body)
			}
		}
		for target, form := range forms(r.desk) {
			if target == "/reload" {
				continue
			}
			r.code(r.send("POST", "/admin/api"+target, form, bearer(token)), want.code)
			form.Set("csrf", csrf)
			r.code(r.send("POST", "/admin"+target, form), http.StatusSeeOther)
			if body := r.get("/admin/settings").Body.String(); !strings.Contains(body, want.text) {
				t.Errorf("%s: %v is not told", target, err)
			}
		}
	}
}

// TestReload: a refused file is told with its faults, and a program that cannot reload says so.
func TestReload(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	csrf := r.signIn()
	press := func() string {
		r.send("POST", "/admin/reload", map[string][]string{"csrf": {csrf}})
		return r.get("/admin/settings").Body.String()
	}
	r.reload = func() ([]string, error) { return []string{"config.toml:3: no"}, errors.New("faults: 1") }
	if body := press(); !strings.Contains(body, "Nothing was changed: faults: 1") || !strings.Contains(body, "config.toml:3: no") || !strings.Contains(body, `role="alert"`) {
		t.Error(body)
	}
	r.reload = func() ([]string, error) { return nil, nil }
	if body := press(); !strings.Contains(body, "is in force") {
		t.Error(body)
	}
	r.page.Reload = nil
	if body := press(); !strings.Contains(body, "restart it") || strings.Contains(body, `id="reload"`) {
		t.Error(body)
	}
}
