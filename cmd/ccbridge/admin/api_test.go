package admin

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"ccbridge/bridge"
	"ccbridge/cmd/ccbridge/config"
)

// TestPrograms: with the token a program gets every answer as JSON and does what the page does, without any form's token.
func TestPrograms(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, target := range answersOf(r.desk) {
		answer := r.get(target, bearer(token))
		r.code(answer, http.StatusOK)
		if !json.Valid(answer.Body.Bytes()) || answer.Header().Get("Content-Type") != "application/json" {
			t.Errorf("%s: %s", target, answer.Body)
		}
		if strings.Contains(answer.Body.String(), written) || strings.Contains(answer.Body.String(), said) != strings.Contains(target, "transcript") {
			t.Errorf("%s has words: %s", target, answer.Body)
		}
	}
	var overview struct {
		Version  string
		Ready    bool
		Parts    []struct{ Name, State string }
		Limited  []bridge.Limit
		Sessions map[string]int
		Dead     int
	}
	if err := json.Unmarshal(r.get("/admin/api/overview", bearer(token)).Body.Bytes(), &overview); err != nil {
		t.Fatal(err)
	}
	if overview.Version != "1.2.3" || !overview.Ready || len(overview.Parts) != 3 || overview.Parts[2].State != "up" || overview.Limited[0].Part != "acme" || overview.Sessions["queued"] != 1 || overview.Dead != 2 {
		t.Errorf("%+v", overview)
	}
	for target, form := range forms(newDesk()) {
		answer := r.send("POST", "/admin/api"+target, form, bearer(token))
		r.code(answer, http.StatusOK)
		if !strings.Contains(answer.Body.String(), `"ok":true`) {
			t.Errorf("%s: %s", target, answer.Body)
		}
		if target != "/reload" {
			r.code(r.send("POST", "/admin/api"+target, form, bearer(token)), http.StatusNotFound)
		}
	}
	if n := len(r.desk.did()); n != 3 {
		t.Errorf("done: %v", r.desk.did())
	}
	if len(r.cookies) > 0 {
		t.Error("a program got a cookie")
	}
	r.desk.change(func(d *desk) { d.sessions = nil })
	if got := r.get("/admin/api/sessions?all=1", bearer(token)).Body.String(); got != "[]\n" {
		t.Errorf("no sessions: %s", got)
	}
}

// TestWrongToken: a program with a wrong token gets nothing, is logged without it, and cannot try for long; the right
// one works meanwhile.
func TestWrongToken(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for range perAddress {
		r.code(r.get("/admin/api/overview", bearer(token+"x")), http.StatusUnauthorized)
	}
	r.code(r.get("/admin/api/overview", bearer("")), http.StatusTooManyRequests)
	r.code(r.send("POST", "/admin/api/reload", nil, bearer("x")), http.StatusTooManyRequests)
	r.code(r.get("/admin/api/overview", bearer(token)), http.StatusOK)
	if n := strings.Count(r.log.String(), "wrong token"); n != perAddress+1 || strings.Contains(r.log.String(), token) {
		t.Errorf("logged %d times:\n%s", n, r.log)
	}
	r.config.Admin = config.Admin{PasswordHash: config.NewSecret(cheapHash())}
	r.from = "192.0.2.7:1"
	for _, guess := range []string{"", token, password, cheapHash()} {
		r.code(r.get("/admin/api/overview", bearer(guess)), http.StatusUnauthorized)
	}
}

// TestScript: whoever is signed in may look as a program does, but not act without the form's token.
func TestScript(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	csrf := r.signIn()
	r.code(r.get("/admin/api/overview"), http.StatusOK)
	form := forms(r.desk)["/dead/resend"]
	r.code(r.send("POST", "/admin/api/dead/resend", form), http.StatusForbidden)
	r.code(r.send("POST", "/admin/api/dead/resend", form, header("X-CSRF-Token", csrf)), http.StatusOK)
}

// TestRefusalsAreJSON: a program is told in JSON also of what is no question, and of one from another site.
func TestRefusalsAreJSON(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, c := range []struct {
		method, target string
		code           int
		more           []change
	}{
		{"GET", "/admin/api/reload", http.StatusNotFound, nil},
		{"GET", "/admin/api/nothing", http.StatusNotFound, nil},
		{"POST", "/admin/api/reload", http.StatusForbidden, []change{header("Origin", "https://evil.example")}},
	} {
		answer := r.send(c.method, c.target, nil, append(c.more, bearer(token))...)
		r.code(answer, c.code)
		var said struct{ Error string }
		if err := json.Unmarshal(answer.Body.Bytes(), &said); err != nil || said.Error == "" {
			t.Errorf("%s %s: %s", c.method, c.target, answer.Body)
		}
	}
}
