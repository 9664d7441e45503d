package discord

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"ccbridge/adapters/discord/discordsim"
	"ccbridge/bridge"
)

func TestMessagesBecomeEvents(t *testing.T) {
	t.Parallel()
	w := newWorld(t, discordsim.Config{}, true)
	root := w.post(w.help, w.ann, "my kettle is broken")
	ev := w.inbox.got(t, 1)[0]
	want := bridge.Text{
		Author:  bridge.User{ID: bridge.UserID(w.ann), Name: "Annie", Roles: []string{"1500000000000000007"}},
		Message: bridge.RemoteID(root), Body: "my kettle is broken", TopLevel: true, Make: true,
	}
	if !reflect.DeepEqual(*ev.Text, want) || ev.Thread != w.key(w.help, root) {
		t.Errorf("top level: %+v in %v", *ev.Text, ev.Thread)
	}
	if ev.ID != bridge.EventID("community/m:"+w.help+":"+root) || len(ev.Order) != 20 || time.Since(ev.At).Abs() > time.Minute {
		t.Errorf("id %s order %s at %s", ev.ID, ev.Order, ev.At)
	}

	thread := w.id(w.sim.StartThread(w.help, w.ann, discordsim.NewThread{Name: "kettle", From: root}))
	w.post(thread, w.ann, "<@"+simBot+"> it leaks")
	ev = w.inbox.got(t, 2)[1]
	if ev.Thread != w.key(w.help, root) || ev.Text.TopLevel || ev.Text.Make || !ev.Text.Mention || ev.Text.Body != "it leaks" {
		t.Errorf("reply: %+v in %v", *ev.Text, ev.Thread)
	}

	forumPost := w.id(w.sim.ForumPost(w.forum, w.ann, "title", "first words"))
	ev = w.inbox.got(t, 3)[2]
	if ev.Thread != w.key(w.forum, forumPost) || !ev.Text.TopLevel || ev.Text.Make {
		t.Errorf("forum post: %+v in %v", *ev.Text, ev.Thread)
	}
	w.post(forumPost, w.ann, "more words")
	if ev = w.inbox.got(t, 4)[3]; ev.Thread.Root != forumPost || ev.Text.TopLevel {
		t.Errorf("reply in a forum post: %+v in %v", *ev.Text, ev.Thread)
	}

	key := w.directKey()
	w.post(key.Channel, w.ann, "psst")
	ev = w.inbox.got(t, 5)[4]
	if ev.Thread != key || !ev.Text.Direct || !ev.Text.TopLevel || ev.Text.Make {
		t.Errorf("direct message: %+v in %v", *ev.Text, ev.Thread)
	}
	w.clean()
}

func TestPrivateThread(t *testing.T) {
	t.Parallel()
	w := newWorld(t, discordsim.Config{}, true)
	thread := w.id(w.sim.StartThread(w.help, w.ann, discordsim.NewThread{Name: "secret", Private: true}))
	w.post(thread, w.ann, "<@"+simBot+"> help")
	if ev := w.inbox.got(t, 1)[0]; ev.Thread != w.key(w.help, thread) || !ev.Text.Mention || ev.Text.Make {
		t.Errorf("%+v in %v", *ev.Text, ev.Thread)
	}
}

func TestWhatIsLeftOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t, discordsim.Config{}, true)
	robot := w.sim.AddUser(discordsim.User{Name: "otherbot", Bot: true})
	elsewhere := w.sim.AddChannel(w.sim.AddGuild(""), "", discordsim.Text)
	w.post(w.help, robot, "beep")
	w.post(w.help, w.ann, "by webhook", discordsim.Extra{Webhook: true})
	w.post(w.help, w.ann, "pinned", discordsim.Extra{Type: 6})
	w.post(elsewhere, w.ann, "another guild")
	w.ok(w.sim.Unfurl(w.post(w.help, w.ann, "see https://example.com")))
	w.sim.Emit("MESSAGE_CREATE", w.guild, w.json(map[string]any{"id": "77", "channel_id": w.help, "guild_id": w.guild, "type": 0, "content": "no author"}))
	w.sim.Emit("MESSAGE_CREATE", w.guild, []byte(`[1,2]`))
	w.sim.Emit("MESSAGE_CREATE", w.guild, []byte(`{"id":{},"author":7}`))
	w.sim.Emit("GUILD_CREATE", w.guild, []byte(`null`))
	w.sim.Emit("SOMETHING_NEW", w.guild, []byte(`{"a":1}`))
	w.sim.SendRaw([]byte(`{"op":0,"t":7}`))
	w.sim.SendRaw([]byte(`not JSON`))
	own := w.rendered(bridge.Message{Kind: bridge.MessageRobot, Text: "our own"})
	if _, err := w.adapter.Send(t.Context(), delivery("own", w.directKey(), own)); err != nil {
		t.Fatal(err)
	}
	last := w.post(w.help, w.ann, "the end")
	w.inbox.until(t, "the last message", func() bool {
		return slices.ContainsFunc(w.inbox.events, func(e bridge.Event) bool { return e.Thread.Root == last })
	})
	if evs := w.inbox.got(t, 2); len(evs) != 2 {
		t.Errorf("%d events, want 2: %+v", len(evs), evs)
	}
	w.clean()
}

func TestUnknownComponentsAndForwards(t *testing.T) {
	t.Parallel()
	w := newWorld(t, discordsim.Config{}, true)
	odd := []json.RawMessage{json.RawMessage(`{"type":99,"custom_id":"x"}`)}
	w.post(w.help, w.ann, "with odd parts", discordsim.Extra{Components: odd})
	w.post(w.help, w.ann, "", discordsim.Extra{Forward: &discordsim.Forward{Content: "old words", Components: odd}})
	w.post(w.help, w.ann, "", discordsim.Extra{Sticker: "wave"})
	w.post(w.help, w.ann, "look", discordsim.Extra{Attachments: []discordsim.File{{Name: "kettle.png", Data: []byte("x")}}})
	evs := w.inbox.got(t, 4)
	slices.SortFunc(evs, func(a, b bridge.Event) int { return strings.Compare(a.Order, b.Order) })
	var got []string
	for _, e := range evs {
		got = append(got, e.Text.Body+"|"+strings.Join(e.Text.Files, ","))
	}
	want := []string{"with odd parts|", "old words|", "|sticker wave", "look|kettle.png"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestChangesAndDeletions(t *testing.T) {
	t.Parallel()
	w := newWorld(t, discordsim.Config{}, true)
	root := w.post(w.help, w.ann, "teh kettle")
	w.ok(w.sim.Edit(root, "the kettle"), w.sim.Delete(root))
	post := w.id(w.sim.ForumPost(w.forum, w.ann, "title", "words"))
	w.inbox.got(t, 4)
	w.ok(w.sim.Remove(post), w.sim.Remove(w.forum), w.sim.Outage(w.guild, true), w.sim.Outage(w.guild, false), w.sim.KickBot(w.guild))
	byID := map[bridge.EventID]bridge.Event{}
	var edit, gone bridge.Event
	for _, e := range w.inbox.got(t, 7) {
		byID[e.ID] = e
		switch {
		case e.Text != nil && e.Text.Edited:
			edit = e
		case e.Gone != nil && e.Gone.What == "installation":
			gone = e
		}
	}
	if edit.Text == nil || edit.Text.Body != "the kettle" || edit.Text.Message != bridge.RemoteID(root) || edit.Thread.Root != root {
		t.Errorf("edit: %+v", edit)
	}
	if d := byID[bridge.EventID("community/d:"+w.help+":"+root)]; d.Text == nil || !d.Text.Deleted || d.Thread.Root != root {
		t.Errorf("deletion: %+v", d)
	}
	if e := byID[bridge.EventID("community/g:"+post)]; e.Gone == nil || e.Gone.What != "thread" || e.Thread != w.key(w.forum, post) {
		t.Errorf("thread gone: %+v", e)
	}
	if e := byID[bridge.EventID("community/g:"+w.forum)]; e.Gone == nil || e.Gone.What != "channel" || e.Thread != w.key(w.forum, "") {
		t.Errorf("channel gone: %+v", e)
	}
	if gone.Gone == nil || gone.Thread != (bridge.ThreadKey{Adapter: "community", Space: w.guild}) {
		t.Errorf("installation gone: %+v", gone)
	}
}

func TestBulkDeletion(t *testing.T) {
	t.Parallel()
	w := newWorld(t, discordsim.Config{}, true)
	root := w.post(w.help, w.ann, "words")
	w.sim.Emit("MESSAGE_DELETE_BULK", w.guild, w.json(map[string]any{"ids": []string{root, "99"}, "channel_id": w.help, "guild_id": w.guild}))
	n := 0
	for _, e := range w.inbox.got(t, 3) {
		if e.Text.Deleted {
			n++
		}
	}
	if n != 2 {
		t.Errorf("%d deletions, want 2", n)
	}
}

// A repeated event has the same id, and events swapped on the way still find their thread.
func TestDuplicatesAndSwaps(t *testing.T) {
	t.Parallel()
	w := newWorld(t, discordsim.Config{}, true)
	w.sim.Duplicate(1)
	root := w.post(w.help, w.ann, "once")
	w.sim.Swap()
	post := w.id(w.sim.ForumPost(w.forum, w.ann, "title", "message before its thread"))
	w.inbox.until(t, "all", func() bool {
		return w.inbox.seen[bridge.EventID("community/m:"+w.help+":"+root)] == 2 && len(w.inbox.events) == 2
	})
	for _, e := range w.inbox.got(t, 2) {
		if e.Thread.Root == post && e.Thread.Channel != w.forum {
			t.Errorf("forum post in %v", e.Thread)
		}
	}
}

// An unknown channel is asked for; if that fails, the core is told that something may be missing.
func TestUnplacedEventAsksForCatchUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t, discordsim.Config{}, true)
	w.sim.Emit("MESSAGE_CREATE", w.guild, w.json(map[string]any{
		"id": "1500000000000000001", "channel_id": "1500000000000000009", "guild_id": w.guild, "type": 0, "content": "x",
		"author": map[string]any{"id": w.ann, "username": "ann"},
	}))
	w.inbox.until(t, "a gap", func() bool { _, gaps := w.inbox.ups(); return gaps == 2 })
}

