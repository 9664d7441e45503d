package bridge

import (
	"sync"
	"time"
)

// arriving counts what platforms have sent for each thread and is being stored. Over several lines their events overtake
// each other by fractions of a millisecond: a step that waits for what is just arriving sees them together, and can put
// them into the platform's order.
type arriving struct {
	wake func(ThreadKey)

	mu      sync.Mutex
	threads map[ThreadKey]*arrivals
}

type arrivals struct {
	count int
	until time.Time // a step waits for them, no longer than that; zero: none does
}

// maxArrival is how long a step waits at most: in a busy thread something arrives all the time.
const maxArrival = 50 * time.Millisecond

func newArriving(wake func(ThreadKey)) *arriving {
	return &arriving{wake: wake, threads: map[ThreadKey]*arrivals{}}
}

// begin notes that events are about to be stored.
func (a *arriving) begin(list []Incoming) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, in := range list {
		if in.Event.Order == "" {
			continue
		}
		t := a.threads[in.Event.Thread]
		if t == nil {
			t = &arrivals{}
			a.threads[in.Event.Thread] = t
		}
		t.count++
	}
}

// end notes that they are stored, or could not be.
func (a *arriving) end(list []Incoming) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, in := range list {
		if in.Event.Order == "" {
			continue
		}
		t := a.threads[in.Event.Thread]
		t.count--
		switch {
		case !t.until.IsZero():
			a.wake(in.Event.Thread)
		case t.count == 0:
			delete(a.threads, in.Event.Thread)
		}
	}
}

// await says until when a step should wait for what is arriving; zero: not at all. It is woken sooner if it arrived.
func (a *arriving) await(thread ThreadKey) (until time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	t := a.threads[thread]
	now := time.Now()
	switch {
	case t == nil:
	case t.count == 0:
		delete(a.threads, thread)
	case t.until.IsZero():
		t.until = now.Add(maxArrival)
		return t.until
	case now.Before(t.until):
		return t.until
	default:
		t.until = time.Time{}
	}
	return time.Time{}
}
