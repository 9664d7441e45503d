package slack

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"ccbridge/adapters/slack/slacksim"
	"ccbridge/bridge"
)

// bodies are the texts of the events, in the order they were put.
func (in *inbox) bodies() []string {
	in.mu.Lock()
	defer in.mu.Unlock()
	var out []string
	for _, ev := range in.events {
		if ev.Text != nil {
			out = append(out, ev.Text.Body)
		}
	}
	return out
}

func tsTime(t *testing.T, ts string) time.Time {
	t.Helper()
	at, err := parseTS(ts)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestCatchUpThread(t *testing.T) {
	t.Parallel()
	r, thread := quiet(t, slacksim.Config{NoLimits: true})
	r.post(t, say(ada, thread.Root, "old"))
	last := r.post(t, say(ada, thread.Root, "seen"))
	var want []string
	for i := range pageSize + 20 {
		want = append(want, fmt.Sprint("missed ", i))
		r.post(t, say(ada, thread.Root, want[i]))
		if i == 3 {
			r.send(t, "d", bridge.Message{Kind: bridge.MessageRobot, Text: "ours", Thread: thread})
		}
	}
	r.post(t, slacksim.Post{Channel: general, User: ada, ThreadTS: thread.Root, Text: "<@" + bot + "> look", Files: []slacksim.File{{ID: "F1", Name: "a.pdf"}}})
	if err := r.adapter.CatchUpThread(t.Context(), thread, tsTime(t, last), r.in); err != nil {
		t.Fatal(err)
	}
	if got := r.in.bodies(); !slices.Equal(got, append(want, "look")) || r.in.puts != 1 {
		t.Errorf("%d puts, texts %q", r.in.puts, got)
	}
	ev := r.in.events[len(r.in.events)-1]
	if !ev.Text.Mention || !slices.Equal(ev.Text.Files, []string{"a.pdf"}) || ev.Text.Author.Name != "Ada" || ev.Thread != thread {
		t.Errorf("event %+v %+v", ev, ev.Text)
	}
}

// Slack may give much less on a page than it was asked for.
func TestCatchUpThroughSmallPages(t *testing.T) {
	t.Parallel()
	r, thread := quiet(t, slacksim.Config{NoLimits: true, PageSize: 1})
	since := time.Now().Add(-time.Minute)
	for i := range 60 {
		r.post(t, say(ada, thread.Root, fmt.Sprint("missed ", i)))
	}
	if err := r.adapter.CatchUpThread(t.Context(), thread, since, r.in); err != nil || len(r.in.events) != 61 {
		t.Errorf("%d events, %v", len(r.in.events), err)
	}
	r.in.events = nil
	if err := r.adapter.CatchUpChannel(t.Context(), general, since, r.in); err != nil || len(r.in.events) != 61 {
		t.Errorf("channel: %d events, %v", len(r.in.events), err)
	}
}

// A message that comes live and by catch-up has one id.
func TestCatchUpHasTheIDsOfLiveEvents(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Config{}, nil)
	began := time.Now().Add(-time.Second)
	root := r.post(t, say(ada, "", "root"))
	r.post(t, say(ada, root, "reply"))
	dm := r.sim.OpenDM(ada)
	r.post(t, slacksim.Post{Channel: dm, User: ada, Text: "direct"})
	r.in.event(t, 3)
	live := ids(r.in.all())
	caught := newInbox()
	for _, channel := range []string{general, "*", "dm", dm} {
		if err := r.adapter.CatchUpChannel(t.Context(), channel, began, caught); err != nil {
			t.Fatal(err)
		}
	}
	got := ids(caught.events)
	slices.Sort(live)
	slices.Sort(got)
	if got = slices.Compact(got); !slices.Equal(got, live) {
		t.Errorf("caught up %v, live %v", got, live)
	}
	if err := r.sim.Delete(general, root); err != nil {
		t.Fatal(err)
	}
	gone := r.in.event(t, 4)
	if err := r.adapter.CatchUpThread(t.Context(), key(general, root), began, caught); err != nil {
		t.Fatal(err)
	}
	if ev := caught.events[len(caught.events)-1]; ev.ID != gone.ID || ev.Gone == nil || ev.Thread != gone.Thread {
		t.Errorf("caught up %+v, live %+v", ev, gone)
	}
}

