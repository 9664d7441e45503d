package bridge

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func lane(root string) laneKey { return laneKey{ThreadKey{Adapter: "acme", Root: root}, ToThread} }

func paced(t *testing.T, test func(turn func(root string) bool, o *outbox)) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := &outbox{b: &Bridge{clock: newClock()}, places: map[string]*place{}}
		test(func(root string) bool {
			o.mu.Lock()
			defer o.mu.Unlock()
			return o.turn(lane(root), "place", time.Second, 2, time.Now())
		}, o)
	})
}

// A place that was quiet takes a burst, then one post for each gap.
func TestTurnBurst(t *testing.T) {
	paced(t, func(turn func(string) bool, _ *outbox) {
		<-time.After(time.Minute)
		var went []bool
		for range 3 {
			went = append(went, turn("a"))
		}
		<-time.After(time.Second)
		went = append(went, turn("a"), turn("a"))
		if want := []bool{true, true, false, true, false}; !slices.Equal(went, want) {
			t.Errorf("went %v, want %v", went, want)
		}
	})
}

// Who waits goes in the order of asking; asking again changes nothing, and who leaves frees the turn.
func TestTurnOrder(t *testing.T) {
	paced(t, func(turn func(string) bool, o *outbox) {
		turn("a")
		turn("a")
		for _, root := range []string{"a", "b", "a", "c", "b"} {
			if turn(root) {
				t.Errorf("%s went before its time", root)
			}
		}
		<-time.After(time.Second)
		if turn("b") || turn("c") {
			t.Error("overtook")
		}
		if !turn("a") {
			t.Error("the first did not go")
		}
		<-time.After(time.Second)
		o.leave(lane("b"), "place")
		if turn("a") || !turn("c") {
			t.Error("the turn of who left did not go to the next")
		}
	})
}

// Places where nobody waits are forgotten.
func TestSweep(t *testing.T) {
	paced(t, func(turn func(string) bool, o *outbox) {
		turn("a")
		o.sweep()
		if len(o.places) != 1 {
			t.Error("forgot a place that is not free yet")
		}
		<-time.After(2 * time.Second)
		o.sweep()
		if len(o.places) != 0 {
			t.Error("keeps a free place")
		}
	})
}