func TestOrderWithinThreads(t *testing.T) {
	t.Parallel()
	w := newWorld(t, discordsim.Config{NoLimits: true}, true)
	const threads, each = 10, 30
	var ids []string
	for i := range threads {
		ids = append(ids, w.id(w.sim.ForumPost(w.forum, w.ann, fmt.Sprint(i), "start")))
	}
	for range each {
		for _, id := range ids {
			w.post(id, w.ann, "words")
		}
	}
	last := map[string]string{}
	for _, e := range w.inbox.got(t, threads*(each+1)) {
		if e.Order <= last[e.Thread.Root] {
			t.Fatalf("thread %s: %s after %s", e.Thread.Root, e.Order, last[e.Thread.Root])
		}
		last[e.Thread.Root] = e.Order
	}
	w.clean()
}

// While the inbox fails nothing is lost, and it is all put when it is well again.
func TestPutIsTriedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, discordsim.Config{}, true)
	w.inbox.set(func() { w.inbox.broken = true })
	root := w.post(w.help, w.ann, "hello")
	w.inbox.until(t, "refusals", func() bool { return w.inbox.refused >= 2 })
	w.inbox.set(func() { w.inbox.broken = false })
	if ev := w.inbox.got(t, 1)[0]; ev.Thread.Root != root {
		t.Errorf("got %v", ev.Thread)
	}
	if strings.Contains(w.log.String(), "hello") {
		t.Error("a person's words are in the log")
	}
}

