package ccm_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"ccbridge/ccm"
)

// counts are the numbers of calls a test expects.
type counts struct{ access, apply, send int }

func (c *centre) counts() counts {
	return counts{c.count("tokenByAkSk"), c.count("applyToken"), c.count("send")}
}

func TestSingleFlight(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		centre := newCentre()
		release := make(chan struct{})
		centre.script["tokenByAkSk"] = func(n int, w http.ResponseWriter, _ call) {
			<-release
			fmt.Fprintf(w, `{"AccessToken":"tok-A%d","Expires":600}`, n)
		}
		centre.script["applyToken"] = func(n int, w http.ResponseWriter, _ call) {
			<-release
			fmt.Fprintf(w, `{"resultCode":"0","token":"tok-V%d"}`, n)
		}
		client := local(t, centre)
		var calls sync.WaitGroup
		for range 50 {
			calls.Go(func() {
				if err := client.Send(t.Context(), visitor, chat("x")); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		close(release)
		calls.Wait()
		if got, want := centre.counts(), (counts{1, 1, 50}); got != want {
			t.Errorf("calls: %+v, want %+v", got, want)
		}
		other := visitor
		other.UserID = "another"
		if err := client.Send(t.Context(), other, chat("x")); err != nil {
			t.Error(err)
		}
		client.Forget(visitor)
		if err := client.Send(t.Context(), visitor, chat("x")); err != nil {
			t.Error(err)
		}
		if got, want := centre.counts(), (counts{1, 3, 52}); got != want {
			t.Errorf("after Forget: %+v, want %+v", got, want)
		}
	})
}

// TestFlightAbandoned: if the caller who fetches a token gives up, one of those who wait fetches it.
func TestFlightAbandoned(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		centre := newCentre()
		release := make(chan struct{})
		centre.script["tokenByAkSk"] = func(n int, w http.ResponseWriter, _ call) {
			if n == 1 {
				<-release
			}
			fmt.Fprintf(w, `{"AccessToken":"tok-A%d","Expires":"600"}`, n)
		}
		client := local(t, centre)
		ctx, cancel := context.WithCancel(t.Context())
		var calls sync.WaitGroup
		calls.Go(func() {
			e := asError(t, client.Send(ctx, visitor, chat("first")))
			if !errors.Is(e, context.Canceled) || e.Certainty != ccm.NotDone {
				t.Errorf("got %v (%v)", e, e.Certainty)
			}
		})
		synctest.Wait()
		calls.Go(func() {
			if err := client.Send(t.Context(), visitor, chat("second")); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		cancel()
		close(release)
		calls.Wait()
		if got, want := centre.counts(), (counts{2, 1, 1}); got != want {
			t.Errorf("calls: %+v, want %+v", got, want)
		}
	})
}

// TestRefusedTokens: 403 renews the AccessToken, 401 the visitor's, each once in a call.
func TestRefusedTokens(t *testing.T) {
	t.Parallel()
	const ok, badVisitor, badAccess = 200, 401, 403
	for _, test := range []struct {
		name     string
		statuses []int // of the calls of send; the last one goes on
		want     counts
		status   int // of the error, 0 for none
	}{
		{"good", []int{ok}, counts{1, 1, 1}, 0},
		{"401 once", []int{badVisitor, ok}, counts{1, 2, 2}, 0},
		{"403 once", []int{badAccess, ok}, counts{2, 1, 2}, 0},
		{"403 then 401", []int{badAccess, badVisitor, ok}, counts{2, 2, 3}, 0},
		{"401 then 403", []int{badVisitor, badAccess, ok}, counts{2, 2, 3}, 0},
		{"401 always", []int{badVisitor}, counts{1, 2, 2}, badVisitor},
		{"403 always", []int{badAccess}, counts{2, 1, 2}, badAccess},
		{"403, 401, 403", []int{badAccess, badVisitor, badAccess}, counts{2, 2, 3}, badAccess},
		{"401, 403, 401", []int{badVisitor, badAccess, badVisitor}, counts{2, 2, 3}, badVisitor},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			centre := newCentre()
			var tokens []string
			centre.script["send"] = func(n int, w http.ResponseWriter, c call) {
				tokens = append(tokens, c.header.Get("Authorization")+" "+c.header.Get("ccmessaging-token"))
				answerWith(test.statuses[min(n, len(test.statuses))-1], `{"resultCode":"0"}`)(n, w, c)
			}
			err := local(t, centre).Send(t.Context(), visitor, chat("x"))
			if got := centre.counts(); got != test.want {
				t.Errorf("calls: %+v, want %+v", got, test.want)
			}
			last := fmt.Sprintf("Bearer tok-A%d tok-V%d", test.want.access, test.want.apply)
			if tokens[len(tokens)-1] != last {
				t.Errorf("tokens sent: %q, want %q last", tokens, last)
			}
			if test.status == 0 {
				if err != nil {
					t.Error(err)
				}
				return
			}
			e := asError(t, err)
			if e.Status != test.status || e.Certainty != ccm.NotDone || e.Unauthorized() != (test.status == badVisitor) ||
				e.SessionGone() != (test.status == badVisitor) || e.AccessRefused() != (test.status == badAccess) {
				t.Errorf("got %v (%v)", e, e.Certainty)
			}
			if centreWide := e.Scope == ccm.ScopeCentre; centreWide != (test.status == badAccess) {
				t.Errorf("scope is %v", e.Scope)
			}
		})
	}
}

