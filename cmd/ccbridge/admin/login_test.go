package admin

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/bcrypt"

	"ccbridge/cmd/ccbridge/config"
)

// TestOff: without a password's hash or a token there is no page, not even a way in.
func TestOff(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.config.Admin = config.Admin{}
	for _, target := range slices.Concat(pagesOf(r.desk), answersOf(r.desk), []string{"/admin/login", "/admin/style.css", "/admin/admin.js"}) {
		r.code(r.get(target), http.StatusNotFound)
		r.code(r.get(target, bearer("")), http.StatusNotFound)
	}
	r.code(r.login(""), http.StatusNotFound)
}

// TestSignedOut: who is not signed in sees and does nothing.
func TestSignedOut(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, target := range pagesOf(r.desk) {
		answer := r.get(target)
		r.code(answer, http.StatusSeeOther)
		if to := answer.Header().Get("Location"); to != "/admin/login?next="+url.QueryEscape(target) {
			t.Errorf("%s leads to %s", target, to)
		}
		r.code(r.get(target, bearer(token)), http.StatusSeeOther) // the token is for programs
		r.code(r.get(target, header("X-Live", "1")), http.StatusUnauthorized)
		r.code(r.get(target, header("Cookie", cookieName+"=guess")), http.StatusSeeOther)
	}
	for _, target := range answersOf(r.desk) {
		r.code(r.get(target), http.StatusUnauthorized)
	}
	for target, form := range forms(r.desk) {
		r.code(r.send("POST", "/admin"+target, form), http.StatusSeeOther)
		r.code(r.send("POST", "/admin/api"+target, form), http.StatusUnauthorized)
	}
	if did := r.desk.did(); len(did) > 0 || strings.Contains(r.log.String(), "reload") {
		t.Errorf("done: %v\n%s", did, r.log)
	}
}

// TestFromElsewhere: a link from another site finds who is signed in: their browser is made to ask again, with the cookie.
func TestFromElsewhere(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	answer := r.get("/admin/dead", header("Sec-Fetch-Site", "cross-site"))
	r.code(answer, http.StatusOK)
	if to := answer.Header().Get("Refresh"); to != "0; url=/admin/dead" || answer.Body.Len() > 0 {
		t.Errorf("refresh %q, body %q", to, answer.Body)
	}
}

// TestLogin: the password and the token open, nothing else does; neither of them is logged.
func TestLogin(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	long := strings.Repeat("p", maxPassword)
	hash, err := bcrypt.GenerateFromPassword([]byte(long), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	for i, wrong := range []string{"", "correct horse", password + " ", token + "0", token[1:], cheapHash(), strings.Repeat("x", 2000)} {
		r.from = "192.0.2." + string(rune('1'+i)) + ":1"
		r.code(r.login(wrong), http.StatusUnauthorized)
		if len(r.cookies) > 0 {
			t.Fatalf("%q got a cookie", wrong)
		}
	}
	for _, right := range []string{password, token} {
		answer := r.login(right)
		r.code(answer, http.StatusSeeOther)
		if to := answer.Header().Get("Location"); to != "/admin" {
			t.Errorf("leads to %s", to)
		}
		r.code(r.get("/admin"), http.StatusOK)
		clear(r.cookies)
	}
	r.config.Admin = config.Admin{PasswordHash: config.NewSecret(string(hash))}
	r.code(r.login(long+"q"), http.StatusUnauthorized) // bcrypt itself looks at the beginning only
	r.code(r.login(""), http.StatusUnauthorized)       // which is not the missing token
	r.code(r.login(long), http.StatusSeeOther)
	r.config.Admin = config.Admin{Token: config.NewSecret(token)}
	r.code(r.login(password), http.StatusUnauthorized)
	log := r.log.String()
	for _, secret := range []string{"correct", token, "xxx", "ppp", cheapHash()[:20]} {
		if strings.Contains(log, secret) {
			t.Errorf("the log contains %q:\n%s", secret, log)
		}
	}
	for _, want := range []string{`level=WARN msg="admin: a login was refused: wrong password or token" address=192.0.2.1`,
		`level=INFO msg="admin: signed in" address=192.0.2.7 with=password`, "with=token"} {
		if !strings.Contains(log, want) {
			t.Errorf("the log lacks %s:\n%s", want, log)
		}
	}
}

// TestNext: the login leads on to the page that was asked for, and to no other place.
func TestNext(t *testing.T) {
	t.Parallel()
	for next, want := range map[string]string{
		"/admin/dead?words=1": "/admin/dead?words=1", "/admin": "/admin", "/admin/": "/admin/", "": "/admin", "/adminx": "/admin", "/": "/admin",
		"//evil.example/admin": "/admin", "https://evil.example/admin": "/admin", `/\evil.example`: "/admin", "/admin/../x": "/admin", "/admin/%2e%2e/x": "/admin",
		"/admin/login?next=x": "/admin", "javascript:alert(1)": "/admin", "/admin/\r\nX: y": "/admin", "admin": "/admin", "//admin/x": "/admin", "/admin//x": "/admin//x",
	} {
		if got := local(next); got != want {
			t.Errorf("%q leads to %q, want %q", next, got, want)
		}
	}
	r := newRig(t)
	answer := r.send("POST", "/admin/login", url.Values{"password": {password}, "next": {"https://evil.example/"}})
	if to := answer.Header().Get("Location"); to != "/admin" {
		t.Errorf("leads to %s", to)
	}
}

func FuzzNext(f *testing.F) {
	f.Add("/admin/dead")
	f.Add("//evil.example")
	f.Fuzz(func(t *testing.T, next string) {
		got := local(next)
		u, err := url.Parse(got)
		if err != nil || u.Host != "" || u.Scheme != "" || !strings.HasPrefix(got, "/admin") || strings.HasPrefix(got, "//") || strings.ContainsAny(got, "\\\r\n") {
			t.Errorf("%q leads to %q", next, got)
		}
	})
}

// TestCookie: scripts cannot read it, other sites' requests do not bear it, and over TLS it does not travel without.
func TestCookie(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for name, test := range map[string]struct {
		changes []change
		secure  bool
	}{
		"plain":      {nil, false},
		"proxy":      {[]change{header("X-Forwarded-Proto", "https")}, true},
		"proxy http": {[]change{header("X-Forwarded-Proto", "http")}, false},
		"browser":    {[]change{header("Origin", "https://example.com")}, true},
	} {
		answer := r.login(password, test.changes...)
		r.code(answer, http.StatusSeeOther)
		c := answer.Result().Cookies()[0]
		if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/admin" || c.Domain != "" || len(c.Value) < 43 || c.Secure != test.secure || c.MaxAge != 0 {
			t.Errorf("%s: %+v", name, c)
		}
	}
}