// More than fits: the line is closed resumably, nothing is lost, memory is bounded.
func TestSlowInboxClosesTheLine(t *testing.T) {
	t.Parallel()
	w := newWorld(t, discordsim.Config{NoLimits: true}, false)
	w.adapter.lanes.limit = 300
	w.run()
	w.inbox.last(t, 1)
	gate := make(chan struct{})
	w.inbox.set(func() { w.inbox.blocked = gate })
	post := w.id(w.sim.ForumPost(w.forum, w.ann, "flood", "start"))
	const n = 500
	for range n {
		w.post(post, w.ann, "drop")
	}
	if l := w.inbox.last(t, 2); l.State != bridge.LineDown {
		t.Errorf("line %+v", l)
	}
	w.inbox.set(func() { w.inbox.blocked = nil; close(gate) })
	evs := w.inbox.got(t, n+1)
	if !slices.IsSortedFunc(evs, func(a, b bridge.Event) int { return strings.Compare(a.Order, b.Order) }) {
		t.Error("not in order")
	}
	w.inbox.until(t, "resumed", func() bool { n, gaps := w.inbox.ups(); return n == 2 && gaps == 1 })
}

func TestPlainText(t *testing.T) {
	t.Parallel()
	a := bareAdapter(t)
	a.dir.bot.Store(42)
	a.dir.places.put(5, place{name: "help"})
	a.dir.learnRole(&role{ID: 6, Name: "team"})
	a.dir.botRoles.put(7, 42)
	for content, want := range map[string]string{
		"hello":                        "hello",
		"<@9> and <@!9> and <@8>":      "@Bob and @Bob and @8",
		"<@&6> <@&66>":                 "@team @66",
		"<#5> <#55>":                   "#help #55",
		"</agent:12> <id:customize>":   "/agent #customize",
		"<:wave:1> <a:dance:2>":        ":wave: :dance:",
		"<t:0> <t:0:t> <t:0:d>":        "1970-01-01 00:00 UTC 00:00 UTC 1970-01-01",
		"[here](https://x.example/a)":  "here (https://x.example/a)",
		"<https://x.example>":          "https://x.example",
		"a < b > c <@> <#> <t:x> `<3`": "a < b > c <@> <#> <t:x> `<3`",
	} {
		m := message{Content: content, Mentions: []user{{ID: 9, Username: "bob", Member: &member{Nick: "Bob"}}}}
		if got, mention := a.plainText(&m); got != want || mention {
			t.Errorf("%q: %q %v, want %q", content, got, mention, want)
		}
	}
	for _, content := range []string{"<@42> hi", "<@!42>hi", "hi <@&7>"} {
		if got, mention := a.plainText(&message{Content: content}); got != "hi" || !mention {
			t.Errorf("%q: %q %v", content, got, mention)
		}
	}
	if got, mention := a.plainText(&message{Content: "hi", Mentions: []user{{ID: 42}}}); got != "hi" || !mention {
		t.Errorf("a reply that pings: %q %v", got, mention)
	}
}

// A direct message that came while the adapter was away is found when the next one comes.
func TestDirectMessageMissed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, discordsim.Config{}, false)
	dm := w.sim.OpenDM(w.ann)
	w.post(dm, w.ann, "long ago", age(2*time.Hour))
	w.post(dm, w.ann, "missed", age(time.Minute))
	w.post(dm, w.ann, "missed too", age(time.Second))
	w.run()
	w.inbox.until(t, "the line", func() bool { n, _ := w.inbox.ups(); return n > 0 })
	w.post(dm, w.ann, "live")
	w.inbox.got(t, 3)
	w.post(dm, w.ann, "more")
	if got := bodies(w.inbox.got(t, 4)); !slices.Equal(got, []string{"missed", "missed too", "live", "more"}) {
		t.Errorf("got %q", got)
	}
	read := 0
	w.sim.View(func(v *discordsim.View) {
		for _, c := range v.Calls() {
			if c.Route == "GET /channels/{channel}/messages" {
				read++
			}
		}
	})
	if read != 1 {
		t.Errorf("read %d times", read)
	}
	w.clean()
}

