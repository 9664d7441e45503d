package ccm_test

import (
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"testing"
	"time"

	"ccbridge/ccm"
)

// TestWire compares every call, field by field, with the documented one.
func TestWire(t *testing.T) {
	t.Parallel()
	at := time.UnixMilli(1700000000123)
	send := func(control ccm.ControlType, content, nickname string) func(*ccm.Client) error {
		return func(c *ccm.Client) error {
			return c.Send(t.Context(), visitor, ccm.SendRequest{Control: control, Content: content, MessageID: "m000001", Nickname: nickname, At: at})
		}
	}
	sent := func(control, content, nickname string) map[string]any {
		return map[string]any{
			"channel": "WEB", "controlType": control, "mediaType": "TEXT", "sourceType": "CUSTOMER", "from": userID, "to": channelID,
			"content": content, "senderNickname": nickname, "messageId": "m000001", "timestamp": "1700000000123",
		}
	}
	connect := send(ccm.Connect, "", "")
	const messaging = "/prefix/apiaccess/ccmessaging/"
	for _, test := range []struct {
		name    string
		do      func(*ccm.Client) error
		call    string
		method  string
		path    string
		query   url.Values
		headers map[string]string // besides Content-Type of a POST
		body    map[string]any
	}{
		{name: "access token", do: connect, call: "tokenByAkSk", method: "POST", path: "/prefix/apigovernance/api/oauth/tokenByAkSk",
			headers: map[string]string{"X-Token-Expire": "600"},
			body:    map[string]any{"app_key": "key-1", "app_secret": appSecret}},
		{name: "visitor's token", do: connect, call: "applyToken", method: "POST", path: messaging + "applyToken",
			headers: map[string]string{"X-App-Key": "key-1", "Authorization": "Bearer tok-A1", "X-Tenantspaceid": "space"},
			body:    map[string]any{"userId": userID, "userName": "Ada", "channelId": channelID, "locale": "en"}},
		{name: "CONNECT", do: connect, call: "send", method: "POST", path: messaging + "send", headers: allThree(), body: sent("CONNECT", "", "Ada")},
		{name: "CHAT", do: send(ccm.Chat, "<where> & \"how\"? äöü", "Bob"), call: "send", method: "POST", path: messaging + "send",
			headers: allThree(), body: sent("CHAT", "<where> & \"how\"? äöü", "Bob")},
		{name: "TRANS2AGENT", do: send(ccm.TransferToAgent, "", ""), call: "send", method: "POST", path: messaging + "send",
			headers: allThree(), body: sent("TRANS2AGENT", "", "Ada")},
		{name: "DISCONNECT", do: send(ccm.Disconnect, "", ""), call: "send", method: "POST", path: messaging + "send",
			headers: allThree(), body: sent("DISCONNECT", "", "Ada")},
		{name: "poll", do: func(c *ccm.Client) error { _, err := c.Poll(t.Context(), visitor); return err },
			call: "poll", method: "GET", path: messaging + "poll", query: url.Values{"receiverId": {userID}, "channel": {"WEB"}}, headers: allThree()},
		{name: "queue", do: func(c *ccm.Client) error { _, err := c.QueueInfo(t.Context(), visitor); return err },
			call: "queryQueueInfo", method: "POST", path: messaging + "queryQueueInfo", headers: allThree(),
			body: map[string]any{"userId": userID, "channelConfigId": channelID, "channel": "WEB"}},
		{name: "history", do: func(c *ccm.Client) error { _, err := c.History(t.Context(), visitor); return err },
			call: "queryHistoryChatMessage", method: "POST", path: messaging + "queryHistoryChatMessage", headers: allThree(),
			body: map[string]any{"channelId": channelID, "userId": userID, "limit": "100", "offset": "0", "channel": "WEB"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			centre := newCentre()
			client := newClient(t, ccm.Config{BaseURL: "http://centre.invalid/prefix/", TenantSpace: "space", Transport: inProcess{centre}})
			if err := test.do(client); err != nil {
				t.Fatal(err)
			}
			calls := centre.named(test.call)
			if len(calls) != 1 {
				t.Fatalf("%d calls of %s, want 1", len(calls), test.call)
			}
			got := calls[0]
			uri, err := url.ParseRequestURI(got.uri)
			if err != nil {
				t.Fatal(err)
			}
			if got.method != test.method || uri.Path != test.path || uri.Query().Encode() != test.query.Encode() {
				t.Errorf("called %s %s, want %s %s with %v", got.method, got.uri, test.method, test.path, test.query)
			}
			want := maps.Clone(test.headers)
			if test.method == "POST" {
				want["Content-Type"] = "application/json; charset=UTF-8"
			}
			for _, name := range slices.Sorted(maps.Keys(got.header)) {
				if want[name] != got.header.Get(name) {
					t.Errorf("header %s is %q, want %q", name, got.header.Get(name), want[name])
				}
			}
			if len(got.header) != len(want) {
				t.Errorf("headers are %v, want %v", got.header, want)
			}
			if !reflect.DeepEqual(got.body, test.body) {
				t.Errorf("body is\n%v, want\n%v", got.body, test.body)
			}
		})
	}
}

func allThree() map[string]string {
	return map[string]string{
		"X-App-Key": "key-1", "Authorization": "Bearer tok-A1", "Ccmessaging-Token": "tok-V1", "X-Tenantspaceid": "space",
	}
}

