package discord

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"ccbridge/adapters/discord/discordsim"
	"ccbridge/bridge"
)

const createMessage = "POST /channels/{channel}/messages"

func failure(t *testing.T, err error) *bridge.SendError {
	t.Helper()
	var e *bridge.SendError
	if !errors.As(err, &e) {
		t.Fatalf("%v is no SendError", err)
	}
	return e
}

func TestSendPosts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, discordsim.Config{}, false)
	root := w.post(w.help, w.ann, "hello")
	key := w.key(w.help, root)
	thread := delivery("make", key, w.rendered(bridge.Message{Kind: bridge.MessageMake, Text: "hello", Origin: bridge.RemoteID(root)}))
	for range 2 { // 160004: it exists, which is as good
		if id, err := w.adapter.Send(t.Context(), thread); err != nil || string(id) != root {
			t.Fatalf("make thread: %s, %v", id, err)
		}
	}
	d := delivery("one", key, w.rendered(bridge.Message{
		Kind: bridge.MessageNotice, Text: "@everyone <@" + w.ann + "> *hi*",
		Buttons: []bridge.Button{{Verb: bridge.VerbAgent, Label: bridge.LabelAgent}, {Verb: bridge.VerbEnd, Label: bridge.LabelEnd}},
	}))
	first, err := w.adapter.Send(t.Context(), d)
	w.ok(err)
	if again, err := w.adapter.Send(t.Context(), d); err != nil || again != first {
		t.Errorf("the same nonce gave %s and %s, %v", first, again, err)
	}
	list := w.sim.Messages(root)
	m := list[len(list)-1]
	if len(list) != 2 || m.Content != `@everyone \<@`+w.ann+`\> \*hi\*` || len(m.Pings) != 0 || len(m.Buttons) != 2 || m.Buttons[0].CustomID != "ccb:agent" {
		t.Errorf("%d messages, last %+v", len(list), m)
	}
	w.sim.View(func(v *discordsim.View) {
		if th, _ := v.Thread(root); th.Name != "hello" {
			t.Errorf("thread %+v", th)
		}
	})
	w.clean()
}

// A post whose answer was lost, and which a moderator deleted meanwhile, is not made again and is no failure.
func TestSendDeletedMeanwhile(t *testing.T) {
	t.Parallel()
	w := newWorld(t, discordsim.Config{}, false)
	key := w.key(w.forum, w.id(w.sim.ForumPost(w.forum, w.ann, "t", "x")))
	d := delivery("one", key, w.rendered(bridge.Message{Kind: bridge.MessageNotice, Text: "hello"}))
	first, err := w.adapter.Send(t.Context(), d)
	w.ok(err, w.sim.Delete(string(first)))
	if id, err := w.adapter.Send(t.Context(), d); err != nil || id != "" {
		t.Errorf("again: %q, %v", id, err)
	}
	if n := len(w.sim.Messages(key.Root)); n != 1 {
		t.Errorf("%d messages", n)
	}
	w.clean()
}

// A limit that names a moment again and again is not asked about in a loop.
func TestPatienceGrows(t *testing.T) {
	t.Parallel()
	w := newWorld(t, discordsim.Config{}, false)
	w.sim.Fail(discordsim.Fault{Route: "GET /users/@me", Times: -1, Status: 429, Body: `{"message":"x","retry_after":0.001,"global":false}`})
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, err := w.adapter.self(ctx); err == nil {
		t.Error("answered")
	}
	w.sim.View(func(v *discordsim.View) {
		if n := len(v.Calls()); n > 6 {
			t.Errorf("%d calls in a second", n)
		}
	})
}

