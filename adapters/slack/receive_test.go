package slack

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"ccbridge/adapters/slack/slacksim"
	"ccbridge/bridge"
)

func TestMessageBecomesText(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Config{AppMentions: true}, nil)
	root := r.post(t, say(ada, "", "<@"+bot+"> hello <@"+bob+"> & co "+secret))
	ev := r.in.event(t, 1)
	at, _ := parseTS(root)
	if ev.ID != bridge.EventID("acme:m:"+general+":"+root) || ev.Thread != key(general, root) || ev.Order != root || !ev.At.Equal(at) {
		t.Errorf("event %+v", ev)
	}
	want := bridge.Text{
		Author: bridge.User{ID: ada, Name: "Ada"}, Message: bridge.RemoteID(root),
		Body: "hello @Bob & co " + secret, Mention: true, TopLevel: true,
	}
	if got := *ev.Text; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("text %+v, want %+v", got, want)
	}
	reply := r.post(t, say(bob, root, "hi"))
	ev = r.in.event(t, 2)
	if ev.Thread.Root != root || ev.Text.TopLevel || ev.Text.Mention || ev.Text.Message != bridge.RemoteID(reply) {
		t.Errorf("reply %+v %+v", ev, ev.Text)
	}
	r.acked(t, 3) // with the app_mention, which is not carried
	if n := len(r.in.all()); n != 2 {
		t.Errorf("%d events", n)
	}
}

func TestDirectMessageIsOneThread(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Config{}, nil)
	dm := r.sim.OpenDM(ada)
	first := r.post(t, slacksim.Post{Channel: dm, User: ada, Text: "hello"})
	r.in.event(t, 1)
	r.post(t, slacksim.Post{Channel: dm, User: ada, ThreadTS: first, Text: "threaded"})
	for n := range 2 {
		ev := r.in.event(t, n+1)
		if ev.Thread != key(dm, "") || !ev.Text.Direct || !ev.Text.TopLevel || ev.Text.Mention {
			t.Errorf("event %d: %+v %+v", n, ev, ev.Text)
		}
	}
}

// Only what people write is carried; everything else is acknowledged and forgotten.
func TestWhatIsNotCarried(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Config{}, nil)
	root := r.post(t, say(ada, "", "root"))
	r.in.event(t, 1)
	r.send(t, "d1", bridge.Message{Kind: bridge.MessageRobot, Text: "ours", Thread: key(general, root)})
	r.send(t, "d2", bridge.Message{Kind: bridge.MessageAgent, Speaker: "Eve", Text: "ours too", Thread: key(general, root)})
	r.post(t, slacksim.Post{Channel: general, BotID: "B0OTHER", Text: "another bot"})
	r.post(t, slacksim.Post{Channel: general, User: ada, Subtype: "channel_topic", Text: "topic"})
	r.post(t, slacksim.Post{Channel: general, User: ada, Subtype: "brand_new_subtype", Text: "x"})
	if err := r.sim.Unfurl(general, root); err != nil {
		t.Fatal(err)
	}
	for _, inner := range []map[string]any{
		{"type": "reaction_added", "user": ada},
		{"type": "no_such_event"},
		{"type": "message", "channel": 5},
		{"type": "member_left_channel", "user": ada, "channel": general},
		{"type": "tokens_revoked", "tokens": map[string]any{"oauth": []string{ada}}},
		{"type": "channel_archive"},
	} {
		r.sim.SendEvent(inner)
	}
	if err := r.sim.InjectEvent(slacksim.EventFault{Kind: slacksim.Malformed}); err != nil {
		t.Fatal(err)
	}
	r.post(t, say(ada, "", "never readable"))
	r.acked(t, 14)
	if len(r.in.all()) != 1 {
		t.Errorf("carried: %v", ids(r.in.all()))
	}
	if lost := r.sim.Lost(); len(lost) > 0 {
		t.Errorf("never acknowledged: %v", lost)
	}
}

// What slack-go cannot decode is carried all the same.
func TestUnknownBlockIsCarried(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Config{}, nil)
	p := say(ada, "", "words")
	p.Blocks = []byte(`[{"type":"section","text":7,"elements":"none"},{"type":"novelty"}]`)
	r.post(t, p)
	if ev := r.in.event(t, 1); ev.Text.Body != "words" {
		t.Errorf("text %+v", ev.Text)
	}
	r.acked(t, 1)
}

