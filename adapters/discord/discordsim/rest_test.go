package discordsim

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

// attempt is a call below /channels/ and what must come of it.
type attempt struct {
	name, method, path, body string
	status, code             int
}

func (w world) attempts(list []attempt) {
	w.t.Helper()
	broken := 0
	for _, a := range list {
		if slices.Contains(malformed, a.code) {
			broken++
		}
		r := w.call(a.method, "/channels/"+a.path, a.body)
		if r.status != a.status || a.status != 200 && r.code() != a.code {
			w.t.Errorf("%s: %d %s, want %d %d", a.name, r.status, r.body, a.status, a.code)
		}
	}
	if n := len(w.Violations()); n != broken {
		w.t.Errorf("%d violations, want the %d malformed calls: %q", n, broken, w.Violations())
	}
}

func TestPostsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{NoLimits: true})
	w.SetAutomod("swearword")
	thread, locked := w.thread(), w.thread()
	quiet := w.AddChannel(w.guild, "", Text)
	hidden := w.AddChannel(w.guild, "", Text)
	forum := w.AddChannel(w.guild, "", Forum)
	restricted := w.AddChannel(w.guild, "", Text)
	lockedThere := w.id(w.StartThread(restricted, w.user, NewThread{Name: "x"}))
	w.ok(w.SetPermissions(quiet, ViewChannel))
	w.ok(w.SetPermissions(hidden, 0))
	w.ok(w.SetPermissions(restricted, DefaultPermissions&^ManageThreads))
	w.ok(w.Lock(lockedThere))
	w.ok(w.Lock(locked))
	button := func(id string) string { return `{"type":2,"style":1,"label":"L","custom_id":"` + id + `"}` }
	row := func(buttons ...string) string {
		return `{"content":"c","components":[{"type":1,"components":[` + strings.Join(buttons, ",") + `]}]}`
	}
	alien := w.AddUser(User{Name: "closed"})
	w.ok(w.CloseDMs(alien, true))
	w.attempts([]attempt{
		{"2001 code points", "POST", thread + "/messages", `{"content":"` + strings.Repeat("é", 2001) + `"}`, 400, 50035},
		{"2000 and space", "POST", thread + "/messages", `{"content":" ` + strings.Repeat("😀", 2000) + ` "}`, 200, 0},
		{"empty", "POST", thread + "/messages", `{"content":" \n"}`, 400, 50006},
		{"no JSON", "POST", thread + "/messages", `{`, 400, 50109},
		{"long nonce", "POST", thread + "/messages", `{"content":"a","nonce":"12345678901234567890123456"}`, 400, 50035},
		{"unknown channel", "POST", "1/messages", `{"content":"a"}`, 404, 10003},
		{"no snowflake", "POST", "x/messages", `{"content":"a"}`, 400, 50035},
		{"may not send", "POST", quiet + "/messages", `{"content":"a"}`, 403, 50013},
		{"may not see", "POST", hidden + "/messages", `{"content":"a"}`, 403, 50001},
		{"forum", "POST", forum + "/messages", `{"content":"a"}`, 400, 50008},
		{"locked", "POST", lockedThere + "/messages", `{"content":"a"}`, 403, 160005},
		{"locked, as moderator", "POST", locked + "/messages", `{"content":"a"}`, 200, 0},
		{"automod", "POST", thread + "/messages", `{"content":"a swearword"}`, 400, 200000},
		{"bad parse", "POST", thread + "/messages", `{"content":"a","allowed_mentions":{"parse":["all"]}}`, 400, 50035},
		{"parse and ids", "POST", thread + "/messages", `{"content":"a","allowed_mentions":{"parse":["users"],"users":["1"]}}`, 400, 50035},
		{"six buttons", "POST", thread + "/messages", row(button("1"), button("2"), button("3"), button("4"), button("5"), button("6")), 400, 50035},
		{"five buttons", "POST", thread + "/messages", row(button("1"), button("2"), button("3"), button("4"), button("5")), 200, 0},
		{"same custom_id", "POST", thread + "/messages", row(button("1"), button("1")), 400, 50035},
		{"no custom_id", "POST", thread + "/messages", row(button("")), 400, 50035},
		{"long custom_id", "POST", thread + "/messages", row(button(strings.Repeat("x", 101))), 400, 50035},
		{"button without row", "POST", thread + "/messages", `{"content":"c","components":[` + button("1") + `]}`, 400, 50035},
		{"reply to unknown", "POST", thread + "/messages", `{"content":"c","message_reference":{"message_id":"5"}}`, 400, 50035},
		{"closed direct messages", "POST", w.OpenDM(alien) + "/messages", `{"content":"a"}`, 403, 50007},
	})
}

func TestDeedsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{NoLimits: true})
	thread, archived := w.thread(), w.thread()
	hers := w.post(thread, "hers")
	old := w.send(archived, `{"content":"x"}`).id()
	w.ok(w.Archive(archived))
	from := w.post(w.channel, "from")
	if r := w.call("POST", "/channels/"+w.channel+"/messages/"+from+"/threads", `{"name":"t","auto_archive_duration":60}`); r.status != 201 || r.id() != from {
		t.Fatalf("thread from message: %d %s", r.status, r.body)
	}
	w.attempts([]attempt{
		{"edit another's", "PATCH", thread + "/messages/" + hers, `{"content":"a"}`, 403, 50005},
		{"delete another's", "DELETE", thread + "/messages/" + hers, "", 403, 50013},
		{"edit in archived", "PATCH", archived + "/messages/" + old, `{"content":"a"}`, 400, 50083},
		{"delete in archived", "DELETE", archived + "/messages/" + old, "", 400, 50083},
		{"react in archived", "PUT", archived + "/messages/" + old + "/reactions/%F0%9F%91%8D/@me", "", 400, 50083},
		{"archive again", "PATCH", archived, `{"archived":true}`, 400, 50083},
		{"second thread", "POST", w.channel + "/messages/" + from + "/threads", `{"name":"t"}`, 400, 160004},
		{"thread without name", "POST", w.channel + "/threads", `{"name":""}`, 400, 50035},
		{"long name", "POST", w.channel + "/threads", `{"name":"` + strings.Repeat("x", 101) + `"}`, 400, 50035},
		{"bad duration", "POST", w.channel + "/threads", `{"name":"x","auto_archive_duration":61}`, 400, 50035},
		{"limit", "GET", thread + "/messages?limit=101", "", 400, 50035},
		{"before and after", "GET", thread + "/messages?before=5&after=5", "", 400, 50035},
		{"unknown message", "GET", thread + "/messages/5", "", 404, 10008},
		{"unarchives", "POST", archived + "/messages", `{"content":"a"}`, 200, 0},
	})
	w.View(func(v *View) {
		if x, _ := v.Thread(archived); x.Archived {
			t.Error("a post did not unarchive")
		}
	})
	before := len(w.Violations())
	if r := w.call("GET", "/nowhere", ""); r.status != 404 || len(w.Violations()) != before+1 {
		t.Errorf("unknown route: %d, violations %q", r.status, w.Violations())
	}
}

func TestNonce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{NoLimits: true})
	other := w.thread()
	const body = `{"content":"a","nonce":"n","enforce_nonce":true}`
	first := w.send(w.channel, body).id()
	if again := w.send(other, body).id(); again != first {
		t.Error("the same nonce made a second message")
	}
	if plain := w.send(w.channel, `{"content":"a","nonce":"n"}`).id(); plain == first {
		t.Error("nonce was enforced without enforce_nonce")
	}
	second := w.send(w.channel, `{"content":"a","nonce":7,"enforce_nonce":true}`).id()
	w.ok(w.Delete(second))
	if r := w.send(w.channel, `{"content":"a","nonce":7,"enforce_nonce":true}`); r.code() != 10008 {
		t.Errorf("nonce of a deleted message: %d %s", r.status, r.body)
	}
	w.Advance(time.Hour)
	if late := w.send(w.channel, body).id(); late == first {
		t.Error("nonce was remembered beyond its window")
	}
	if r := w.call("GET", "/channels/"+w.channel+"/messages", ""); strings.Contains(string(r.body), `"nonce"`) {
		t.Error("history shows nonces")
	}
}

func TestHistoryPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{NoLimits: true, NoMessageContent: true})
	var ids []string
	for i := range 7 {
		ids = append(ids, w.post(w.channel, fmt.Sprint(i), Extra{Age: time.Duration(10-i) * time.Minute}))
	}
	if !slices.IsSorted(ids) {
		t.Fatalf("ids do not rise: %v", ids)
	}
	list := func(query string) (got []string) {
		var page []struct{ ID, Content string }
		w.call("GET", "/channels/"+w.channel+"/messages?"+query, "").decode(&page)
		for _, m := range page {
			if m.Content != "" {
				t.Errorf("content %q without the intent", m.Content)
			}
			got = append(got, m.ID)
		}
		slices.Reverse(got)
		return got
	}
	for query, want := range map[string][]string{
		"limit=3":                    ids[4:],
		"limit=3&after=" + ids[1]:    ids[2:5],
		"limit=3&before=" + ids[5]:   ids[2:5],
		"limit=3&around=" + ids[3]:   ids[2:5],
		"after=0&limit=100":          ids,
		"after=" + ids[6]:            nil,
		"limit=100&before=" + ids[0]: nil,
	} {
		if got := list(query); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", query, got, want)
		}
	}
	w.ok(w.SetPermissions(w.channel, ViewChannel))
	if got := list("limit=100"); got != nil {
		t.Errorf("history without the right to read: %v", got)
	}
}

func TestPings(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{NoLimits: true})
	role := format(w.newID())
	hers := w.post(w.channel, "x")
	for _, test := range []struct {
		name, content, rest string
		pings               []string
		violations          int
	}{
		{"everything by default", "<@" + w.user + "> <@&" + role + "> @everyone", ``, []string{w.user, "role:" + role, "everyone"}, 1},
		{"nothing to ping", "hi", ``, nil, 0},
		{"suppressed", "<@" + w.user + "> @everyone", `,"allowed_mentions":{"parse":[]}`, nil, 0},
		{"parse null", "<@" + w.user + ">", `,"allowed_mentions":{"parse":null}`, nil, 1},
		{"one user", "<@" + w.user + "> @here", `,"allowed_mentions":{"parse":[],"users":["` + w.user + `"]}`, []string{w.user}, 0},
		{"in code", "`<@" + w.user + ">`", `,"allowed_mentions":{"parse":["users"]}`, nil, 0},
		{"reply", "hi", `,"message_reference":{"message_id":"` + hers + `"}`, []string{w.user}, 0},
		{"reply without ping", "hi", `,"allowed_mentions":{"parse":[]},"message_reference":{"message_id":"` + hers + `"}`, nil, 0},
	} {
		before := len(w.Violations())
		id := w.send(w.channel, `{"content":"`+test.content+`"`+test.rest+`}`).id()
		list := w.Messages(w.channel)
		if m := list[len(list)-1]; m.ID != id || !slices.Equal(m.Pings, test.pings) {
			t.Errorf("%s: pings %q, want %q", test.name, m.Pings, test.pings)
		}
		if n := len(w.Violations()) - before; n != test.violations {
			t.Errorf("%s: %d violations, want %d", test.name, n, test.violations)
		}
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{InvalidBudget: 2})
	var r result
	for i := range 6 {
		r = w.send(w.channel, `{"content":"a"}`)
		if i < 5 && (r.status != 200 || r.header.Get("X-RateLimit-Remaining") != fmt.Sprint(4-i)) {
			t.Fatalf("post %d: %d %v", i, r.status, r.header)
		}
	}
	var body struct {
		RetryAfter float64 `json:"retry_after"`
		Global     bool
	}
	r.decode(&body)
	if r.status != 429 || r.header.Get("X-RateLimit-Scope") != "user" || r.header.Get("Retry-After") == "" || body.RetryAfter <= 0 || body.Global {
		t.Fatalf("sixth post: %d %v %s", r.status, r.header, r.body)
	}
	w.noViolations()
	w.Advance(inFlight + time.Second)
	if r = w.send(w.channel, `{"content":"a"}`); r.status != 429 || len(w.Violations()) != 1 {
		t.Fatalf("impatient: %d, violations %q", r.status, w.Violations())
	}
	w.Advance(10 * time.Second)
	if r = w.send(w.channel, `{"content":"a"}`); r.status != 200 {
		t.Fatalf("patient: %d", r.status)
	}
	w.SetToken("new")
	if r = w.send(w.channel, `{"content":"a"}`); r.status != 401 || len(w.Violations()) != 2 {
		t.Errorf("third invalid request: %d, violations %q", r.status, w.Violations())
	}
}

