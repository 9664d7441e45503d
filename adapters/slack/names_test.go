package slack

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/slack-go/slack"

	"ccbridge/adapters/slack/slacksim"
)

func TestDirectory(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		answers := map[string]string{"U1": "Ada"}
		asked := 0
		d := newDirectory(func(_ context.Context, id string) (string, error) {
			asked++
			if name := answers[id]; name != "" {
				return name, nil
			}
			return "", errors.New("user_not_found")
		})
		want := func(id, name string, asks int) {
			t.Helper()
			if got := d.name(t.Context(), id); got != name || asked != asks {
				t.Errorf("%s is %q after %d look-ups, want %q after %d", id, got, asked, name, asks)
			}
		}
		want("U1", "Ada", 1)
		want("U1", "Ada", 1)
		want("U2", "", 2)
		want("U2", "", 2) // not asked again for a while
		<-time.After(noNameLife + time.Second)
		want("U2", "", 3)
		<-time.After(nameLife)
		answers["U1"] = ""
		want("U1", "Ada", 4) // an old name is better than none
		for i := range directorySize + 5 {
			d.keep(fmt.Sprint(i), "x", nameLife)
		}
		if n := len(d.names); n > directorySize {
			t.Errorf("%d names", n)
		}
	})
}

// Look-ups are few at once, and a slow one holds nobody up for longer than ctx.
func TestDirectoryIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var now, most atomic.Int32
		d := newDirectory(func(ctx context.Context, _ string) (string, error) {
			most.Store(max(most.Load(), now.Add(1)))
			defer now.Add(-1)
			<-ctx.Done()
			return "", ctx.Err()
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		var wg sync.WaitGroup
		for i := range 50 {
			wg.Go(func() { d.name(ctx, fmt.Sprint(i)) })
		}
		wg.Wait()
		if d := time.Since(began); d != time.Second || most.Load() != directoryLookup {
			t.Errorf("%v, %d at once", d, most.Load())
		}
	})
}

// Callers of one method wait together; the patient try again, the others hear how long.
func TestPauses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPauses()
		calls := 0
		f := func() error {
			if calls++; calls == 1 {
				return &slack.RateLimitedError{RetryAfter: 10 * time.Second}
			}
			return nil
		}
		began := time.Now()
		if err := p.call(t.Context(), "m", false, f); retryAfter(err) != 10*time.Second {
			t.Errorf("error %v", err)
		}
		<-time.After(4 * time.Second)
		if err := p.call(t.Context(), "m", false, f); retryAfter(err) != 6*time.Second || calls != 1 {
			t.Errorf("error %v after %d calls", err, calls)
		}
		if err := p.call(t.Context(), "other", false, func() error { return nil }); err != nil {
			t.Errorf("error %v", err)
		}
		if err := p.call(t.Context(), "m", true, f); err != nil || time.Since(began) != 10*time.Second || calls != 2 {
			t.Errorf("error %v after %v and %d calls", err, time.Since(began), calls)
		}
	})
}

func TestRecentForgetsTheOldest(t *testing.T) {
	t.Parallel()
	r := newRecent[int](3)
	for i := range 5 {
		r.add(i)
		r.add(i)
	}
	for i := range 5 {
		if r.has(i) != (i >= 2) {
			t.Errorf("%d: %v", i, r.has(i))
		}
	}
}

// A limit on users.info costs names, not messages.
func TestMessagesWithoutNames(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Config{}, nil)
	r.sim.Inject(slacksim.Fault{Method: "users.info", Status: 429, Header: map[string]string{"Retry-After": "600"}, Times: -1})
	for range 20 {
		r.post(t, say(ada, "", "<@"+bob+"> hello"))
	}
	ev := r.in.event(t, 20)
	if ev.Text.Author.Name != ada || ev.Text.Body != "@"+bob+" hello" {
		t.Errorf("text %+v", ev.Text)
	}
	if n := len(r.sim.Calls("users.info")); n > directoryLookup {
		t.Errorf("%d look-ups", n)
	}
}
