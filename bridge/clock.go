package bridge

import (
	"container/heap"
	"sync"
	"time"
)

// clock is one heap of due times with one timer. What is due runs in the clock's goroutine and must not block.
type clock struct {
	mu      sync.Mutex
	entries dueHeap
	changed chan struct{} // the earliest entry is another one
}

type dueEntry struct {
	at time.Time
	do func()
}

func newClock() *clock { return &clock{changed: make(chan struct{}, 1)} }

// at has do called when t has come.
func (c *clock) at(t time.Time, do func()) {
	c.mu.Lock()
	heap.Push(&c.entries, dueEntry{t, do})
	first := c.entries[0].at.Equal(t)
	c.mu.Unlock()
	if first {
		select {
		case c.changed <- struct{}{}:
		default:
		}
	}
}

// Run rings until stop ends.
func (c *clock) Run(stop <-chan struct{}) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		timer.Reset(c.ring())
		select {
		case <-stop:
			return
		case <-c.changed:
		case <-timer.C:
		}
	}
}

// ring calls what is due and says how long nothing will be.
func (c *clock) ring() time.Duration {
	for {
		c.mu.Lock()
		if len(c.entries) == 0 {
			c.mu.Unlock()
			return time.Hour
		}
		if wait := time.Until(c.entries[0].at); wait > 0 {
			c.mu.Unlock()
			return wait
		}
		e := heap.Pop(&c.entries).(dueEntry)
		c.mu.Unlock()
		e.do()
	}
}

type dueHeap []dueEntry

func (h dueHeap) Len() int           { return len(h) }
func (h dueHeap) Less(i, j int) bool { return h[i].at.Before(h[j].at) }
func (h dueHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *dueHeap) Push(x any)        { *h = append(*h, x.(dueEntry)) }
func (h *dueHeap) Pop() any {
	old := *h
	e := old[len(old)-1]
	old[len(old)-1] = dueEntry{}
	*h = old[:len(old)-1]
	return e
}