func TestRenameLimit(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{})
	thread := w.thread()
	for i, want := range []int{200, 200, 429} {
		if r := w.call("PATCH", "/channels/"+thread, `{"name":"x"}`); r.status != want {
			t.Errorf("rename %d: %d, want %d", i, r.status, want)
		}
	}
}

func TestBan(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{})
	w.mu.Lock()
	for range banThreshold + 1 {
		w.limits.invalid.add(w.now())
	}
	w.mu.Unlock()
	if r := w.call("GET", "/users/@me", ""); r.status != 429 || json.Valid(r.body) || len(w.Violations()) != 1 {
		t.Errorf("banned: %d %s", r.status, r.body)
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{NoLimits: true})
	const route = "POST /channels/{channel}/messages"
	posted := func(f Fault) (result, int, error) {
		before := len(w.Messages(w.channel))
		w.Fail(f)
		r, err := w.try("POST", "/channels/"+w.channel+"/messages", `{"content":"a"}`)
		return r, len(w.Messages(w.channel)) - before, err
	}
	if _, n, err := posted(Fault{Route: route, Drop: true}); err == nil || n != 0 {
		t.Errorf("drop before: %v, %d messages", err, n)
	}
	if _, n, err := posted(Fault{Route: route, Deed: true, Drop: true}); err == nil || n != 1 {
		t.Errorf("drop after: %v, %d messages", err, n)
	}
	if r, n, _ := posted(Fault{Route: route, Deed: true, Status: 502}); r.status != 502 || n != 1 {
		t.Errorf("502 after: %d, %d messages", r.status, n)
	}
	if r, n, _ := posted(Fault{Route: route, Status: 200, Body: "<html>"}); r.status != 200 || string(r.body) != "<html>" || n != 0 {
		t.Errorf("garbage: %d, %d messages", r.status, n)
	}
	if r, n, _ := posted(Fault{Route: route, Delay: time.Millisecond}); r.status != 200 || n != 1 {
		t.Errorf("delay: %d, %d messages", r.status, n)
	}
	if r, n, _ := posted(Fault{Route: route, Deed: true, Delay: time.Millisecond}); r.status != 200 || n != 1 {
		t.Errorf("late answer: %d, %d messages", r.status, n)
	}
	if r, _, _ := posted(CloudflareFault(route, 403)); r.status != 403 || json.Valid(r.body) {
		t.Errorf("cloudflare: %d %s", r.status, r.body)
	}
	w.Fail(Fault{Route: "GET /users/@me", Skip: 1, Times: -1, Status: 500})
	for i, want := range []int{200, 500, 500} {
		if r := w.call("GET", "/users/@me", ""); r.status != want {
			t.Errorf("call %d: %d, want %d", i, r.status, want)
		}
	}
	w.Heal()
	if r := w.call("GET", "/users/@me", ""); r.status != 200 {
		t.Errorf("healed: %d", r.status)
	}
	calls := w.Calls()
	if c := calls[1]; c.Route != route || c.Status != 200 || !c.Lost || c.Faulted {
		t.Errorf("record of a lost answer: %+v", c)
	}
	w.noViolations()
	w.Fail(Fault{Route: "GET /users/@me", Status: 429, Body: `{"message":"x","retry_after":60,"global":true}`})
	w.call("GET", "/users/@me", "")
	w.Advance(time.Second)
	w.send(w.channel, `{"content":"a"}`)
	if len(w.Violations()) != 1 {
		t.Errorf("a global 429 was not minded, violations %q", w.Violations())
	}
}