func TestSendFailures(t *testing.T) {
	t.Parallel()
	refused := func(status int, body string) discordsim.Fault { return discordsim.Fault{Status: status, Body: body} }
	notDone := func(s bridge.Scope, final bool, retry time.Duration) bridge.SendError {
		return bridge.SendError{Certainty: bridge.NotDone, Scope: s, Final: final, RetryAfter: retry}
	}
	doubt := func(s bridge.Scope) bridge.SendError { return bridge.SendError{Certainty: bridge.InDoubt, Scope: s} }
	for name, c := range map[string]struct {
		fault discordsim.Fault
		want  bridge.SendError
	}{
		"429 of the channel": {refused(429, `{"message":"x","retry_after":1.5,"global":false}`), notDone(bridge.ScopeChannel, false, 1500*time.Millisecond)},
		"429 global":         {refused(429, `{"message":"x","retry_after":2,"global":true}`), notDone(bridge.ScopeAdapter, false, 2*time.Second)},
		"429 of Cloudflare":  {discordsim.CloudflareFault("", 429), notDone(bridge.ScopeAdapter, false, time.Second)},
		"403 of Cloudflare":  {discordsim.CloudflareFault("", 403), notDone(bridge.ScopeAdapter, false, time.Minute)},
		"401":                {refused(401, `{"message":"401: Unauthorized","code":0}`), notDone(bridge.ScopeAdapter, true, 0)},
		"automod":            {refused(400, `{"code":200000}`), notDone(bridge.ScopeDelivery, true, 0)},
		"harmful link":       {refused(400, `{"code":240000}`), notDone(bridge.ScopeDelivery, true, 0)},
		"write limit":        {refused(403, `{"code":20028}`), notDone(bridge.ScopeChannel, false, writePause)},
		"server write limit": {refused(403, `{"code":20029}`), notDone(bridge.ScopeChannel, false, writePause)},
		"thread cap":         {refused(400, `{"code":160006}`), notDone(bridge.ScopeChannel, false, threadCapPause)},
		"unknown channel":    {refused(404, `{"code":10003}`), notDone(bridge.ScopeThread, true, 0)},
		"no access":          {refused(403, `{"code":50001}`), notDone(bridge.ScopeThread, true, 0)},
		"no permission":      {refused(403, `{"code":50013}`), notDone(bridge.ScopeThread, true, 0)},
		"cannot DM":          {refused(403, `{"code":50007}`), notDone(bridge.ScopeThread, true, 0)},
		"archived":           {refused(400, `{"code":50083}`), notDone(bridge.ScopeThread, true, 0)},
		"another 404":        {refused(404, `x`), notDone(bridge.ScopeAdapter, false, 0)},
		"408":                {refused(408, `{}`), doubt(bridge.ScopeDelivery)},
		"500":                {refused(500, `{}`), doubt(bridge.ScopeDelivery)},
		"502 after the deed": {discordsim.Fault{Status: 502, Deed: true, Body: `x`}, doubt(bridge.ScopeAdapter)},
		"503":                {refused(503, `x`), doubt(bridge.ScopeAdapter)},
		"302":                {refused(302, `x`), doubt(bridge.ScopeDelivery)},
		"dropped":            {discordsim.Fault{Drop: true}, doubt(bridge.ScopeDelivery)},
		"garbage":            {refused(200, `<html>`), doubt(bridge.ScopeDelivery)},
		"empty object":       {refused(200, `{}`), doubt(bridge.ScopeDelivery)},
		"late":               {discordsim.Fault{Delay: 20 * time.Second}, doubt(bridge.ScopeDelivery)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, discordsim.Config{}, false)
			c.fault.Route = createMessage
			w.sim.Fail(c.fault)
			limit := 10 * time.Second
			if c.fault.Delay > 0 {
				limit = time.Second
			}
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			const secret = "words of a person"
			start := time.Now()
			_, err := w.adapter.Send(ctx, delivery("x", w.directKey(), w.rendered(bridge.Message{Kind: bridge.MessageRobot, Text: secret})))
			e := failure(t, err)
			if e.Certainty != c.want.Certainty || e.Scope != c.want.Scope || e.Final != c.want.Final || e.RetryAfter != c.want.RetryAfter || e.Code == "" {
				t.Errorf("got %+v, want %+v", *e, c.want)
			}
			if time.Since(start) > 10*time.Second {
				t.Error("it did not obey its deadline")
			}
			if strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), "http://") {
				t.Errorf("the error tells too much: %v", err)
			}
			n := 0
			for _, call := range w.sim.Calls() {
				if call.Route == createMessage {
					n++
				}
			}
			if n > 1 {
				t.Errorf("%d calls: it retried", n)
			}
		})
	}
}

func TestSendWherePostingIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, discordsim.Config{}, false)
	text := w.rendered(bridge.Message{Kind: bridge.MessageRobot, Text: "words"})
	archived := w.id(w.sim.ForumPost(w.forum, w.ann, "archived", "x"))
	deleted := w.id(w.sim.ForumPost(w.forum, w.ann, "deleted", "x"))
	locked := w.id(w.sim.ForumPost(w.forum, w.ann, "locked", "x"))
	w.ok(w.sim.Archive(archived), w.sim.Remove(deleted), w.sim.Lock(locked),
		w.sim.SetPermissions(w.forum, discordsim.DefaultPermissions&^discordsim.ManageThreads))
	if _, err := w.adapter.Send(t.Context(), delivery("a", w.key(w.forum, archived), text)); err != nil {
		t.Errorf("an archived thread comes back: %v", err)
	}
	for code, thread := range map[string]string{"10003": deleted, "160005": locked} {
		_, err := w.adapter.Send(t.Context(), delivery(code, w.key(w.forum, thread), text))
		if e := failure(t, err); !e.Final || e.Scope != bridge.ScopeThread || e.Certainty != bridge.NotDone || e.Code != code {
			t.Errorf("want %s: %+v", code, *e)
		}
	}
	root := w.post(w.help, w.ann, "gone at once")
	w.ok(w.sim.Delete(root))
	_, err := w.adapter.Send(t.Context(), delivery("m", w.key(w.help, root), w.rendered(bridge.Message{Kind: bridge.MessageMake, Origin: bridge.RemoteID(root)})))
	if e := failure(t, err); !e.Final || e.Scope != bridge.ScopeThread {
		t.Errorf("thread from a deleted message: %+v", *e)
	}
	w.clean()
}

// Known limits are kept without asking Discord again.
func TestLimitsAreKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t, discordsim.Config{}, false)
	text := w.rendered(bridge.Message{Kind: bridge.MessageRobot, Text: "words"})
	var held *bridge.SendError
	for n := range 10 {
		if _, err := w.adapter.Send(t.Context(), delivery(string(rune('a'+n)), w.directKey(), text)); err != nil {
			held = failure(t, err)
		}
	}
	if held == nil || held.Scope != bridge.ScopeChannel || held.RetryAfter <= 0 || held.Certainty != bridge.NotDone {
		t.Errorf("after five posts: %+v", held)
	}
	for _, call := range w.sim.Calls() {
		if call.Status == 429 {
			t.Error("it ran into the limit")
		}
	}
	// Another channel is not concerned, until the limit is the whole bot's.
	key := w.key(w.forum, w.id(w.sim.ForumPost(w.forum, w.ann, "t", "x")))
	if _, err := w.adapter.Send(t.Context(), delivery("o", key, text)); err != nil {
		t.Error(err)
	}
	w.sim.Fail(discordsim.Fault{Route: createMessage, Status: 429, Body: `{"retry_after":30,"global":true}`})
	for _, id := range []string{"p", "q"} {
		_, err := w.adapter.Send(t.Context(), delivery(id, key, text))
		if e := failure(t, err); e.Scope != bridge.ScopeAdapter || e.RetryAfter < 20*time.Second {
			t.Errorf("%+v", *e)
		}
	}
	w.clean()
}

// The limit of starting threads is the channel's, whichever message they start from.
func TestLimitOfThreads(t *testing.T) {
	t.Parallel()
	w := newWorld(t, discordsim.Config{}, false)
	held := 0
	for n := range 30 {
		root := w.post(w.help, w.ann, "words")
		d := delivery("m"+strconv.Itoa(n), w.key(w.help, root), w.rendered(bridge.Message{Kind: bridge.MessageMake, Origin: bridge.RemoteID(root)}))
		if _, err := w.adapter.Send(t.Context(), d); err != nil {
			if e := failure(t, err); e.Scope != bridge.ScopeChannel || e.RetryAfter <= 0 || e.Certainty != bridge.NotDone {
				t.Errorf("%+v", *e)
			}
			held++
		}
	}
	if held == 0 {
		t.Error("no limit was met")
	}
	for _, call := range w.sim.Calls() {
		if call.Status == 429 {
			t.Error("it ran into the limit")
		}
	}
	w.clean()
}

