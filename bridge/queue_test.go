package bridge

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// No key runs twice at once, no more than the limit run at once, and none that was woken is forgotten.
func TestQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const keys, limit = 20, 4
		var busy [keys]atomic.Int32
		var wanted, seen [keys]atomic.Int32 // the work there was at a wake, and that a run has seen
		var running atomic.Int32
		q := newQueue(limit, func(_ context.Context, k int) {
			if busy[k].Add(1) > 1 {
				t.Errorf("key %d runs twice at once", k)
			}
			if running.Add(1) > limit {
				t.Errorf("more than %d run", limit)
			}
			seen[k].Store(wanted[k].Load())
			<-time.After(time.Duration(k) * time.Millisecond)
			running.Add(-1)
			busy[k].Add(-1)
		})
		stop, done := make(chan struct{}), make(chan struct{})
		for k := range keys { // before Run
			wanted[k].Add(1)
			q.wake(k)
		}
		go func() { defer close(done); q.Run(t.Context(), stop) }()
		var group sync.WaitGroup
		for range 4 {
			group.Go(func() {
				for n := range 200 {
					k := n * 7 % keys
					wanted[k].Add(1)
					q.wake(k)
					<-time.After(time.Millisecond)
				}
			})
		}
		group.Wait()
		synctest.Wait()
		<-time.After(time.Second)
		for k := range keys {
			if seen[k].Load() != wanted[k].Load() {
				t.Errorf("key %d: work %d was never seen", k, wanted[k].Load())
			}
		}
		close(stop)
		<-done
	})
}

// A key that is woken while it runs runs once more, behind the others.
func TestQueueAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var ran []string
		var q *queue[string]
		q = newQueue(1, func(_ context.Context, k string) {
			ran = append(ran, k)
			if len(ran) == 1 {
				q.wake("a")
				q.wake("a")
				q.wake("b")
			}
		})
		stop, done := make(chan struct{}), make(chan struct{})
		go func() { defer close(done); q.Run(t.Context(), stop) }()
		q.wake("a")
		synctest.Wait()
		close(stop)
		<-done
		if want := []string{"a", "b", "a"}; !slices.Equal(ran, want) {
			t.Errorf("ran %v, want %v", ran, want)
		}
	})
}

// Stopping waits for what runs, and begins nothing more.
func TestQueueStop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var ran atomic.Int32
		q := newQueue(1, func(context.Context, int) {
			<-time.After(time.Minute)
			ran.Add(1)
		})
		stop := make(chan struct{})
		begin := time.Now()
		go func() {
			q.wake(1)
			q.wake(2)
			<-time.After(time.Second)
			close(stop)
		}()
		q.Run(t.Context(), stop)
		if took := time.Since(begin); took != time.Minute || ran.Load() != 1 {
			t.Errorf("returned after %s, %d ran", took, ran.Load())
		}
		q.wake(3) // after the end: nothing happens
	})
}
