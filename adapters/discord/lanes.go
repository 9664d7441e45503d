package discord

import (
	"context"
	"sync"
	"time"
)

const (
	// laneCount is how many Puts may be under way at once.
	laneCount = 64
	// maxWaiting events may wait for the inbox; beyond, the gateway is made to wait and then closed resumably.
	maxWaiting = 8192
	// maxBatch events go into one Put.
	maxBatch = 200
)

// lanes keep the order of each thread while threads do not wait for each other: events of a thread share a lane, and
// each lane has one worker.
type lanes struct {
	queues  []laneQueue
	limit   int // items that may wait
	mu      sync.Mutex
	waiting int
	changed chan struct{} // closed and renewed whenever waiting falls
}

type laneQueue struct {
	mu     sync.Mutex
	items  []incoming
	signal chan struct{} // there may be items
}

func newLanes(limit int) *lanes {
	l := &lanes{queues: make([]laneQueue, laneCount), limit: limit, changed: make(chan struct{})}
	for i := range l.queues {
		l.queues[i].signal = make(chan struct{}, 1)
	}
	return l
}

// push appends it to the lane of key. It never blocks: whoever reads the gateway asks room first.
func (l *lanes) push(key snowflake, it incoming) {
	l.mu.Lock()
	l.waiting++
	l.mu.Unlock()
	q := &l.queues[uint64(key>>22^key)%laneCount]
	q.mu.Lock()
	q.items = append(q.items, it)
	q.mu.Unlock()
	select {
	case q.signal <- struct{}{}:
	default:
	}
}

// take removes at most maxBatch items of lane i, the oldest first.
func (l *lanes) take(i int) []incoming {
	q := &l.queues[i]
	q.mu.Lock()
	defer q.mu.Unlock()
	n := min(len(q.items), maxBatch)
	batch := q.items[:n:n]
	q.items = q.items[n:]
	if len(q.items) == 0 {
		q.items = nil
	}
	return batch
}

// done says that n taken items are stored.
func (l *lanes) done(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting -= n
	close(l.changed)
	l.changed = make(chan struct{})
}

// below waits until at most limit items wait; false if ctx ended before.
func (l *lanes) below(ctx context.Context, limit int) bool {
	for {
		l.mu.Lock()
		ok, changed := l.waiting <= limit, l.changed
		l.mu.Unlock()
		if ok {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-changed:
		}
	}
}

// room waits until one more item is welcome; false if that takes longer than patience.
func (l *lanes) room(ctx context.Context, patience time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return l.below(ctx, l.limit)
}

// drained waits until a new connection makes sense.
func (l *lanes) drained(ctx context.Context) bool { return l.below(ctx, l.limit/2) }

// work serves all lanes until ctx ends, then what is still in them once more, and returns when every worker has.
func (l *lanes) work(ctx context.Context, handle func(context.Context, []incoming)) {
	var workers sync.WaitGroup
	for i := range l.queues {
		workers.Go(func() {
			for ctx.Err() == nil {
				select {
				case <-l.queues[i].signal:
				case <-ctx.Done():
				}
				l.drain(ctx, i, handle)
			}
		})
	}
	workers.Wait()
}

func (l *lanes) drain(ctx context.Context, i int, handle func(context.Context, []incoming)) {
	for {
		batch := l.take(i)
		if len(batch) == 0 {
			return
		}
		handle(ctx, batch)
		l.done(len(batch))
	}
}