// One id of a path counts: the channel's, guild's or application's.
func TestRoute(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"/channels/1/messages":                "GET https://h:8443/api/v10/channels/1/messages",
		"/channels/1/messages?limit=5":        "GET https://h:8443/api/v10/channels/1/messages",
		"/channels/1/messages/2":              "GET https://h:8443/api/v10/channels/1/messages/{id}",
		"/channels/1/messages/2/threads":      "GET https://h:8443/api/v10/channels/1/messages/{id}/threads",
		"/applications/1/guilds/2/commands":   "GET https://h:8443/api/v10/applications/1/guilds/{id}/commands",
		"/guilds/1/members/2/roles/3":         "GET https://h:8443/api/v10/guilds/1/members/{id}/roles/{id}",
		"/users/@me/channels":                 "GET https://h:8443/api/v10/users/@me/channels",
		"/channels/1/threads/archived/public": "GET https://h:8443/api/v10/channels/1/threads/archived/public",
	} {
		if got := (request{method: "GET", url: "https://h:8443/api/v10" + path}).route(); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	w := newWorld(t, discordsim.Config{}, false, func(c *Config) { c.APIURL = "http://" + closedAddress(t) })
	_, err := w.adapter.Send(t.Context(), delivery("x", w.directKey(), w.rendered(bridge.Message{Kind: bridge.MessageRobot, Text: "words"})))
	if e := failure(t, err); e.Certainty != bridge.NotDone || e.Scope != bridge.ScopeAdapter || e.Final {
		t.Errorf("%+v", *e)
	}
}

func TestMalformedDeliveries(t *testing.T) {
	t.Parallel()
	a := bareAdapter(t)
	for _, body := range []string{`x`, `{}`, `{"op":"post"}`, `{"op":"make","origin":"x"}`, `{"op":"answer"}`} {
		_, err := a.Send(t.Context(), delivery("x", bridge.ThreadKey{}, bridge.Post{Body: []byte(body)}))
		if e := failure(t, err); !e.Final || e.Scope != bridge.ScopeDelivery {
			t.Errorf("%s: %+v", body, *e)
		}
	}
	if _, err := a.Send(t.Context(), bridge.Delivery{}); err == nil {
		t.Error("no post, no error")
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	_, err := New(Config{APIURL: "ftp://x", Guilds: []string{"x"}, Commands: struct{ Agent, End string }{"/a", "A"}})
	for _, want := range []string{"name", "token", "API URL", "guild", "same name"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not tell of %s", err, want)
		}
	}
	a := bareAdapter(t)
	key := bridge.ThreadKey{Channel: "1", Root: "2"}
	if place, gap, burst := a.Pace(key); place != "2" || gap != time.Second || burst != 5 {
		t.Errorf("pace %s %s %d", place, gap, burst)
	}
	a.cfg.PostGap = -1
	if _, gap, _ := a.Pace(key); gap != 0 {
		t.Errorf("switched off, pace %s", gap)
	}
}

func response(status int, header map[string]string) *http.Response {
	h := http.Header{}
	for k, v := range header {
		h.Set(k, v)
	}
	return &http.Response{StatusCode: status, Header: h}
}

func TestBreaker(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_700_000_000, 0)
	l := newLimits(func() time.Time { return now })
	for range maxInvalid {
		l.note(response(403, nil), "r")
	}
	if d, shared := l.wait("r"); d <= 0 || !shared {
		t.Error("it goes on after so many invalid answers")
	}
	now = now.Add(invalidWindow + time.Minute)
	if d, _ := l.wait("r"); d != 0 {
		t.Errorf("still held back for %s", d)
	}
	for range maxInvalid {
		l.note(response(429, map[string]string{"X-RateLimit-Scope": "shared"}), "r")
	}
	if d, _ := l.wait("r"); d != 0 {
		t.Error("shared limits count")
	}
}

func TestGlobalRate(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_700_000_000, 0)
	l := newLimits(func() time.Time { return now })
	n := 0
	for range 100 {
		if d, _ := l.wait("r"); d == 0 {
			n++
		}
	}
	if n != globalRate {
		t.Errorf("%d requests at once", n)
	}
}
