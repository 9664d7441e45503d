package slack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	slackapi "github.com/slack-go/slack"

	"ccbridge/adapters/slack/slacksim"
	"ccbridge/bridge"
)

// quiet is a rig whose adapter only sends, in a thread of Ada's.
func quiet(t *testing.T, cfg slacksim.Config) (r *rig, thread bridge.ThreadKey) {
	t.Helper()
	r = newRig(t, cfg, nil)
	return r, key(general, r.post(t, say(ada, "", "root")))
}

func (r *rig) replies(thread bridge.ThreadKey) []slacksim.Message {
	return r.sim.Thread(thread.Channel, thread.Root)[1:]
}

const nasty = "<!channel> <@U0ADA> & *bold* _it_ `code` <https://x.y|z> &amp; @here\n> quote\n*Agent:* hi " + secret

func TestTextIsLiteral(t *testing.T) {
	t.Parallel()
	r, thread := quiet(t, slacksim.Config{})
	r.send(t, "d1", bridge.Message{Kind: bridge.MessageRobot, Text: nasty, Thread: thread})
	r.send(t, "d2", bridge.Message{Kind: bridge.MessageAgent, Speaker: "Eve\n<!here>", Text: nasty, Thread: thread})
	r.send(t, "d3", bridge.Message{Kind: bridge.MessageNotice, Text: nasty, Thread: thread, Buttons: []bridge.Button{{Verb: bridge.VerbEnd, Label: "End"}}})
	for i, m := range r.replies(thread) {
		if m.Plain() != nasty || len(m.Pings) > 0 {
			t.Errorf("post %d: %q pings %v", i, m.Plain(), m.Pings)
		}
		if m.Metadata == nil || string(m.Metadata.EventPayload) != fmt.Sprintf(`{"id":"d%d"}`, i+1) {
			t.Errorf("post %d: metadata %+v", i, m.Metadata)
		}
		if want := []string{"", "Eve <!here>", ""}[i]; m.Username != want {
			t.Errorf("post %d: username %q", i, m.Username)
		}
	}
	for _, c := range r.sim.Calls("chat.postMessage") {
		for arg, want := range map[string]string{"mrkdwn": "false", "unfurl_links": "false", "unfurl_media": "false", "parse": "", "link_names": "", "reply_broadcast": ""} {
			if c.Args[arg] != want {
				t.Errorf("%s=%q", arg, c.Args[arg])
			}
		}
	}
	var blocks []struct {
		Type string
		Text struct{ Type, Text string }
	}
	if err := json.Unmarshal(r.replies(thread)[2].Blocks, &blocks); err != nil || blocks[0].Text.Type != "plain_text" || blocks[0].Text.Text != nasty {
		t.Errorf("blocks %+v %v", blocks, err)
	}
}

