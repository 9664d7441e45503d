package bridge

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// Entries ring when they are due, in order, also those that are made while it runs and by what rings.
func TestClock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newClock()
		begin := time.Now()
		var rung []time.Duration
		ring := func(after time.Duration) {
			c.at(begin.Add(after), func() { rung = append(rung, time.Since(begin)) })
		}
		ring(3 * time.Hour) // longer than it ever sleeps
		ring(-time.Second)  // due already: rings at once
		stop, done := make(chan struct{}), make(chan struct{})
		go func() { defer close(done); c.Run(stop) }()
		ring(time.Minute)
		ring(time.Second)
		c.at(begin.Add(2*time.Second), func() {
			rung = append(rung, time.Since(begin))
			ring(5 * time.Second)
		})
		<-time.After(4 * time.Hour)
		close(stop)
		<-done
		want := []time.Duration{0, time.Second, 2 * time.Second, 5 * time.Second, time.Minute, 3 * time.Hour}
		if !slices.Equal(rung, want) {
			t.Errorf("rung after %v, want %v", rung, want)
		}
	})
}

// Whatever is set, in whatever order, rings in the order of time.
func TestClockOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := newClock()
		now := time.Now()
		var rung, want []int
		for _, n := range rapid.SliceOf(rapid.IntRange(1, 1000)).Draw(t, "before now") {
			c.at(now.Add(-time.Duration(n)*time.Millisecond), func() { rung = append(rung, -n) })
			want = append(want, -n)
		}
		if rest := c.ring(); rest != time.Hour {
			t.Fatalf("nothing is left, but it waits %s", rest)
		}
		slices.Sort(want)
		if !slices.Equal(rung, want) {
			t.Fatalf("rung %v, want %v", rung, want)
		}
	})
}

// What is due in a month costs no memory until then: the store knows it.
func TestFarOffTimersAreLeftToTheStore(t *testing.T) {
	t.Parallel()
	timers := newTimers(&Bridge{clock: newClock()})
	timers.set(ThreadKey{Root: "far"}, time.Now().Add(720*time.Hour))
	timers.set(ThreadKey{Root: "near"}, time.Now().Add(30*time.Second))
	if n, m := len(timers.rings), len(timers.b.clock.entries); n != 1 || m != 1 {
		t.Errorf("%d rings and %d entries are kept, want 1", n, m)
	}
}
