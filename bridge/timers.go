package bridge

import (
	"context"
	"sync"
	"time"
)

// timers rings the threads whose session has a due timer. What this process stepped and is due soon it knows; for the rest
// it asks the store, which knows every due time.
type timers struct {
	b *Bridge

	mu    sync.Mutex
	rings map[ThreadKey]time.Time // the earliest ring that is coming, per thread
}

func newTimers(b *Bridge) *timers { return &timers{b: b, rings: map[ThreadKey]time.Time{}} }

// set has the thread stepped at due. An earlier ring that is coming serves as well: the step sets the next one. What is
// far off is left to the scans, so that memory does not grow with the threads there ever were.
func (t *timers) set(k ThreadKey, due time.Time) {
	if time.Until(due) > scanGap {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if at, ok := t.rings[k]; ok && !at.After(due) {
		return
	}
	t.rings[k] = due
	t.b.clock.at(due, func() {
		t.mu.Lock()
		if t.rings[k].Equal(due) {
			delete(t.rings, k)
		}
		t.mu.Unlock()
		t.b.steps.wake(k)
	})
}

const (
	scanBatch = 500         // due threads that are read at once
	scanGap   = time.Minute // between scans, at most
)

// scan wakes every thread that is due and comes again when the next one is.
func (t *timers) scan(ctx context.Context) (next time.Time) {
	now := time.Now()
	due, next, err := t.b.Store.DueBy(ctx, now, scanBatch)
	if err != nil {
		t.b.storeFailed("read due timers", err)
		return now.Add(storeRetry)
	}
	for _, r := range due {
		t.b.steps.wake(r.Key)
	}
	switch {
	case len(due) == scanBatch:
		return now.Add(storeRetry) // the rest, once these are stepped
	case next.IsZero() || next.After(now.Add(scanGap)):
		return now.Add(scanGap)
	}
	return next
}