func TestFileNames(t *testing.T) {
	t.Parallel()
	forwarded := func(what string) string { return `{"message_snapshots":[{"message":` + what + `}]}` }
	for raw, want := range map[string]string{
		`{"attachments":[{"filename":"a_b.png","title":"a b.png"},{"filename":"c.txt"},{}],"poll":{"question":{"text":"Tea?"}},"embeds":[{}]}`: "a b.png|c.txt|file|poll Tea?",
		`{"embeds":[{}]}`: "embed",
		forwarded(`{"attachments":[{"filename":"a.png"}],"sticker_items":[{"name":"Wave"}],"embeds":[{}]}`): "a.png|sticker Wave",
		forwarded(`{"embeds":[{}]}`):              "embed",
		forwarded(`{"components":[{"type":17}]}`): "forwarded message",
		forwarded(`null`):                         "forwarded message",
	} {
		var m message
		if err := decode([]byte(raw), &m); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(fileNames(&m, ""), "|"); got != want {
			t.Errorf("%s: %q, want %q", raw, got, want)
		}
	}
	preview := message{carried: carried{Embeds: []json.RawMessage{nil}}}
	if got := fileNames(&preview, "https://x"); got != nil {
		t.Errorf("a preview: %q", got)
	}
}

// BenchmarkReceive measures events a second from Discord to the inbox, with a commit of 2 ms for each Put.
func BenchmarkReceive(b *testing.B) {
	const threads = 200
	w := newWorld(b, discordsim.Config{NoLimits: true}, true)
	w.inbox.commit = 2 * time.Millisecond
	var ids []string
	for i := range threads {
		ids = append(ids, w.id(w.sim.ForumPost(w.forum, w.ann, fmt.Sprint(i), "start")))
	}
	w.inbox.got(b, threads)
	b.ResetTimer()
	for i := range b.N {
		w.post(ids[i%threads], w.ann, "words")
	}
	w.inbox.got(b, threads+b.N)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

func FuzzIncoming(f *testing.F) {
	for _, kind := range []string{"READY", "GUILD_CREATE", "MESSAGE_CREATE", "MESSAGE_UPDATE", "MESSAGE_DELETE_BULK", "THREAD_DELETE", "GUILD_DELETE", "THREAD_LIST_SYNC"} {
		f.Add(kind, []byte(`{"id":"5","ids":["1"],"channel_id":"6","guild_id":"11","type":0,"content":"<@42>","edited_timestamp":"2026-01-01T00:00:00Z","author":{"id":"7"},"roles":[null],"threads":[{"id":"6","type":11,"parent_id":"3"}]}`))
	}
	f.Fuzz(func(t *testing.T, kind string, data []byte) {
		if kind == "INTERACTION_CREATE" {
			t.Skip("makes calls")
		}
		a := bareAdapter(t)
		a.dir.places.put(6, place{guild: 11, parent: 3, kind: kindThread})
		in := newInbox()
		a.dispatched(t.Context(), in, dispatch{kind: kind, data: data})
		for i := range a.lanes.queues {
			for _, it := range a.lanes.take(i) {
				var at struct {
					Guild   snowflake `json:"guild_id"`
					Channel snowflake `json:"channel_id"`
				}
				_ = decode(it.data, &at)
				if _, known := a.dir.places.find(at.Channel); at.Guild != 0 && !known {
					continue // would be asked for
				}
				a.handle(t.Context(), in, []incoming{it})
			}
		}
		for _, ev := range in.events {
			if ev.ID == "" || ev.Thread.Adapter != "community" || len(ev.Order) != 20 {
				t.Errorf("event %+v", ev)
			}
		}
	})
}
