package discord

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"ccbridge/adapters/discord/discordsim"
	"ccbridge/bridge"
)

func age(d time.Duration) discordsim.Extra { return discordsim.Extra{Age: d} }

func bodies(evs []bridge.Event) (out []string) {
	for _, e := range evs {
		out = append(out, e.Text.Body)
	}
	return out
}

func TestCatchUpThread(t *testing.T) {
	t.Parallel()
	w := newWorld(t, discordsim.Config{NoLimits: true}, false)
	key := w.key(w.forum, w.id(w.sim.ForumPost(w.forum, w.ann, "t", "start", age(time.Hour))))
	w.post(key.Root, w.ann, "old", age(30*time.Minute))
	var want []string
	for i := range 250 { // three pages
		want = append(want, fmt.Sprint(i))
		w.post(key.Root, w.ann, want[i], age(10*time.Minute-time.Duration(i)*time.Second))
	}
	w.ok(w.adapter.CatchUpThread(t.Context(), key, time.Now().Add(-20*time.Minute), w.inbox))
	evs := w.inbox.got(t, len(want))
	if got := bodies(evs); !slices.Equal(got, want) {
		t.Errorf("got %d: %q", len(got), got)
	}
	if len(w.inbox.puts) != 1 || evs[0].Thread != key || evs[0].Text.Author.Roles == nil || evs[0].Text.Author.Name != "Annie" {
		t.Errorf("%d puts, first %+v by %+v", len(w.inbox.puts), evs[0], evs[0].Text.Author)
	}
	// Exactly since is not after since.
	fresh := newInbox()
	w.ok(w.adapter.CatchUpThread(t.Context(), key, evs[len(evs)-1].At, fresh))
	if len(fresh.events) != 0 {
		t.Errorf("put again: %q", bodies(fresh.events))
	}
	w.clean()
}

func TestCatchUpWithoutHistory(t *testing.T) {
	t.Parallel()
	w := newWorld(t, discordsim.Config{NoLimits: true}, false)
	since := time.Now().Add(-time.Hour)
	empty := w.sim.AddChannel(w.guild, "", discordsim.Text)
	if err := w.adapter.CatchUpChannel(t.Context(), empty, since, w.inbox); err != nil {
		t.Errorf("a channel without messages: %v", err)
	}
	root := w.post(w.help, w.ann, "words")
	thread := w.id(w.sim.StartThread(w.help, w.ann, discordsim.NewThread{Name: "n", From: root}))
	w.post(thread, w.ann, "more")
	w.ok(w.sim.SetPermissions(w.help, discordsim.DefaultPermissions&^discordsim.ReadHistory))
	err1 := w.adapter.CatchUpChannel(t.Context(), w.help, since, w.inbox)
	err2 := w.adapter.CatchUpThread(t.Context(), w.key(w.help, root), since, w.inbox)
	for _, err := range []error{err1, err2} {
		if !errors.Is(err, errHistory) && !hasStatus(err, 403) {
			t.Errorf("no right to read, but %v", err)
		}
	}
	w.ok(w.sim.SetPermissions(w.help, 0))
	if err := w.adapter.CatchUpThread(t.Context(), w.key(w.help, root), since, w.inbox); !hasStatus(err, 403) {
		t.Errorf("no access, but %v", err)
	}
	if err := w.adapter.CatchUpChannel(t.Context(), "*", since, w.inbox); err != nil {
		t.Errorf("a hidden channel is no fault of *: %v", err)
	}
}

func TestCatchUpMissingThread(t *testing.T) {
	t.Parallel()
	w := newWorld(t, discordsim.Config{}, false)
	since := time.Now().Add(-time.Hour)
	unmade := w.post(w.help, w.ann, "no thread yet")
	w.ok(w.adapter.CatchUpThread(t.Context(), w.key(w.help, unmade), since, w.inbox))
	if len(w.inbox.events) != 0 {
		t.Errorf("a thread not made yet: %+v", w.inbox.events)
	}
	deleted := w.id(w.sim.ForumPost(w.forum, w.ann, "t", "x"))
	w.ok(w.sim.Remove(deleted), w.adapter.CatchUpThread(t.Context(), w.key(w.forum, deleted), since, w.inbox))
	if evs := w.inbox.events; len(evs) != 1 || evs[0].Gone == nil || evs[0].ID != bridge.EventID("community/g:"+deleted) {
		t.Errorf("a deleted thread: %+v", evs)
	}
}

