package bridge

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func parked(thread string, at time.Time) Incoming {
	return Incoming{Event: Event{ID: EventID(fmt.Sprint(thread, at.UnixNano())), Thread: ThreadKey{Root: thread}, Received: at}}
}

// What was put is given back once, in order, unless it is too old by then.
func TestParking(t *testing.T) {
	t.Parallel()
	p, now := newParking(), time.Now()
	for i := range 3 {
		p.put(parked("a", now.Add(time.Duration(i)*time.Second)))
	}
	p.put(parked("b", now.Add(overlap)))
	list := p.take(ThreadKey{Root: "a"})
	if len(list) != 3 || !list[0].Event.Received.Equal(now) || len(p.take(ThreadKey{Root: "a"})) != 0 {
		t.Fatalf("took %+v", list)
	}
	p.put(parked("c", now.Add(2*overlap+time.Second)))
	if list := p.take(ThreadKey{Root: "b"}); len(list) != 0 {
		t.Errorf("kept what is older than the overlap: %+v", list)
	}
}

// However it is used, the count is right and the bound holds: nothing is kept that the count does not know.
func TestParkingBound(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p, now := newParking(), time.Now()
		for range rapid.IntRange(0, 200).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 120).Draw(t, "seconds")) * time.Second)
			thread := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "thread")
			if rapid.Bool().Draw(t, "take") {
				p.take(ThreadKey{Root: thread})
			} else {
				p.put(parked(thread, now))
			}
			count := 0
			for key, list := range p.events {
				if count += len(list); len(list) == 0 {
					t.Fatalf("keeps an empty list for %v", key)
				}
			}
			if count != p.count {
				t.Fatalf("counts %d of %d", p.count, count)
			}
			if len(p.order) < len(p.events) {
				t.Fatalf("%d threads, %d in order", len(p.events), len(p.order))
			}
		}
	})
}

// A storm of answers to roots that never come takes bounded room.
func TestParkingStorm(t *testing.T) {
	t.Parallel()
	p, now := newParking(), time.Now()
	for i := range 3 * maxParked {
		p.put(parked(fmt.Sprint(i%(maxParked/2)), now))
	}
	if p.count > maxParked || len(p.order) > maxParked {
		t.Errorf("keeps %d events and %d threads", p.count, len(p.order))
	}
	before := len(p.order)
	for range 100 { // the same thread comes and goes
		p.put(parked("x", now))
		p.take(ThreadKey{Root: "x"})
	}
	if len(p.order) > before {
		t.Errorf("remembers %d threads in order, %d before", len(p.order), before)
	}
}
