package admin

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"ccbridge/cmd/ccbridge/config"
)

// TestSessionEnds: after idleLimit without a request by hand, after lifeLimit in any case.
func TestSessionEnds(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.signIn()
	r.at = r.at.Add(idleLimit - time.Second)
	r.code(r.get("/admin"), http.StatusOK)
	r.at = r.at.Add(idleLimit - time.Second)
	r.code(r.get("/admin", header("X-Live", "1")), http.StatusOK) // the script's look is none by hand
	r.at = r.at.Add(time.Second)
	r.code(r.get("/admin"), http.StatusSeeOther)

	r.signIn()
	for began := r.at; r.at.Sub(began) < lifeLimit-idleLimit; {
		r.at = r.at.Add(idleLimit - time.Second)
		r.code(r.get("/admin"), http.StatusOK)
	}
	r.at = r.at.Add(idleLimit - time.Second)
	r.code(r.get("/admin"), http.StatusSeeOther)
}

// TestSessionOfOtherCredentials: whoever changes password or token puts everybody out.
func TestSessionOfOtherCredentials(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.signIn()
	was := r.config.Admin
	r.config.Admin.Token = config.NewSecret(token + "x")
	r.code(r.get("/admin"), http.StatusSeeOther)
	r.config.Admin = was
	r.code(r.get("/admin"), http.StatusSeeOther) // also when they come back
}

// TestLogout: afterwards the cookie is worth nothing.
func TestLogout(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	csrf := r.signIn()
	cookie := r.cookies[cookieName]
	r.code(r.send("POST", "/admin/logout", nil), http.StatusForbidden)
	r.code(r.get("/admin"), http.StatusOK)
	r.code(r.send("POST", "/admin/logout", url.Values{"csrf": {csrf}}), http.StatusSeeOther)
	if len(r.cookies) > 0 {
		t.Error("the cookie stays")
	}
	r.cookies[cookieName] = cookie
	r.code(r.get("/admin"), http.StatusSeeOther)
}

// TestLoginAgain: the session before is over, so that a cookie from before is worth nothing.
func TestLoginAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.signIn()
	before := r.cookies[cookieName]
	r.signIn()
	if r.cookies[cookieName] == before {
		t.Fatal("the cookie is the same")
	}
	r.cookies[cookieName] = before
	r.code(r.get("/admin"), http.StatusSeeOther)
}

// TestSignedInAreBounded: who was away for the longest goes when there are too many.
func TestSignedInAreBounded(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.code(r.login(token), http.StatusSeeOther)
	first := r.cookies[cookieName]
	clear(r.cookies)
	r.at = r.at.Add(time.Second)
	r.code(r.login(token), http.StatusSeeOther)
	second := r.cookies[cookieName]
	for range maxSignedIn - 1 {
		clear(r.cookies)
		r.at = r.at.Add(time.Second)
		r.code(r.login(token), http.StatusSeeOther)
	}
	if n := len(r.page.door.in); n != maxSignedIn {
		t.Errorf("%d are signed in", n)
	}
	r.cookies[cookieName] = first
	r.code(r.get("/admin"), http.StatusSeeOther)
	r.cookies[cookieName] = second
	r.code(r.get("/admin"), http.StatusOK)
}

// TestForms: each does what it says, with the session's own token only.
func TestForms(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	other := r.signIn()
	clear(r.cookies)
	csrf := r.signIn()
	for _, prefix := range []string{"/admin", "/admin/api"} {
		for target, form := range forms(r.desk) {
			for _, wrong := range []string{"", other, csrf[1:], csrf + "x"} {
				form.Set("csrf", wrong)
				r.code(r.send("POST", prefix+target, form), http.StatusForbidden)
			}
		}
	}
	if did := r.desk.did(); len(did) > 0 {
		t.Fatalf("done without the token: %v", did)
	}
	for target, want := range map[string]string{"/sessions/end": "is being ended", "/dead/resend": "on its way again", "/dead/drop": "is dropped", "/reload": "store.url needs a restart"} {
		form := forms(newDesk())[target]
		form.Set("csrf", csrf)
		answer := r.send("POST", "/admin"+target, form)
		r.code(answer, http.StatusSeeOther)
		page := answer.Header().Get("Location")
		r.get(page, header("X-Live", "1")) // the script's look does not take the notice
		if body := r.get(page).Body.String(); !strings.Contains(body, want) {
			t.Errorf("%s leads to %s, which does not say %q", target, page, want)
		}
		if body := r.get(page).Body.String(); strings.Contains(body, want) {
			t.Errorf("%s: %q is said twice", target, want)
		}
	}
	if did := strings.Join(r.desk.did(), ","); strings.Count(did, ",") != 2 || !strings.Contains(did, "resend letter1") || !strings.Contains(did, "drop letter2") || !strings.Contains(did, "end ") {
		t.Errorf("done: %s", did)
	}
	for _, want := range []string{"admin: session ended", "admin: dead letter sent again", "admin: dead letter dropped", "admin: reload asked for"} {
		if !strings.Contains(r.log.String(), want) {
			t.Errorf("the log lacks %q", want)
		}
	}
}

// TestOtherSites: a browser says that a form comes from another site, and it is refused although all else is right.
func TestOtherSites(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	csrf := r.signIn()
	for name, c := range map[string]change{
		"cross-site": header("Sec-Fetch-Site", "cross-site"), "same-site": header("Sec-Fetch-Site", "same-site"), "origin": header("Origin", "https://evil.example"), "null": header("Origin", "null"),
	} {
		for target, form := range forms(r.desk) {
			form.Set("csrf", csrf)
			if code := r.send("POST", "/admin"+target, form, c).Code; code != http.StatusForbidden {
				t.Errorf("%s: %s: status %d", name, target, code)
			}
			if code := r.send("POST", "/admin/api"+target, form, c, bearer(token)).Code; code != http.StatusForbidden {
				t.Errorf("%s: api%s: status %d", name, target, code)
			}
		}
		if code := r.login(password, c).Code; code != http.StatusForbidden {
			t.Errorf("%s: login: status %d", name, code)
		}
	}
	if did := r.desk.did(); len(did) > 0 {
		t.Errorf("done: %v", did)
	}
	form := forms(r.desk)["/dead/resend"]
	form.Set("csrf", csrf)
	r.code(r.send("POST", "/admin/dead/resend", form, header("Origin", "http://example.com"), header("Sec-Fetch-Site", "same-origin")), http.StatusSeeOther)
}

// TestMethods: what changes something cannot be done by a link.
func TestMethods(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.signIn()
	for target, form := range forms(r.desk) {
		form.Set("csrf", r.csrf())
		for _, prefix := range []string{"/admin", "/admin/api"} {
			answer := r.get(prefix+target+"?"+form.Encode(), bearer(token))
			if answer.Code != http.StatusMethodNotAllowed && answer.Code != http.StatusNotFound {
				t.Errorf("GET %s%s: status %d", prefix, target, answer.Code)
			}
		}
	}
	r.code(r.get("/admin/logout"), http.StatusMethodNotAllowed)
	for _, target := range pagesOf(r.desk) {
		r.code(r.send("POST", target, nil), http.StatusMethodNotAllowed)
	}
	if did := r.desk.did(); len(did) > 0 {
		t.Errorf("done: %v", did)
	}
}

// TestLargeBody: what is too large is not read.
func TestLargeBody(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	csrf := r.signIn()
	form := forms(r.desk)["/dead/resend"]
	form.Set("a", strings.Repeat("x", maxBody))
	form.Set("csrf", csrf)
	r.code(r.send("POST", "/admin/dead/resend", form), http.StatusForbidden)
}