// Without chat:write.customize the name goes into the text: the first try says so, all later ones know.
func TestWithoutCustomNames(t *testing.T) {
	t.Parallel()
	r, thread := quiet(t, slacksim.Config{Scopes: []string{"chat:write"}})
	d := delivery(r.adapter, "d1", bridge.Message{Kind: bridge.MessageAgent, Speaker: "E*ve", Text: "hi *there*", Thread: thread})[0]
	_, err := r.adapter.Send(t.Context(), d)
	if se := asSendError(t, err); se.Certainty != bridge.NotDone || se.Final || se.Scope != bridge.ScopeDelivery || se.RetryAfter != 0 {
		t.Errorf("error %+v", se)
	}
	for range 2 {
		if _, err := r.adapter.Send(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	if got := texts(r.replies(thread)); !slices.Equal(got, []string{"*Eve:* hi *there*", "*Eve:* hi *there*"}) {
		t.Errorf("posts %q", got)
	}
}

func TestLongTextGoesInOrder(t *testing.T) {
	t.Parallel()
	r, thread := quiet(t, slacksim.Config{NoLimits: true})
	text := strings.Repeat("<word> & more\n", 900)
	posts := r.send(t, "d", bridge.Message{Kind: bridge.MessageNotice, Text: text, Thread: thread, Buttons: []bridge.Button{{Verb: bridge.VerbEnd, Label: "End"}}})
	got := r.replies(thread)
	if len(got) != len(posts) || len(got) < 4 {
		t.Fatalf("%d posts for %d pieces", len(got), len(posts))
	}
	var whole []string
	for i, m := range got {
		if len(m.Text) > textLimit || (m.Blocks != nil) != (i == len(got)-1) {
			t.Errorf("post %d: %d characters, blocks %s", i, len(m.Text), m.Blocks)
		}
		whole = append(whole, strings.Fields(m.Plain())...)
	}
	if !slices.Equal(whole, strings.Fields(text)) {
		t.Error("words lost or out of order")
	}
}

func TestDirectMessageIsUnthreaded(t *testing.T) {
	t.Parallel()
	r := newRig(t, slacksim.Config{}, nil)
	dm := r.sim.OpenDM(ada)
	r.post(t, slacksim.Post{Channel: dm, User: ada, Text: "hello"})
	began := time.Now()
	posts := r.send(t, "d", bridge.Message{Kind: bridge.MessageRobot, Text: "hi", Thread: key(dm, "")})
	if got := r.sim.Messages(dm); len(got) != 2 || got[1].TS != string(posts[0]) {
		t.Errorf("messages %+v", got)
	}
	find(t, r, delivery(r.adapter, "d", bridge.Message{Kind: bridge.MessageRobot, Text: "hi", Thread: key(dm, "")})[0], began, bridge.Done)
	find(t, r, delivery(r.adapter, "other", bridge.Message{Kind: bridge.MessageRobot, Text: "hi", Thread: key(dm, "")})[0], began, bridge.NotDone)
}

func find(t *testing.T, r *rig, d bridge.Delivery, after time.Time, want bridge.Certainty) bridge.RemoteID {
	t.Helper()
	ts, c, err := r.adapter.Find(t.Context(), d, after)
	if c != want || (err != nil) != (want == bridge.InDoubt) || (ts != "") != (want == bridge.Done) {
		t.Errorf("find: %q %v %v, want %v", ts, c, err, want)
	}
	return ts
}

func robotPost(r *rig, id string, thread bridge.ThreadKey) bridge.Delivery {
	return delivery(r.adapter, id, bridge.Message{Kind: bridge.MessageRobot, Text: secret, Thread: thread})[0]
}

// Slack posts a reply to a deleted root into the channel. It is taken back at once, and nothing is posted again.
func TestDeletedRootIsTakenBack(t *testing.T) {
	t.Parallel()
	for _, answered := range []bool{false, true} {
		t.Run(fmt.Sprint("answered ", answered), func(t *testing.T) {
			t.Parallel()
			r, thread := quiet(t, slacksim.Config{})
			if answered {
				r.post(t, say(bob, thread.Root, "reply"))
			}
			if err := r.sim.Delete(general, thread.Root); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				_, err := r.adapter.Send(t.Context(), robotPost(r, "d", thread))
				if se := asSendError(t, err); se.Certainty != bridge.NotDone || !se.Final || se.Scope != bridge.ScopeThread || se.Code != codeThreadGone {
					t.Errorf("error %+v", se)
				}
			}
			if n := len(r.sim.Calls("chat.postMessage")); n != 1 {
				t.Errorf("%d posts", n)
			}
			for _, m := range r.sim.Messages(general) {
				if m.Text == secret {
					t.Error("the stray is still there")
				}
			}
		})
	}
}

// What Send could not take back Find does, also where Send never heard of it.
func TestStrayIsFoundAndTakenBack(t *testing.T) {
	t.Parallel()
	for _, fault := range []slacksim.Fault{
		{Method: "chat.delete", Status: 500},
		{Method: "chat.delete", Drop: true, After: true},
		{Method: "chat.delete", Status: 429, Header: map[string]string{"Retry-After": "1"}},
		{Method: "chat.postMessage", Drop: true, After: true},
	} {
		t.Run(fmt.Sprintf("%s %d", fault.Method, fault.Status), func(t *testing.T) {
			t.Parallel()
			r, thread := quiet(t, slacksim.Config{})
			if err := r.sim.Delete(general, thread.Root); err != nil {
				t.Fatal(err)
			}
			r.sim.Inject(fault)
			d := robotPost(r, "d", thread)
			began := time.Now()
			_, err := r.adapter.Send(t.Context(), d)
			if se := asSendError(t, err); se.Certainty != bridge.InDoubt || se.Final {
				t.Errorf("error %+v", se)
			}
			find(t, r, d, began, bridge.NotDone)
			if got := r.sim.Messages(general); len(got) != 0 {
				t.Errorf("left in the channel: %q", texts(got))
			}
			if _, err := r.adapter.Send(t.Context(), d); asSendError(t, err).Code != codeThreadGone {
				t.Errorf("send again: %v", err)
			}
		})
	}
}

func TestLostAnswerIsFound(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]slacksim.Fault{
		"dropped":        {After: true, Drop: true},
		"status 500":     {After: true, Status: 500},
		"garbage":        {After: true, Status: 200, Body: "<html>"},
		"no reason":      {After: true, Status: 200, Body: `{"ok":false}`},
		"internal error": {After: true, Status: 200, Body: `{"ok":false,"error":"internal_error"}`},
		"too late":       {After: true, Delay: time.Second},
		"no message":     {After: true, Status: 200, Body: `{"ok":true,"ts":"1700000000.000001","channel":"C0GENERAL"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, thread := quiet(t, slacksim.Config{})
			fault.Method = "chat.postMessage"
			r.sim.Inject(fault)
			d := robotPost(r, "d", thread)
			began := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			_, err := r.adapter.Send(ctx, d)
			if se := asSendError(t, err); se.Certainty != bridge.InDoubt || se.Code == "" {
				t.Errorf("error %+v", se)
			}
			if strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), "xoxb") || strings.Contains(err.Error(), "127.0.0.1") {
				t.Errorf("error says too much: %v", err)
			}
			ts := find(t, r, d, began, bridge.Done)
			if got := r.replies(thread); len(got) != 1 || got[0].TS != string(ts) {
				t.Errorf("replies %+v", got)
			}
			if n := len(r.sim.Calls("chat.postMessage")); n > 1 { // one that is still delayed is not listed yet
				t.Errorf("sent %d times", n)
			}
		})
	}
}

func TestFindOfWhatWasNotDone(t *testing.T) {
	t.Parallel()
	r, thread := quiet(t, slacksim.Config{})
	d := robotPost(r, "d", thread)
	r.send(t, "other", bridge.Message{Kind: bridge.MessageRobot, Text: "x", Thread: thread})
	find(t, r, d, time.Now(), bridge.NotDone)
	for _, fault := range []slacksim.Fault{
		{Method: "conversations.replies", Status: 500},
		{Method: "conversations.replies", Status: 429, Header: map[string]string{"Retry-After": "1"}},
		{Method: "conversations.replies", Body: `{"ok":false,"error":"missing_scope"}`},
		{Method: "conversations.replies", Body: `{"ok":true,"messages":[],"has_more":true}`},
		{Method: "conversations.replies", Body: `{"ok":true,"messages":[]}`, Times: 2},
		{Method: "conversations.history", Body: `{"ok":false}`},
		{Method: "conversations.history", Body: `{"ok":false,"error":"not_in_channel"}`},
	} {
		t.Run(fault.Method+fault.Body, func(t *testing.T) {
			r, thread := quiet(t, slacksim.Config{})
			r.sim.Inject(fault)
			find(t, r, robotPost(r, "d", thread), time.Now(), bridge.InDoubt)
		})
	}
}

// The post stands on the third page of its thread.
func TestFindReadsAllPages(t *testing.T) {
	t.Parallel()
	r, thread := quiet(t, slacksim.Config{NoLimits: true})
	began := time.Now()
	for i := range 2*pageSize + 5 {
		r.post(t, say(ada, thread.Root, fmt.Sprint(i)))
	}
	r.send(t, "d", bridge.Message{Kind: bridge.MessageRobot, Text: "x", Thread: thread})
	find(t, r, robotPost(r, "d", thread), began, bridge.Done)
}

// What a failed look means: an unreachable Slack is waited for (scope channel or adapter), a refusal is not.
func TestFindFails(t *testing.T) {
	t.Parallel()
	refused := func(code string) slacksim.Fault { return slacksim.Fault{Body: `{"ok":false,"error":"` + code + `"}`} }
	for _, c := range []struct {
		fault slacksim.Fault
		scope bridge.Scope
	}{
		{slacksim.Fault{Drop: true}, bridge.ScopeChannel},
		{slacksim.Fault{Status: 500}, bridge.ScopeChannel},
		{slacksim.Fault{Status: 403}, bridge.ScopeChannel},
		{slacksim.Fault{Status: 429, Header: map[string]string{"Retry-After": "60"}}, bridge.ScopeChannel},
		{slacksim.Fault{Status: 429}, bridge.ScopeChannel},
		{refused("internal_error"), bridge.ScopeChannel},
		{refused("token_revoked"), bridge.ScopeAdapter},
		{refused("missing_scope"), bridge.ScopeDelivery},
		{refused("not_in_channel"), bridge.ScopeDelivery},
		{slacksim.Fault{Body: "<html>"}, bridge.ScopeDelivery},
		{slacksim.Fault{Body: `{"ok":true,"messages":7}`}, bridge.ScopeDelivery},
	} {
		t.Run(fmt.Sprint(c.fault.Drop, c.fault.Status, c.fault.Body, c.fault.Header), func(t *testing.T) {
			t.Parallel()
			r, thread := quiet(t, slacksim.Config{})
			c.fault.Method = "conversations.replies"
			r.sim.Inject(c.fault)
			_, certainty, err := r.adapter.Find(t.Context(), robotPost(r, "d", thread), time.Now())
			se := asSendError(t, err)
			if certainty != bridge.InDoubt || se.Certainty != bridge.InDoubt || se.Scope != c.scope || se.RetryAfter != 0 {
				t.Errorf("%s: %v, want scope %v", certainty, se, c.scope)
			}
		})
	}
}

// The ids in metadata can be read, and so repeated, by other apps.
func TestAnotherAppsMessageIsNotOurs(t *testing.T) {
	t.Parallel()
	a, err := New(Config{Name: "acme", BotToken: "b", AppToken: "a"})
	if err != nil {
		t.Fatal(err)
	}
	a.self.Store(&identity{team: team, user: bot, bot: "B0BRIDGE"})
	m := slackapi.Message{}
	m.Timestamp, m.BotID = "1700000000.000001", "B0OTHER"
	m.Metadata = slackapi.SlackMetadata{EventType: metadataType, EventPayload: map[string]any{metadataID: "d"}}
	ours := m
	ours.BotID, ours.Timestamp = "B0BRIDGE", "1700000000.000002"
	if ts, c, _ := a.found([]slackapi.Message{m}, "d"); c != bridge.NotDone {
		t.Errorf("%s %v", ts, c)
	}
	if ts, c, _ := a.found([]slackapi.Message{m, ours}, "d"); c != bridge.Done || ts != bridge.RemoteID(ours.Timestamp) {
		t.Errorf("%s %v", ts, c)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	type want struct {
		c     bridge.Certainty
		s     bridge.Scope
		final bool
		wait  time.Duration
	}
	refused := func(code string) slacksim.Fault { return slacksim.Fault{Body: `{"ok":false,"error":"` + code + `"}`} }
	for _, c := range []struct {
		fault slacksim.Fault
		want  want
	}{
		{refused("channel_not_found"), want{bridge.NotDone, bridge.ScopeThread, true, 0}},
		{refused("not_in_channel"), want{bridge.NotDone, bridge.ScopeThread, true, 0}},
		{refused("is_archived"), want{bridge.NotDone, bridge.ScopeThread, true, 0}},
		{refused("restricted_action_thread_locked"), want{bridge.NotDone, bridge.ScopeThread, true, 0}},
		{refused("cannot_reply_to_message"), want{bridge.NotDone, bridge.ScopeThread, true, 0}},
		{refused("invalid_auth"), want{bridge.NotDone, bridge.ScopeAdapter, true, 0}},
		{refused("token_revoked"), want{bridge.NotDone, bridge.ScopeAdapter, true, 0}},
		{refused("missing_scope"), want{bridge.NotDone, bridge.ScopeAdapter, true, 0}},
		{refused("msg_too_long"), want{bridge.NotDone, bridge.ScopeDelivery, true, 0}},
		{refused("no_such_error_yet"), want{bridge.NotDone, bridge.ScopeDelivery, true, 0}},
		{refused("no code but " + secret), want{bridge.NotDone, bridge.ScopeDelivery, true, 0}},
		{refused("fatal_error"), want{bridge.InDoubt, bridge.ScopeAdapter, false, 0}},
		{refused("service_unavailable"), want{bridge.InDoubt, bridge.ScopeAdapter, false, 0}},
		{refused("ratelimited"), want{bridge.NotDone, bridge.ScopeChannel, false, 0}},
		{refused("message_limit_exceeded"), want{bridge.NotDone, bridge.ScopeAdapter, false, 0}},
		{slacksim.Fault{Status: 429, Header: map[string]string{"Retry-After": "7"}}, want{bridge.NotDone, bridge.ScopeChannel, false, 7 * time.Second}},
		{slacksim.Fault{Status: 429}, want{bridge.NotDone, bridge.ScopeChannel, false, 0}},
		{slacksim.Fault{Status: 429, Header: map[string]string{"Retry-After": "soon"}}, want{bridge.NotDone, bridge.ScopeChannel, false, 0}},
		{slacksim.Fault{Status: 403}, want{bridge.NotDone, bridge.ScopeAdapter, false, 0}},
		{slacksim.Fault{Status: 302, Header: map[string]string{"Location": "/elsewhere"}}, want{bridge.InDoubt, bridge.ScopeAdapter, false, 0}},
		{slacksim.Fault{Status: 408}, want{bridge.InDoubt, bridge.ScopeAdapter, false, 0}},
		{slacksim.Fault{Status: 503}, want{bridge.InDoubt, bridge.ScopeAdapter, false, 0}},
		{slacksim.Fault{Drop: true}, want{bridge.InDoubt, bridge.ScopeDelivery, false, 0}},
	} {
		t.Run(fmt.Sprint(c.fault.Status, c.fault.Body, c.fault.Header), func(t *testing.T) {
			t.Parallel()
			r, thread := quiet(t, slacksim.Config{})
			c.fault.Method = "chat.postMessage"
			r.sim.Inject(c.fault)
			_, err := r.adapter.Send(t.Context(), robotPost(r, "d", thread))
			se := asSendError(t, err)
			if got := (want{se.Certainty, se.Scope, se.Final, se.RetryAfter}); got != c.want {
				t.Errorf("%+v, want %+v (%v)", got, c.want, err)
			}
			if strings.Contains(err.Error()+se.Code, secret) {
				t.Errorf("words in the error: %v", err)
			}
			if n := len(r.sim.Calls("")); n != 1 {
				t.Errorf("%d calls", n)
			}
		})
	}
}

func TestConnectionRefused(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + ln.Addr().String()
	if err := ln.Close(); err != nil {
		t.Fatal(err)
	}
	a, err := New(Config{Name: "acme", APIURL: url, BotToken: "b", AppToken: "a"})
	if err != nil {
		t.Fatal(err)
	}
	d := delivery(a, "d", bridge.Message{Kind: bridge.MessageRobot, Text: "x", Thread: key(general, "1700000000.000001")})[0]
	_, err = a.Send(t.Context(), d)
	if se := asSendError(t, err); se.Certainty != bridge.NotDone || se.Scope != bridge.ScopeAdapter || se.Final {
		t.Errorf("error %+v", se)
	}
	if _, c, err := a.Find(t.Context(), d, time.Now()); c != bridge.InDoubt || err == nil {
		t.Errorf("find: %v %v", c, err)
	}
}

func TestSendKeepsItsDeadline(t *testing.T) {
	t.Parallel()
	r, thread := quiet(t, slacksim.Config{})
	r.sim.Inject(slacksim.Fault{Method: "chat.postMessage", Delay: 30 * time.Second})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	began := time.Now()
	_, err := r.adapter.Send(ctx, robotPost(r, "d", thread))
	if se := asSendError(t, err); se.Certainty != bridge.InDoubt || !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 5*time.Second {
		t.Errorf("error %+v after %v", se, time.Since(began))
	}
}

func TestForeignPostIsRefused(t *testing.T) {
	t.Parallel()
	a, err := New(Config{Name: "acme", BotToken: "b", AppToken: "a"})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []*bridge.Post{nil, {Body: []byte(`"x"`)}} {
		_, err := a.Send(t.Context(), bridge.Delivery{ID: "d", Post: p})
		if se := asSendError(t, err); !se.Final || se.Certainty != bridge.NotDone || se.Scope != bridge.ScopeDelivery {
			t.Errorf("error %+v", se)
		}
	}
}