// TestPollHasNoBody: the body that keeps net/http from repeating a poll must not show on the wire.
func TestPollHasNoBody(t *testing.T) {
	t.Parallel()
	centre := newCentre()
	client := networked(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet && (r.ContentLength != 0 || len(r.TransferEncoding) != 0) {
			t.Errorf("poll has length %d and encoding %v", r.ContentLength, r.TransferEncoding)
		}
		centre.ServeHTTP(w, r)
	}))
	if _, err := client.Poll(t.Context(), visitor); err != nil {
		t.Fatal(err)
	}
}

func TestSendRejectsLocally(t *testing.T) {
	t.Parallel()
	long := make([]byte, ccm.MaxContent+1)
	for i := range long {
		long[i] = 'x'
	}
	for name, test := range map[string]struct {
		visitor ccm.Visitor
		request ccm.SendRequest
	}{
		"content too long":     {visitor, chat(string(long))},
		"no control":           {visitor, ccm.SendRequest{Content: "x"}},
		"id with comma":        {visitor, ccm.SendRequest{Control: ccm.Chat, MessageID: "a,b"}},
		"id too long":          {visitor, ccm.SendRequest{Control: ccm.Chat, MessageID: string(long[:33])}},
		"user id too long":     {ccm.Visitor{UserID: string(long[:25]), ChannelID: channelID}, chat("x")},
		"user id with blank":   {ccm.Visitor{UserID: "a b", ChannelID: channelID}, chat("x")},
		"no user id":           {ccm.Visitor{ChannelID: channelID}, chat("x")},
		"user id with newline": {ccm.Visitor{UserID: "ab\n", ChannelID: channelID}, chat("x")},
		"no channel":           {ccm.Visitor{UserID: userID}, chat("x")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			centre := newCentre()
			e := asError(t, local(t, centre).Send(t.Context(), test.visitor, test.request))
			if e.Certainty != ccm.NotDone || !isInvalid(e) || len(centre.calls) != 0 {
				t.Errorf("got %v (%v) after %d calls", e, e.Certainty, len(centre.calls))
			}
		})
	}
	if err := local(t, newCentre()).Send(t.Context(), visitor, chat(string(long[:ccm.MaxContent]))); err != nil {
		t.Errorf("content of exactly %d bytes: %v", ccm.MaxContent, err)
	}
}

func TestMadeUpFields(t *testing.T) {
	t.Parallel()
	centre := newCentre()
	client := local(t, centre)
	nameless := ccm.Visitor{UserID: userID, ChannelID: channelID}
	if err := client.Send(t.Context(), nameless, ccm.SendRequest{Control: ccm.Chat, Content: "bad \xff byte"}); err != nil {
		t.Fatal(err)
	}
	body := centre.named("send")[0].body
	if id, _ := body["messageId"].(string); len(id) < 16 || len(id) > 32 {
		t.Errorf("messageId is %q", id)
	}
	if ms, _ := body["timestamp"].(string); len(ms) != 13 {
		t.Errorf("timestamp is %q", ms)
	}
	if body["content"] != "bad \uFFFD byte" {
		t.Errorf("content is %q", body["content"])
	}
	if _, there := body["senderNickname"]; there {
		t.Error("a nickname was made up")
	}
	applied := centre.named("applyToken")[0].body
	if applied["userName"] != userID || applied["locale"] != "en" {
		t.Errorf("applyToken got %v", applied)
	}
}

func TestObserve(t *testing.T) {
	t.Parallel()
	centre := newCentre()
	centre.script["send"] = answerWith(http.StatusInternalServerError, "")
	type seen struct {
		call   string
		failed bool
	}
	var got []seen
	client := newClient(t, ccm.Config{BaseURL: "http://centre.invalid", Transport: inProcess{centre},
		Observe: func(call string, _ time.Duration, err error) { got = append(got, seen{call, err != nil}) }})
	_ = client.Send(t.Context(), visitor, chat("x"))
	if want := []seen{{"tokenByAkSk", false}, {"applyToken", false}, {"send", true}}; !slices.Equal(got, want) {
		t.Errorf("observed %v, want %v", got, want)
	}
}

func TestEndedContext(t *testing.T) {
	t.Parallel()
	centre := newCentre()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	e := asError(t, local(t, centre).Send(ctx, visitor, chat("x")))
	if e.Certainty != ccm.NotDone || e.Scope != ccm.ScopeSession || len(centre.calls) != 0 {
		t.Errorf("got %v (%v, %v) after %d calls", e, e.Certainty, e.Scope, len(centre.calls))
	}
}

func TestDownlinkStorage(t *testing.T) {
	t.Parallel()
	centre := newCentre()
	centre.script["poll"] = func(_ int, w http.ResponseWriter, _ call) { io.WriteString(w, pollSample) }
	downlinks, err := local(t, centre).Poll(t.Context(), visitor)
	if err != nil {
		t.Fatal(err)
	}
	stored, err := json.Marshal(downlinks)
	if err != nil {
		t.Fatal(err)
	}
	var loaded []ccm.Downlink
	if err := json.Unmarshal(stored, &loaded); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(loaded, downlinks) {
		t.Errorf("loaded\n%+v, want\n%+v", loaded, downlinks)
	}
}