// TestLimits: nobody tries many passwords, from one address or from many, and whoever has the token gets in meanwhile.
func TestLimits(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for range perAddress {
		r.code(r.login("wrong"), http.StatusUnauthorized)
	}
	answer := r.login(password)
	r.code(answer, http.StatusTooManyRequests) // not even the right one is looked at
	if answer.Header().Get("Retry-After") != "20" {
		t.Errorf("retry after %s", answer.Header().Get("Retry-After"))
	}
	r.code(r.login(password), http.StatusTooManyRequests)
	if n := strings.Count(r.log.String(), "too many logins"); n != 1 {
		t.Errorf("said %d times:\n%s", n, r.log)
	}
	r.code(r.login(token), http.StatusSeeOther)
	r.from = "192.0.2.2:1"
	r.code(r.login("wrong"), http.StatusUnauthorized)
	r.from = "192.0.2.1:1"
	r.at = r.at.Add(addressPause)
	r.code(r.login(password), http.StatusSeeOther)
	for range perAddress { // who got in begins anew
		r.code(r.login("wrong"), http.StatusUnauthorized)
	}
	tried := 0
	for i := range 3 * overall {
		r.from = "198.51.100." + string(rune('0'+i%10)) + string(rune('0'+i/10)) + ":1"
		if r.login("wrong").Code == http.StatusUnauthorized {
			tried++
		}
	}
	if tried > overall {
		t.Errorf("%d passwords were tried at once", tried)
	}
	r.from = "203.0.113.9:1"
	r.code(r.login(password), http.StatusTooManyRequests)
	r.at = r.at.Add(overallPause)
	r.code(r.login(password), http.StatusSeeOther)
}

// TestAttemptsAreBounded: however many addresses try, few are remembered.
func TestAttemptsAreBounded(t *testing.T) {
	t.Parallel()
	a, now := newAttempts(), time.Unix(1, 0)
	for range perAddress {
		a.take("busy", now)
	}
	busy := a.by["busy"]
	for i := range 2 * maxAddresses {
		now = now.Add(time.Millisecond)
		a.take(string(rune('a'+i%26))+string(rune(0x4e00+i)), now)
		a.take("busy", now)
	}
	if len(a.by) > maxAddresses {
		t.Errorf("%d are remembered", len(a.by))
	}
	if a.by["busy"] != busy {
		t.Error("who tries all the time was forgotten")
	}
}

// TestChecksAtOnce: passwords are checked one at a time, and whoever waits for too long is told so.
func TestChecksAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.page.checking <- struct{}{} // another one's
		answered := make(chan *httptest.ResponseRecorder, 1)
		go func() { answered <- r.login(password) }()
		synctest.Wait()
		if len(answered) > 0 {
			t.Fatal("a password was checked beside another")
		}
		began := time.Now()
		r.code(<-answered, http.StatusServiceUnavailable)
		if waited := time.Since(began); waited != answerTime {
			t.Errorf("waited %s", waited)
		}
		<-r.page.checking
		r.code(r.login(password), http.StatusSeeOther)
	})
}

// TestAddress: a web server before the page is believed only on this machine.
func TestAddress(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ peer, forwarded, want string }{
		{"192.0.2.1:5", "", "192.0.2.1"},
		{"192.0.2.1:5", "203.0.113.7", "192.0.2.1"},
		{"127.0.0.1:5", "203.0.113.7", "203.0.113.7"},
		{"127.0.0.1:5", "198.51.100.1, 203.0.113.7", "203.0.113.7"},
		{"127.0.0.1:5", "nonsense", "127.0.0.1"},
		{"[::1]:5", "2001:db8::1:2:3:4", "2001:db8::/64"},
		{"[::1]:5", "", "::1"},
		{"[2001:db8::5]:5", "", "2001:db8::/64"},
		{"[::ffff:192.0.2.1]:5", "", "192.0.2.1"},
		{"[fe80::1%eth0]:5", "", "fe80::/64"},
		{"@", "", "@"},
	} {
		r := &http.Request{RemoteAddr: test.peer, Header: http.Header{}}
		if test.forwarded != "" {
			r.Header.Set("X-Forwarded-For", test.forwarded)
		}
		if got := addressOf(r); got != test.want {
			t.Errorf("%+v: %s", test, got)
		}
	}
	r := &http.Request{RemoteAddr: "127.0.0.1:5", Header: http.Header{"X-Forwarded-For": {"203.0.113.7", "203.0.113.8"}}}
	if got := addressOf(r); got != "203.0.113.8" {
		t.Errorf("of two headers: %s", got)
	}
}