func TestCatchUpChannel(t *testing.T) {
	t.Parallel()
	w := newWorld(t, discordsim.Config{NoLimits: true}, false)
	w.post(w.help, w.ann, "long ago", age(2*time.Hour))
	// A thread begun before, in which somebody mentions the bot now.
	before := w.id(w.sim.StartThread(w.help, w.ann, discordsim.NewThread{Name: "before", Age: 3 * time.Hour}))
	w.post(before, w.ann, "chatter", age(30*time.Minute))
	w.post(before, w.ann, "<@"+simBot+"> help", age(20*time.Minute))
	w.post(before, w.ann, "please", age(19*time.Minute))
	// One without a mention: if it is of an ended session, what is written in it is not lost.
	quiet := w.id(w.sim.StartThread(w.help, w.ann, discordsim.NewThread{Name: "quiet", Age: 3 * time.Hour}))
	w.post(quiet, w.ann, "nothing for us", age(15*time.Minute))
	// New roots, one with a thread of its own.
	first := w.post(w.help, w.ann, "first", age(10*time.Minute))
	second := w.post(w.help, w.ann, "second", age(9*time.Minute))
	w.id(w.sim.StartThread(w.help, w.ann, discordsim.NewThread{Name: "second", From: second}))
	w.post(second, w.ann, "second, more", age(8*time.Minute))
	w.ok(w.sim.Archive(before))

	w.ok(w.adapter.CatchUpChannel(t.Context(), w.help, time.Now().Add(-time.Hour), w.inbox))
	got := map[string][]string{}
	for _, e := range w.inbox.events {
		got[e.Thread.Root] = append(got[e.Thread.Root], e.Text.Body)
		if top := e.Text.TopLevel; top != (string(e.Text.Message) == e.Thread.Root) || top != e.Text.Make {
			t.Errorf("%+v", *e.Text)
		}
	}
	want := map[string][]string{
		before: {"chatter", "help", "please"}, quiet: {"nothing for us"},
		first: {"first"}, second: {"second", "second, more"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for _, put := range w.inbox.puts {
		if slices.Contains(put, bridge.EventID("community/m:"+w.help+":"+second)) && len(put) != 2 {
			t.Errorf("root and replies are not in one Put: %v", put)
		}
	}
	w.clean()
}

// A thread that cannot be read is told, and the others are read.
func TestCatchUpPastAFault(t *testing.T) {
	t.Parallel()
	w := newWorld(t, discordsim.Config{NoLimits: true}, false)
	for _, name := range []string{"one", "two"} {
		root := w.post(w.help, w.ann, name)
		w.id(w.sim.StartThread(w.help, w.ann, discordsim.NewThread{Name: name, From: root}))
	}
	post := w.id(w.sim.ForumPost(w.forum, w.ann, "t", "three"))
	w.id(w.sim.ForumPost(w.forum, w.ann, "t", "four"))
	broken := discordsim.Fault{Route: "GET /channels/{channel}/messages", Skip: 1, Status: 500, Body: "{}"}
	w.sim.Fail(broken)
	if err := w.adapter.CatchUpChannel(t.Context(), w.help, time.Now().Add(-time.Hour), w.inbox); !hasStatus(err, 500) {
		t.Errorf("text channel: %v", err)
	}
	broken.Skip = 0
	w.sim.Fail(broken)
	if err := w.adapter.CatchUpChannel(t.Context(), w.forum, time.Now().Add(-time.Hour), w.inbox); !hasStatus(err, 500) || !strings.Contains(err.Error(), post) {
		t.Errorf("forum: %v", err)
	}
	if got := bodies(w.inbox.events); !slices.Equal(got, []string{"two", "four"}) {
		t.Errorf("got %q", got)
	}
	w.clean()
}

func TestCatchUpForumAndEverything(t *testing.T) {
	t.Parallel()
	w := newWorld(t, discordsim.Config{NoLimits: true}, false)
	post := w.id(w.sim.ForumPost(w.forum, w.ann, "t", "first"))
	w.post(post, w.ann, "second")
	root := w.post(w.help, w.ann, "elsewhere")
	w.ok(w.adapter.CatchUpChannel(t.Context(), "*", time.Now().Add(-time.Hour), w.inbox))
	if len(w.inbox.events) != 3 {
		t.Fatalf("%d events", len(w.inbox.events))
	}
	for _, e := range w.inbox.events {
		key, top, make := w.key(w.forum, post), e.Text.Body == "first", false
		if e.Text.Body == "elsewhere" {
			key, top, make = w.key(w.help, root), true, true
		}
		if e.Thread != key || e.Text.TopLevel != top || e.Text.Make != make {
			t.Errorf("%+v in %v", *e.Text, e.Thread)
		}
	}
	w.ok(w.adapter.CatchUpChannel(t.Context(), "dm", time.Now(), w.inbox))
	for _, channel := range []string{"", "x", "123"} {
		if err := w.adapter.CatchUpChannel(t.Context(), channel, time.Now(), w.inbox); err == nil {
			t.Errorf("channel %q: no error", channel)
		}
	}
}

// Live and caught up, an event is the same, and limits are waited for.
func TestCatchUpRepeatsLiveEvents(t *testing.T) {
	t.Parallel()
	w := newWorld(t, discordsim.Config{}, true)
	w.post(w.help, w.ann, "words")
	live := w.inbox.got(t, 1)[0]
	w.sim.Fail(discordsim.Fault{Route: "GET /channels/{channel}/messages", Status: 429, Body: `{"message":"x","retry_after":0.2,"global":false}`})
	w.ok(w.adapter.CatchUpChannel(t.Context(), w.help, time.Now().Add(-time.Hour), w.inbox))
	w.inbox.until(t, "the same event", func() bool { return len(w.inbox.events) == 1 && w.inbox.seen[live.ID] == 2 })
	w.clean()
}

func TestCatchUpNotStored(t *testing.T) {
	t.Parallel()
	w := newWorld(t, discordsim.Config{}, false)
	w.post(w.help, w.ann, "words")
	w.inbox.broken = true
	if err := w.adapter.CatchUpChannel(t.Context(), w.help, time.Now().Add(-time.Hour), w.inbox); err == nil {
		t.Error("nothing is stored, and no error")
	}
}
