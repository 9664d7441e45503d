package bridge

import (
	"context"
	"sync"
)

// queue runs work by key: a key that is woken runs soon, never twice at once, and once more if it was woken meanwhile.
// At most limit keys run at a time; nothing waits in a goroutine. It holds keys only: the work itself is in the store, so
// its bound is the number of threads with work.
type queue[K comparable] struct {
	limit int
	run   func(ctx context.Context, k K)

	mu      sync.Mutex
	ctx     context.Context // of Run, nil before and after: the life of the workers
	ready   []K
	state   map[K]keyState
	running int
	idle    chan struct{} // closed when stopped and nothing runs
}

type keyState int

const (
	keyReady keyState = iota + 1
	keyRunning
	keyAgain // running, and woken meanwhile
)

func newQueue[K comparable](limit int, run func(context.Context, K)) *queue[K] {
	return &queue[K]{limit: limit, run: run, state: map[K]keyState{}}
}

// wake makes k run. Any goroutine may call it, also before Run.
func (q *queue[K]) wake(k K) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch q.state[k] {
	case keyReady, keyAgain:
	case keyRunning:
		q.state[k] = keyAgain
	default:
		q.state[k] = keyReady
		q.ready = append(q.ready, k)
		q.spawn()
	}
}

// spawn starts a worker if one more may run. The caller holds mu.
func (q *queue[K]) spawn() {
	if q.ctx == nil || q.running >= q.limit || len(q.ready) == 0 {
		return
	}
	q.running++
	go q.work(q.ctx)
}

func (q *queue[K]) work(ctx context.Context) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.ctx != nil && len(q.ready) > 0 {
		k := q.ready[0]
		q.ready = q.ready[1:]
		q.state[k] = keyRunning
		q.mu.Unlock()
		q.run(ctx, k)
		q.mu.Lock()
		if q.state[k] == keyAgain {
			q.state[k] = keyReady
			q.ready = append(q.ready, k)
		} else {
			delete(q.state, k)
		}
	}
	q.running--
	if q.ctx == nil && q.running == 0 {
		close(q.idle)
	}
}

// Run lets keys run until stop ends, then waits for those that do. The work's own context is ctx.
func (q *queue[K]) Run(ctx context.Context, stop <-chan struct{}) {
	q.mu.Lock()
	q.ctx, q.idle = ctx, make(chan struct{})
	for range q.ready {
		q.spawn()
	}
	q.mu.Unlock()
	<-stop
	q.mu.Lock()
	q.ctx = nil
	if q.running == 0 {
		close(q.idle)
	}
	q.mu.Unlock()
	<-q.idle
}
