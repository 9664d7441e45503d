package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"ccbridge/ccm/ccmsim"
)

const adminToken = "0123456789-0123456789"

// admin asks the operator's page of the bridge that runs now, as a browser or, with the token, as a program does.
func (w *world) admin(client *http.Client, token, path string, form url.Values) (status int, body string) {
	w.t.Helper()
	all := listening.FindAllStringSubmatch(w.log.String(), -1)
	method, sent := http.MethodGet, io.Reader(nil)
	if form != nil {
		method, sent = http.MethodPost, strings.NewReader(form.Encode())
	}
	req, err := http.NewRequestWithContext(w.ctx, method, "http://"+all[len(all)-1][1]+"/admin"+path, sent)
	must(w.t, err)
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := client.Do(req)
	must(w.t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	must(w.t, err)
	return resp.StatusCode, string(b)
}

// TestOperatorsPage: an operator signs in, finds a customer's conversation, reads it, reloads, and ends it; the customer
// is told. A program sees the same.
func TestOperatorsPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.run()
	if status, _ := w.get("/admin"); status != http.StatusNotFound {
		t.Errorf("the page is there unasked: status %d", status)
	}
	w.stop()
	w.config += "[admin]\ntoken = \"" + adminToken + "\"\n"
	w.run()
	root := w.ask(ada, "", "xylophone")
	w.sees(root, lineWelcome)

	jar, err := cookiejar.New(nil)
	must(t, err)
	browser := &http.Client{Jar: jar}
	if status, body := w.admin(browser, "", "/sessions", nil); status != http.StatusOK || !strings.Contains(body, "Sign in") {
		t.Fatalf("signed out: status %d", status)
	}
	_, body := w.admin(browser, "", "/login", url.Values{"password": {adminToken}, "next": {"/admin/sessions"}})
	link := regexp.MustCompile(`href="/admin(/sessions/([a-z2-7]{24}))"><bdi class="person">Ada<`).FindStringSubmatch(body)
	if link == nil {
		t.Fatalf("Ada's session is not listed:\n%s", body)
	}
	_, page := w.admin(browser, "", link[1], nil)
	if _, said := w.admin(browser, "", link[1]+"/transcript", nil); !strings.Contains(said, "xylophone") || strings.Contains(page, "xylophone") {
		t.Errorf("transcript:\n%s\nsession:\n%s", said, page)
	}
	if _, shown := w.admin(browser, "", "", nil); !strings.Contains(shown, `data-state="up"`) {
		t.Errorf("overview:\n%s", shown)
	}
	csrf := regexp.MustCompile(`name="csrf" value="([^"]+)"`).FindStringSubmatch(page)[1]
	if _, said := w.admin(browser, "", "/reload", url.Values{"csrf": {csrf}}); !strings.Contains(said, "nothing is changed") || strings.Contains(said, adminToken) {
		t.Errorf("reloaded:\n%s", said)
	}
	if _, said := w.admin(browser, "", "/sessions/end", url.Values{"csrf": {csrf}, "thread": {link[2]}}); !strings.Contains(said, "is being ended") {
		t.Errorf("ended:\n%s", said)
	}
	w.atCentre("the end", func(v ccmsim.View) bool {
		all := v.Sessions()
		return len(all) == 1 && all[0].State == ccmsim.StateEnded
	})

	status, answer := w.admin(http.DefaultClient, adminToken, "/api/overview", nil)
	var overview struct{ Ready bool }
	if err := json.NewDecoder(bytes.NewBufferString(answer)).Decode(&overview); err != nil || status != http.StatusOK || !overview.Ready {
		t.Errorf("status %d: %s", status, answer)
	}
	if log := w.log.String(); strings.Contains(log, "xylophone") || strings.Contains(log, adminToken) || !strings.Contains(log, `msg="admin: transcript opened" thread=acme/`) {
		t.Errorf("the log has a secret, or lacks who looked:\n%s", log)
	}
	w.stop()
	w.clean()
}
