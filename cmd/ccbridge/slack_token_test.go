package main

import (
	"strings"
	"testing"
	"time"

	"ccbridge/adapters/slack/slacksim"
	"ccbridge/ccm/ccmsim"
)

// TestSlackCentreTokens: the centre's tokens expire or are replaced in the middle of a conversation. Nobody notices.
func TestSlackCentreTokens(t *testing.T) {
	t.Parallel()
	each(t, map[string]struct {
		before func(*worldConfig)
		during func(*ccmsim.Sim)
	}{
		"access tokens expire":    {nil, func(s *ccmsim.Sim) { s.ExpireAccessTokens() }},
		"visitor's tokens expire": {nil, func(s *ccmsim.Sim) { s.ExpireVisitorTokens("") }},
		"both expire":             {nil, func(s *ccmsim.Sim) { s.ExpireAccessTokens(); s.ExpireVisitorTokens("") }},
		"replaced in an answer":   {func(c *worldConfig) { c.centre.TokenOverlap = time.Nanosecond }, func(s *ccmsim.Sim) { s.RotateToken("") }},
		"all short-lived": {func(c *worldConfig) {
			c.centre.TokenLife, c.centre.VisitorTokenLife, c.centre.TokenOverlap = time.Second, 600*time.Millisecond, 100*time.Millisecond
		}, func(*ccmsim.Sim) {}},
		"one access token at a time": {func(c *worldConfig) { c.centre.OneAccessToken = true }, func(s *ccmsim.Sim) { s.ExpireAccessTokens() }},
		"queue tells by code":        {func(c *worldConfig) { c.centre.QueueTokenCode = true }, func(s *ccmsim.Sim) { s.ExpireVisitorTokens("") }},
		"number, quotes, no code": {func(c *worldConfig) {
			c.centre.NumericExpires, c.centre.QuotedToken, c.centre.BareApply = true, true, true
		},
			func(s *ccmsim.Sim) { s.ExpireAccessTokens(); s.ExpireVisitorTokens("") }},
	}, func(t *testing.T, c struct {
		before func(*worldConfig)
		during func(*ccmsim.Sim)
	}) {
		opts := []option{echo}
		if c.before != nil {
			opts = append(opts, c.before)
		}
		w := newWorld(t, opts...)
		w.run()
		k := w.open(ada, "one")
		for _, text := range []string{"two", "three"} {
			c.during(w.centre)
			k.say(text)
			k.reads(text)
		}
		c.during(w.centre)
		k.agent()
		c.during(w.centre)
		k.agentSays("I am Grace")
		k.reads("I am Grace")
		k.say("four")
		k.agentHas("four")
		c.during(w.centre)
		k.finish()
		k.robotHas("one", "two", "three")
		k.shows(greeting, "one", "two", "three", "I am Grace", lineEnded)
		w.clean()
	})
}

// TestSlackTokenRevoked: Slack refuses the bot token. The adapter pauses and says so, once; the program goes on, and what
// could not be shown is shown when the token is good again.
func TestSlackTokenRevoked(t *testing.T) {
	t.Parallel()
	w := newWorld(t, echo)
	w.run()
	k := w.open(ada, "one")
	k.agent()
	w.slack.Revoke("xoxb-sim", "token_revoked")
	k.agentSays("first")
	k.agentSays("second")
	w.poll("the refusal in /readyz", func() bool { _, state := w.part("acme"); return state == "failed" })
	if status, _ := w.part("acme"); status != 200 {
		t.Errorf("/readyz answers %d", status)
	}
	if n := strings.Count(w.log.String(), "state=failed"); n != 1 {
		t.Errorf("logged %d times", n)
	}
	k.say("still carried up")
	k.agentHas("still carried up")
	if calls := len(w.slack.Calls("chat.postMessage")); calls > 20 {
		t.Errorf("%d posts tried", calls)
	}
	w.stop()
	w.slack.Revoke("xoxb-sim", "")
	w.run()
	k.reads("second")
	k.finish()
	k.shows(greeting, "one", "first", "second", lineEnded)
	w.clean()
}

// TestSlackBadTokenAtStart: a token that is refused from the beginning does not end the program.
func TestSlackBadTokenAtStart(t *testing.T) {
	t.Parallel()
	for kind, token := range map[string]string{"bot": "xoxb-sim", "app": "xapp-sim"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, echo)
			w.slack.Revoke(token, "invalid_auth")
			w.start()
			w.logged("listening")
			w.poll("the refusal in /readyz", func() bool { status, state := w.part("acme"); return status == 503 && state == "failed" })
			if status, _ := w.get("/healthz"); status != 200 {
				t.Errorf("/healthz answers %d", status)
			}
			w.stop()
			if strings.Contains(w.log.String(), token) {
				t.Error("the log contains the token")
			}
			w.clean()
		})
	}
}

// TestSlackNoNames: without the scope for names the agent's name stands in the text, and nothing is lost.
func TestSlackNoNames(t *testing.T) {
	t.Parallel()
	w := newWorld(t, echo)
	w.slack.SetScopes("channels:history", "groups:history", "im:history", "mpim:history", "channels:read", "groups:read", "im:read", "mpim:read",
		"chat:write", "users:read", "commands")
	w.run()
	k := w.open(ada, "one")
	k.agent()
	k.agentSays("I am here")
	k.agentSays("*and* <here>")
	k.reads("*Grace:* *and* <here>")
	k.finish()
	k.shows(greeting, "one", "*Grace:* I am here", "*Grace:* *and* <here>", lineEnded)
	w.clean()
}

// TestSlackSockets: sockets that drop, fall silent or are refreshed cost nothing.
func TestSlackSockets(t *testing.T) {
	t.Parallel()
	each(t, map[string]func(s *slacksim.Sim){
		"dropped":        func(s *slacksim.Sim) { s.DropSockets() },
		"refreshed":      func(s *slacksim.Sim) { s.Disconnect("refresh_requested") },
		"warned":         func(s *slacksim.Sim) { s.Disconnect("warning") },
		"acks not heard": func(s *slacksim.Sim) { s.IgnoreAcks(3) },
	}, func(t *testing.T, injure func(*slacksim.Sim)) {
		w := newWorld(t, echo, func(c *worldConfig) { c.slack.Parting, c.slack.AckTimeout = 300*time.Millisecond, time.Second })
		w.run()
		k := w.open(ada, "one")
		want := []string{"one"}
		for _, text := range []string{"two", "three", "four"} {
			injure(w.slack)
			k.say(text)
			k.reads(text)
			want = append(want, text)
		}
		k.robotHas(want...)
		k.finish()
		k.robotHas(want...)
		k.shows(append(append([]string{greeting}, want...), lineEnded)...)
		w.clean()
	})
}