// TestNoToken: a call that lacks a token was not made, whatever is wrong with the token's server.
func TestNoToken(t *testing.T) {
	t.Parallel()
	fail := func(int, http.ResponseWriter, call) { panic(http.ErrAbortHandler) }
	for _, test := range []struct {
		name   string
		script func(c *centre)
		scope  ccm.Scope
		sends  int
	}{
		{"AccessToken never answered", func(c *centre) { c.script["tokenByAkSk"] = fail }, ccm.ScopeCentre, 0},
		{"wrong key", func(c *centre) { c.script["tokenByAkSk"] = answerWith(401, `{"errorCode":"0"}`) }, ccm.ScopeCentre, 0},
		{"AccessToken 500", func(c *centre) { c.script["tokenByAkSk"] = answerWith(500, ``) }, ccm.ScopeCentre, 0},
		{"no AccessToken inside", func(c *centre) { c.script["tokenByAkSk"] = answerWith(200, `{"AccessToken":""}`) }, ccm.ScopeCentre, 0},
		{"AccessToken no header can carry", func(c *centre) { c.script["tokenByAkSk"] = answerWith(200, `{"AccessToken":"a\nb"}`) }, ccm.ScopeCentre, 0},
		{"visitor refused", func(c *centre) { c.script["applyToken"] = answerWith(200, `{"resultCode":"1","token":"x"}`) }, ccm.ScopeSession, 0},
		{"service not bought", func(c *centre) { c.script["applyToken"] = answerWith(401, ``) }, ccm.ScopeCentre, 0},
		{"empty token", func(c *centre) { c.script["applyToken"] = answerWith(200, `{"resultCode":"0","token":"\"\""}`) }, ccm.ScopeSession, 0},
		{"applyToken never answered", func(c *centre) { c.script["applyToken"] = fail }, ccm.ScopeSession, 0},
		{"renewal fails after 401", func(c *centre) {
			c.script["send"] = answerWith(401, ``)
			c.script["applyToken"] = func(n int, w http.ResponseWriter, _ call) {
				if n > 1 {
					panic(http.ErrAbortHandler)
				}
				io.WriteString(w, `{"token":"t"}`)
			}
		}, ccm.ScopeSession, 1},
		{"renewal fails after 403", func(c *centre) {
			c.script["send"] = answerWith(403, ``)
			c.script["tokenByAkSk"] = func(n int, w http.ResponseWriter, _ call) {
				if n > 1 {
					panic(http.ErrAbortHandler)
				}
				io.WriteString(w, `{"AccessToken":"t"}`)
			}
		}, ccm.ScopeCentre, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			centre := newCentre()
			test.script(centre)
			e := asError(t, networked(t, centre).Send(t.Context(), visitor, chat("x")))
			if e.Certainty != ccm.NotDone || e.Scope != test.scope || e.SessionGone() || centre.count("send") != test.sends {
				t.Errorf("got %v (%v, %v), session gone %v, after %d sends", e, e.Certainty, e.Scope, e.SessionGone(), centre.count("send"))
			}
		})
	}
}