func TestCommandsChecked(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{NoLimits: true})
	path := "/applications/" + w.bot.ID + "/guilds/" + w.guild + "/commands"
	for body, want := range map[string]int{
		`[{"name":"Agent","description":"x"}]`:                                    400,
		`[{"name":"a b","description":"x"}]`:                                      400,
		`[{"name":"agent","description":""}]`:                                     400,
		`[{"name":"agent","description":"x"},{"name":"agent","description":"y"}]`: 400,
		`[{"name":"To agent","type":3,"description":"x"}]`:                        400,
		`{"name":"agent"}`: 400,
		`[{"name":"agent","description":"x"},{"name":"To agent","type":3}]`: 200,
	} {
		if r := w.call("PUT", path, body); r.status != want {
			t.Errorf("%s: %d %s, want %d", body, r.status, r.body, want)
		}
	}
	if r := w.call("PUT", "/applications/1/commands", `[]`); r.status != 403 {
		t.Errorf("another application: %d", r.status)
	}
	w.call("PUT", "/applications/"+w.bot.ID+"/commands", `[{"name":"agent","description":"x"}]`)
	w.call("PUT", path, `[{"name":"agent","description":"x"}]`)
	if len(w.Violations()) != 7 { // with the six malformed lists
		t.Errorf("doubled command: violations %q", w.Violations())
	}
	if _, err := w.Slash(w.user, w.OpenDM(w.user), "agent", nil); err != nil {
		t.Errorf("global command in a direct message: %v", err)
	}
}

func TestUnansweredInteractionFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{NoLimits: true})
	w.call("PUT", "/applications/"+w.bot.ID+"/commands", `[{"name":"agent","description":"x"}]`)
	id := w.id(w.Slash(w.user, w.channel, "agent", nil))
	if i, _ := w.Interaction(id); i.Failed || i.Received {
		t.Errorf("at once: %+v", i)
	}
	w.Advance(answerTime + time.Millisecond)
	if i, _ := w.Interaction(id); !i.Failed {
		t.Errorf("after 3 s: %+v", i)
	}
}

// TestNoInputPanics sends odd bodies and paths to every route. The handler runs in this goroutine: a panic fails the test.
func TestNoInputPanics(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{NoLimits: true})
	thread, dm := w.thread(), w.OpenDM(w.user)
	hers, private := w.post(w.channel, "x"), w.post(dm, "x")
	w.call("PUT", "/applications/"+w.bot.ID+"/commands", `[{"name":"agent","description":"x"}]`)
	action := w.id(w.Slash(w.user, dm, "agent", nil))
	token := w.actions[action].token
	bodies := []string{"", "null", "[]", "{}", "7", `[null]`, `{"content":null,"name":null}`, `{"components":[null]}`, `{"name":"x","message":null}`,
		`{"components":[{"type":1,"components":[null]}]}`, `{"embeds":[null],"name":"x","type":11}`, `{"type":4,"data":null}`, `{"content":"x","message_reference":{}}`}
	handler := w.handler()
	for _, r := range w.routes() {
		method, pattern, _ := strings.Cut(r.pattern, " ")
		for _, ids := range [][2]string{{w.channel, hers}, {thread, hers}, {dm, private}, {"1", "1"}, {"x", "y"}} {
			path := strings.NewReplacer("{channel}", ids[0], "{message}", ids[1], "{guild}", w.guild, "{user}", ids[0], "{app}", w.bot.ID,
				"{interaction}", action, "{token}", token, "{answer}", ids[1], "{emoji}", "x").Replace(pattern)
			for _, body := range bodies {
				req := httptest.NewRequest(method, "/api/v9"+path, strings.NewReader(body))
				req.Header.Set("Authorization", "Bot sim-bot-token")
				req.Header.Set("Content-Type", "application/json")
				got := httptest.NewRecorder()
				handler.ServeHTTP(got, req)
				if got.Code >= 500 {
					t.Errorf("%s %s %s: %d", method, path, body, got.Code)
				}
			}
		}
	}
}