func TestCarriedSubtypes(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Config{}, nil)
	root := r.post(t, slacksim.Post{Channel: general, User: ada, Files: []slacksim.File{{ID: "F1", Name: "a.pdf"}, {ID: "F2", FileAccess: "check_file_info"}}})
	if ev := r.in.event(t, 1); !slices.Equal(ev.Text.Files, []string{"a.pdf", "F2"}) {
		t.Errorf("files %+v", ev.Text)
	}
	r.post(t, slacksim.Post{Channel: general, User: ada, ThreadTS: root, Broadcast: true, Text: "to all"})
	if ev := r.in.event(t, 2); ev.Thread.Root != root || ev.Text.TopLevel || ev.Text.Body != "to all" {
		t.Errorf("broadcast %+v %+v", ev, ev.Text)
	}
	r.post(t, slacksim.Post{Channel: general, User: ada, Subtype: "me_message", Text: "waves"})
	if ev := r.in.event(t, 3); ev.Text.Body != "waves" {
		t.Errorf("me_message %+v", ev.Text)
	}
	r.acked(t, 3)
}

func TestEditsAndDeletions(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Config{}, nil)
	root := r.post(t, say(ada, "", "root"))
	r.in.event(t, 1)
	reply := r.post(t, say(ada, root, "old"))
	r.in.event(t, 2)
	if err := r.sim.Edit(general, reply, "old"); err != nil { // edited, but the same words
		t.Fatal(err)
	}
	if err := r.sim.Edit(general, reply, "new &amp; better"); err != nil {
		t.Fatal(err)
	}
	ev := r.in.event(t, 3)
	if !ev.Text.Edited || ev.Text.Message != bridge.RemoteID(reply) || ev.Text.Author.ID != ada || ev.Thread.Root != root || ev.Order <= reply {
		t.Errorf("edit %+v %+v", ev, ev.Text)
	}
	if err := r.sim.Delete(general, reply); err != nil {
		t.Fatal(err)
	}
	ev = r.in.event(t, 4)
	if !ev.Text.Deleted || ev.Text.Message != bridge.RemoteID(reply) || ev.Text.Author.Name != "Ada" || ev.Thread.Root != root || ev.Text.Body != "" {
		t.Errorf("deletion %+v %+v", ev, ev.Text)
	}
}

func TestGonePlaces(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Config{}, nil)
	alone := r.post(t, say(ada, "", "alone"))
	r.in.event(t, 1)
	answered := r.post(t, say(ada, "", "answered"))
	r.in.event(t, 2)
	r.post(t, say(bob, answered, "answer"))
	r.in.event(t, 3)
	n := 3
	gone := func(what string, thread bridge.ThreadKey) {
		t.Helper()
		n++
		ev := r.in.event(t, n)
		if ev.Gone == nil || ev.Gone.What != what || ev.Thread != thread {
			t.Errorf("want %s gone at %v, have %+v %+v", what, thread, ev, ev.Gone)
		}
	}
	for _, root := range []string{alone, answered} { // the second becomes a tombstone
		if err := r.sim.Delete(general, root); err != nil {
			t.Fatal(err)
		}
		gone("thread", key(general, root))
	}
	for _, inner := range []map[string]any{
		{"type": "channel_archive", "channel": general, "user": ada},
		{"type": "channel_deleted", "channel": general},
		{"type": "channel_left", "channel": general},
		{"type": "group_archive", "channel": general},
		{"type": "group_deleted", "channel": general},
		{"type": "group_left", "channel": general},
		{"type": "member_left_channel", "channel": general, "user": bot},
		{"type": "channel_id_changed", "old_channel_id": general, "new_channel_id": "C2"},
	} {
		r.sim.SendEvent(inner)
		gone("channel", key(general, ""))
	}
	for _, inner := range []map[string]any{
		{"type": "app_uninstalled"},
		{"type": "tokens_revoked", "tokens": map[string]any{"bot": []string{bot}}},
	} {
		r.sim.SendEvent(inner)
		gone("installation", key("", ""))
	}
}

func TestNoAcknowledgementBeforeStored(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Config{}, nil)
	gate := make(chan struct{})
	r.in.set(func() { r.in.gate = gate })
	r.post(t, say(ada, "", "hello <#C0GENERAL>"))
	r.in.until(t, "Put", func() bool { return r.in.puts == 1 })
	r.never(t, "acknowledged before Put returned", 100*time.Millisecond, func() bool { return r.sim.Stats().Acked > 0 })
	close(gate)
	r.acked(t, 1)
}

// If storing fails Slack sends the event again; it has the same id.
func TestNoAcknowledgementIfStoringFails(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Config{AckTimeout: 200 * time.Millisecond, Retries: []time.Duration{0, 0, 0, 0, 0}}, nil)
	var tried []bridge.EventID
	r.in.set(func() {
		r.in.fail = errors.New("disk full")
		r.in.put = func(evs []bridge.Event) { tried = append(tried, evs[0].ID) }
	})
	r.post(t, say(ada, "", "hello"))
	r.in.until(t, "a second try", func() bool { return len(tried) >= 2 })
	if n := r.sim.Stats().Acked; n != 0 {
		t.Errorf("%d acknowledgements", n)
	}
	r.in.set(func() { r.in.fail = nil })
	ev := r.in.event(t, 1)
	for _, id := range tried {
		if id != ev.ID {
			t.Errorf("id %s, then %s", id, ev.ID)
		}
	}
	r.acked(t, 1)
}

