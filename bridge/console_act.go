package bridge

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"
)

// console is a Console over a store, and over the bridge that works on it, if one does.
type console struct {
	ConsoleStore
	store Store
	live  *Bridge // nil: stopped
}

var _ Console = console{}

// Offline is the Console of a store on which no bridge works. What is asked for is done after the next start.
func Offline(s Store) Console { return console{ConsoleStore: s, store: s} }

// Console is the bridge's console.
func (b *Bridge) Console() Console { return console{ConsoleStore: b.Store, store: b.Store, live: b} }

// asked is the event of what an operator asks.
func asked(t ThreadKey, v Verb) Event {
	now := time.Now()
	v.Operator = true
	return Event{ID: EventID("op:" + rand.Text()), Thread: t, At: now, Received: now, Verb: &v}
}

// wake has the bridge work on a thread, if there is one.
func (c console) wake(t ThreadKey) {
	if c.live != nil {
		c.live.steps.wake(t)
	}
}

// WaitsInQueue is the Detail of a TraceStep of an event that is not worked yet.
const WaitsInQueue = "in the queue"

// Trace implements Console. The store cannot know which threads are catching up.
func (c console) Trace(ctx context.Context, l Link) ([]Trace, error) {
	traces, err := c.store.Trace(ctx, l)
	if c.live == nil || err != nil {
		return traces, err
	}
	for _, t := range traces {
		for i, s := range t.Steps {
			if s.Detail == WaitsInQueue && c.live.catchup.holds(t.Thread) {
				t.Steps[i].Detail += ": the thread is catching up"
			}
		}
	}
	return traces, nil
}

// End implements Console.
func (c console) End(ctx context.Context, t ThreadID) error {
	s, err := c.store.Session(ctx, t)
	if err != nil {
		return err
	}
	if !s.State.Open() {
		return fmt.Errorf("end the session of thread %s: %w", t, ErrNoThread)
	}
	became, err := c.store.Ingest(ctx, []Incoming{{Event: asked(s.Thread, Verb{Kind: VerbEnd}), Session: s.No}})
	if err != nil {
		return fmt.Errorf("end the session of thread %s: %w", t, err)
	}
	if became[0] == NoThread { // it ended meanwhile
		return fmt.Errorf("end the session of thread %s: %w", t, ErrNoThread)
	}
	c.wake(s.Thread)
	return nil
}

// Resend implements Console.
func (c console) Resend(ctx context.Context, id DeadID) error {
	return c.undead(ctx, "resend", id, func(d DeadLetter, inSession bool) Undeath {
		v := Verb{Kind: VerbResend, Ref: d.Ref}
		if !inSession {
			v = Verb{Kind: VerbResend, Letter: &d}
		}
		ev := asked(d.Thread, v)
		return Undeath{Event: &ev, Unmark: !inSession} // the session itself tells when it has sent its own
	})
}

// Drop implements Console.
func (c console) Drop(ctx context.Context, id DeadID) error {
	return c.undead(ctx, "drop", id, func(d DeadLetter, inSession bool) Undeath {
		if !inSession {
			return Undeath{Unmark: true}
		}
		ev := asked(d.Thread, Verb{Kind: VerbDrop, Ref: d.Ref})
		return Undeath{Event: &ev, Unmark: true}
	})
}

func (c console) undead(ctx context.Context, doing string, id DeadID, decide func(DeadLetter, bool) Undeath) error {
	t, err := c.store.Undead(ctx, id, decide)
	if err != nil {
		return fmt.Errorf("%s dead letter %s: %w", doing, id, err)
	}
	c.wake(t)
	return nil
}