// A new root and its replies share a Put; a mention in an old thread is found too.
func TestCatchUpChannel(t *testing.T) {
	t.Parallel()
	r, old := quiet(t, slacksim.Config{NoLimits: true})
	r.post(t, say(ada, old.Root, "seen"))
	since := r.post(t, say(bob, "", "seen too"))
	r.post(t, say(ada, old.Root, "<@"+bot+"> mention"))
	root := r.post(t, say(ada, "", "new root"))
	r.post(t, say(ada, root, "reply"))
	var last []bridge.Event
	r.in.put = func(evs []bridge.Event) { last = evs }
	if err := r.adapter.CatchUpChannel(t.Context(), general, tsTime(t, since), r.in); err != nil {
		t.Fatal(err)
	}
	if got := r.in.bodies(); !slices.Equal(got, []string{"mention", "new root", "reply"}) {
		t.Errorf("texts %q", got)
	}
	if n := len(last); n < 2 || last[n-2].Text.Body != "new root" || last[n-1].Text.Body != "reply" {
		t.Errorf("last put %+v", last)
	}
}

// No right to read is an error, also for one channel among many; the others are read.
func TestCatchUpWithoutRights(t *testing.T) {
	t.Parallel()
	began := time.Now().Add(-time.Second)
	r, thread := quiet(t, slacksim.Config{})
	r.sim.AddChannel(slacksim.Channel{ID: "C0SECOND"})
	r.post(t, slacksim.Post{Channel: "C0SECOND", User: ada, Text: "there"})
	r.sim.Inject(slacksim.Fault{Method: "conversations.history", Channel: general, Body: `{"ok":false,"error":"missing_scope"}`})
	if err := r.adapter.CatchUpChannel(t.Context(), "*", began, r.in); err == nil {
		t.Error("no error")
	}
	if got := r.in.bodies(); !slices.Equal(got, []string{"there"}) {
		t.Errorf("texts %q", got)
	}
	r.sim.SetScopes("chat:write")
	for _, err := range []error{
		r.adapter.CatchUpThread(t.Context(), thread, began, r.in),
		r.adapter.CatchUpChannel(t.Context(), general, began, r.in),
		r.adapter.CatchUpChannel(t.Context(), "dm", began, r.in),
	} {
		if err == nil {
			t.Error("no error")
		}
	}
}

// A young root that the history does not show yet is not gone.
func TestLaggingHistoryIsNoDeletion(t *testing.T) {
	t.Parallel()
	r, thread := quiet(t, slacksim.Config{})
	r.sim.SetReadLag(time.Hour)
	if err := r.adapter.CatchUpThread(t.Context(), thread, time.Now().Add(-time.Minute), r.in); err == nil || len(r.in.all()) != 0 {
		t.Errorf("error %v, events %+v", err, r.in.events)
	}
	old := key(general, "1700000000.000001") // never was, so was deleted
	if err := r.adapter.CatchUpThread(t.Context(), old, time.Now(), r.in); err != nil || len(r.in.all()) != 1 || r.in.events[0].Gone == nil {
		t.Errorf("error %v, events %+v", err, r.in.events)
	}
}

func TestCatchUpWaitsForLimits(t *testing.T) {
	t.Parallel()
	r, thread := quiet(t, slacksim.Config{})
	r.sim.Inject(slacksim.Fault{Method: "conversations.replies", Status: 429, Header: map[string]string{"Retry-After": "1"}})
	began := time.Now()
	if err := r.adapter.CatchUpThread(t.Context(), thread, began.Add(-time.Minute), r.in); err != nil {
		t.Fatal(err)
	}
	if d := time.Since(began); d < time.Second || len(r.in.all()) != 1 {
		t.Errorf("%d events after %v", len(r.in.all()), d)
	}
	r.sim.Inject(slacksim.Fault{Method: "conversations.replies", Status: 429, Header: map[string]string{"Retry-After": "600"}})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := r.adapter.CatchUpThread(ctx, thread, began, r.in); err == nil {
		t.Error("no error when the time was over")
	}
}