func TestRedeliveryHasTheSameID(t *testing.T) {
	t.Parallel()
	for _, kind := range []slacksim.EventFaultKind{slacksim.Twice, slacksim.Again} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			r := start(t, slacksim.Config{}, nil)
			if err := r.sim.InjectEvent(slacksim.EventFault{Kind: kind}); err != nil {
				t.Fatal(err)
			}
			r.post(t, say(ada, "", "hello"))
			second := r.in.event(t, 2)
			if first := r.in.event(t, 1); first.ID != second.ID {
				t.Errorf("ids %s and %s", first.ID, second.ID)
			}
		})
	}
}

// Many threads at once: each in its order, many commits in flight.
func TestOrderWithinThreads(t *testing.T) {
	t.Parallel()
	const threads, each = 20, 30
	r := start(t, slacksim.Config{AckTimeout: time.Minute}, func(c *Config) { c.Waits.Put = patience })
	gate := make(chan struct{})
	r.in.set(func() { r.in.gate = gate })
	var roots []string
	for i := range threads {
		roots = append(roots, r.post(t, say(ada, "", fmt.Sprint("root ", i))))
	}
	r.in.until(t, "commits of several threads at once", func() bool { return r.in.puts >= threads/2 })
	for i := range each {
		for _, root := range roots {
			r.post(t, say(ada, root, fmt.Sprint("reply ", i)))
		}
	}
	close(gate)
	r.in.until(t, "all events", func() bool { return len(r.in.events) >= threads*(each+1) })
	// Two sockets may swap what travels at the same moment; the order the core restores by is Order.
	last := map[string]int{}
	for _, ev := range r.in.all() {
		last[ev.Thread.Root]++
		if ev.Order != string(ev.Text.Message) {
			t.Fatalf("order %s of message %s", ev.Order, ev.Text.Message)
		}
	}
	for root, n := range last {
		if n != each+1 {
			t.Errorf("thread %s: %d events", root, n)
		}
	}
	r.acked(t, threads*(each+1))
}

// serve takes a batch through at once.
func (r *receiver) serve(ctx context.Context, batch ...*job) {
	r.store(ctx, batch, r.prepare(ctx, batch), make(chan struct{}))
}

// Events of a thread that come over one socket keep their order.
func TestOneQueuePerThread(t *testing.T) {
	t.Parallel()
	a, err := New(Config{Name: "acme", BotToken: "b", AppToken: "a"})
	if err != nil {
		t.Fatal(err)
	}
	a.self.Store(&identity{team: team, user: bot})
	in := newInbox()
	r := newReceiver(a, in)
	const n = 1000
	for i := range n {
		r.take(envelope{kind: "events_api", ack: func(any) error { return nil }, payload: fmt.Appendf(nil,
			`{"team_id":%q,"event":{"type":"message","channel":"C1","user":"U1","user_profile":{"name":"ada"},"text":"x","thread_ts":"1700000000.000001","ts":"1700000001.%06d"}}`, team, i)})
	}
	full := 0
	for _, q := range r.queues {
		if len(q) > 0 {
			full++
			for len(q) > 0 {
				r.serve(t.Context(), gather(<-q, q)...)
			}
		}
	}
	if full != 1 || !slices.IsSortedFunc(in.events, func(x, y bridge.Event) int { return strings.Compare(x.Order, y.Order) }) || len(in.events) != n {
		t.Errorf("%d queues, %d events, or out of order", full, len(in.events))
	}
	if in.puts > n/batchSize+1 {
		t.Errorf("%d commits", in.puts)
	}
}

// The core hears of what comes next while it still stores what came before.
func TestNextBatchIsHandedOver(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Config{}, nil)
	root := r.post(t, say(ada, "", "root"))
	r.acked(t, 1)
	gate := make(chan struct{})
	r.in.set(func() { r.in.gate = gate })
	r.post(t, say(ada, root, "one"))
	r.in.until(t, "the first", func() bool { return r.in.puts == 2 })
	r.post(t, say(ada, root, "two"))
	r.in.until(t, "the second", func() bool { return r.in.puts == 3 })
	close(gate)
	r.acked(t, 3)
}