func TestAccessTokenRenewal(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		expires string // JSON
		fresh   time.Duration
		due     time.Duration
	}{
		{`"600"`, 539 * time.Second, 541 * time.Second},
		{`600`, 539 * time.Second, 541 * time.Second},
		{`"3600"`, 3239 * time.Second, 3241 * time.Second},
		{`null`, 539 * time.Second, 541 * time.Second},
		{`"soon"`, 539 * time.Second, 541 * time.Second},
		{`"90"`, 29 * time.Second, 31 * time.Second},
		{`"60"`, 29 * time.Second, 31 * time.Second},
		{`1`, 400 * time.Millisecond, 600 * time.Millisecond},
		{`1e300`, 21 * time.Hour, 22 * time.Hour},
		{`0`, -1, 0},
	} {
		t.Run(test.expires, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				centre := newCentre()
				centre.script["tokenByAkSk"] = func(n int, w http.ResponseWriter, _ call) {
					fmt.Fprintf(w, `{"AccessToken":"tok-A%d","Expires":%s}`, n, test.expires)
				}
				client := local(t, centre)
				poll := func() int {
					if _, err := client.Poll(t.Context(), visitor); err != nil {
						t.Fatal(err)
					}
					return centre.count("tokenByAkSk")
				}
				first := poll()
				if test.fresh >= 0 {
					<-time.After(test.fresh) // the bubble's clock
					if got := poll(); got != first {
						t.Errorf("renewed after %v", test.fresh)
					}
					<-time.After(test.due - test.fresh)
				}
				if got := poll(); got <= first {
					t.Errorf("not renewed after %v", test.due)
				}
			})
		})
	}
}

// TestRenewalFailsAheadOfTime: the old AccessToken serves until its end, and is not renewed at every call.
func TestRenewalFailsAheadOfTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		centre := newCentre()
		client := local(t, centre)
		if err := client.Send(t.Context(), visitor, chat("x")); err != nil {
			t.Fatal(err)
		}
		centre.script["tokenByAkSk"] = answerWith(http.StatusInternalServerError, "")
		<-time.After(545 * time.Second)
		for range 5 {
			if err := client.Send(t.Context(), visitor, chat("x")); err != nil {
				t.Fatal(err)
			}
		}
		if got := centre.count("tokenByAkSk"); got != 2 {
			t.Errorf("asked for an AccessToken %d times, want 2", got)
		}
		<-time.After(60 * time.Second)
		if e := asError(t, client.Send(t.Context(), visitor, chat("x"))); e.Certainty != ccm.NotDone {
			t.Errorf("got %v (%v)", e, e.Certainty)
		}
	})
}

// TestRotation: the token of a response header is used from then on, but no older answer overwrites a newer token.
func TestRotation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		centre := newCentre()
		rotate := func(status int, token string) func(int, http.ResponseWriter, call) {
			return func(n int, w http.ResponseWriter, c call) {
				w.Header().Set("ccmessaging-token", token)
				answerWith(status, `{"resultCode":"0"}`)(n, w, c)
			}
		}
		client := local(t, centre)
		send := func() string {
			t.Helper()
			_ = client.Send(t.Context(), visitor, chat("x"))
			sends := centre.named("send")
			return sends[len(sends)-1].header.Get("ccmessaging-token")
		}
		expect := func(want string) {
			t.Helper()
			if got := send(); got != want {
				t.Errorf("sent with %q, want %q", got, want)
			}
		}
		const fresh = `eyJ%2B"odd"==%3D`
		centre.script["send"] = rotate(200, fresh)
		expect("tok-V1")
		centre.script["send"] = rotate(200, "")
		expect(fresh)
		centre.script["send"] = rotate(500, "tok-500")
		expect(fresh)
		delete(centre.script, "send")
		expect("tok-500")
		centre.script["send"] = rotate(403, "tok-403")
		expect("tok-500")
		delete(centre.script, "send")
		expect("tok-500")

		// A poll with the old token is in flight while another call gets a new one.
		release := make(chan struct{})
		centre.script["poll"] = func(n int, w http.ResponseWriter, c call) {
			<-release
			rotate(200, "tok-late")(n, w, c)
		}
		var poll sync.WaitGroup
		poll.Go(func() { _, _ = client.Poll(t.Context(), visitor) })
		synctest.Wait()
		centre.script["send"] = func(n int, w http.ResponseWriter, c call) {
			status := 401
			if c.header.Get("ccmessaging-token") == "tok-V2" {
				status = 200
			}
			rotate(status, "")(n, w, c)
		}
		expect("tok-V2")
		close(release)
		poll.Wait()
		delete(centre.script, "send")
		expect("tok-V2")
	})
}

// TestRotationOn401: the documented way after 401 is applyToken, whatever header the refusal bears.
func TestRotationOn401(t *testing.T) {
	t.Parallel()
	centre := newCentre()
	centre.script["send"] = func(n int, w http.ResponseWriter, c call) {
		w.Header().Set("ccmessaging-token", "tok-stray")
		if n == 1 {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.Header().Del("ccmessaging-token")
		io.WriteString(w, `{"resultCode":"0"}`)
	}
	if err := local(t, centre).Send(t.Context(), visitor, chat("x")); err != nil {
		t.Fatal(err)
	}
	sends := centre.named("send")
	if got := sends[1].header.Get("ccmessaging-token"); got != "tok-V2" {
		t.Errorf("repeated with %q, want tok-V2", got)
	}
}