// A panic costs one envelope, which does not come again.
func TestPanicCostsOneEnvelope(t *testing.T) {
	t.Parallel()
	a, err := New(Config{Name: "acme", BotToken: "b", AppToken: "a"})
	if err != nil {
		t.Fatal(err)
	}
	in := newInbox()
	r := newReceiver(a, in)
	acks := 0
	one := func(prepare func() prepared) *job {
		return &job{envelope: envelope{ack: func(any) error { acks++; return nil }}, prepare: func(_, _ context.Context) prepared { return prepare() }}
	}
	r.serve(t.Context(),
		one(func() prepared { panic("defect") }),
		one(func() prepared { return prepared{events: []bridge.Event{{ID: "e"}}} }),
	)
	if len(in.events) != 1 || acks != 2 {
		t.Errorf("%d events, %d acknowledgements", len(in.events), acks)
	}
}

// A full queue takes nothing more and blocks nobody.
func TestFullQueueLeavesEventsToSlack(t *testing.T) {
	t.Parallel()
	a, err := New(Config{Name: "acme", BotToken: "b", AppToken: "a"})
	if err != nil {
		t.Fatal(err)
	}
	a.self.Store(&identity{team: team, user: bot})
	r := newReceiver(a, newInbox())
	acks := 0
	for i := range queueSize + 10 {
		r.take(envelope{kind: "events_api", ack: func(any) error { acks++; return nil }, payload: fmt.Appendf(nil,
			`{"team_id":%q,"event":{"type":"message","channel":"D1","user":"U1","text":"x","ts":"1700000001.%06d"}}`, team, i)})
	}
	if n := r.waiting.Load(); n != queueSize || acks != 0 {
		t.Errorf("%d waiting, %d acknowledged", n, acks)
	}
}

func TestOtherWorkspacesAreLeftOut(t *testing.T) {
	t.Parallel()
	a, err := New(Config{Name: "acme", BotToken: "b", AppToken: "a"})
	if err != nil {
		t.Fatal(err)
	}
	const event = `"event":{"type":"message","channel":"C1","user":"U1","text":"x","ts":"1700000001.000001"}`
	for payload, want := range map[string]int{
		`{"team_id":"T0SIM",` + event + `}`:                                  1,
		`{"team_id":"T9","authorizations":[{"team_id":"T9"}],` + event + `}`: 0,
		`{"team_id":"T9",` + event + `}`:                                     0,
		`{"team_id":"T9","authorizations":[],` + event + `}`:                 0,
		`{` + event + `}`: 1,
		`{"team_id":"T9","authorizations":[{"team_id":"T0SIM"}],` + event + `}`:                           1,
		`{"team_id":"T9","authorizations":[{"team_id":"T9"}],"is_ext_shared_channel":true,` + event + `}`: 1,
		`{"team_id":"T9","authorizations":[{"team_id":null,"enterprise_id":"E1"}],` + event + `}`:         1,
		`{"team_id":"T9"`: 0,
	} {
		got := a.decodeEvent([]byte(payload), identity{team: team, user: bot})
		if len(got) != want {
			t.Errorf("%s: %d events", payload, len(got))
		}
		if want == 1 && got[0].event.Thread.Space != team {
			t.Errorf("space %s", got[0].event.Thread.Space)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add("events_api", `{"event":{"type":"message","subtype":"message_changed","message":{}}}`)
	f.Add("events_api", `{"event":{"type":"message","subtype":"message_deleted","deleted_ts":"1","ts":"1700000000.000000","channel":"C"}}`)
	f.Add("slash_commands", `{"command":"/agent","channel_id":"C","user_id":"U"}`)
	f.Add("interactive", `{"type":"block_actions","user":{"id":"U"},"actions":[{"action_id":"ccb:agent","value":"thread:C:1"}]}`)
	f.Add("interactive", `{"type":"message_action","user":{"id":"U"},"callback_id":"ccb:end"}`)
	log := &lockedBuffer{}
	defects := slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelError}))
	a, err := New(Config{Name: "acme", BotToken: "b", AppToken: "a", Log: defects})
	if err != nil {
		f.Fatal(err)
	}
	a.self.Store(&identity{team: team, user: bot})
	a.users.lookUp = func(context.Context, string) (string, error) { return "name", nil }
	a.channels.lookUp = a.users.lookUp
	f.Fuzz(func(t *testing.T, kind, payload string) {
		in := newInbox()
		r := newReceiver(a, in)
		acks := 0
		_, j := r.decode(envelope{kind: kind, payload: []byte(payload), accepts: true, ack: func(any) error { acks++; return nil }})
		r.serve(t.Context(), &j)
		if acks != 1 || log.String() != "" {
			t.Errorf("%d acknowledgements, log %s", acks, log.String())
		}
		for _, ev := range in.events {
			if ev.ID == "" || ev.Thread.Adapter != "acme" || ev.Order == "" {
				t.Errorf("event %+v", ev)
			}
		}
	})
}
