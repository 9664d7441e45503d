package bridgetest

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"
)

// Fault is what becomes of one call to a fake.
type Fault int

// The faults.
const (
	NoFault    Fault = iota
	Unreached        // the connection is refused: certainly not done, and it concerns the whole outside
	LostBefore       // the call is lost on its way: not done, and nobody can tell
	LostAfter        // the call is done, its answer is lost
	Hang             // not done and never answered: the call ends with its context
	HangAfter        // done and never answered
	Panic            // the fake panics, as an adapter with a defect would
)

func (f Fault) done() bool { return f == NoFault || f == LostAfter || f == HangAfter }

// errLost is the cause of what a call in doubt fails with.
var errLost = errors.New("connection reset")

// Dice deal faults from a seed. They are safe for concurrent use, but which call gets which fault depends on the order of
// the calls.
type Dice struct {
	mu   sync.Mutex
	rand *rand.Rand
}

// NewDice makes dice that fall the same way for the same seed.
func NewDice(seed uint64) *Dice { return &Dice{rand: rand.New(rand.NewPCG(seed, seed))} }

// Chance is true with the given probability.
func (d *Dice) Chance(p float64) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.rand.Float64() < p
}

// Below is a number from 0 to n-1.
func (d *Dice) Below(n int) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.rand.IntN(n)
}

// Fault is one of faults with probability p, else NoFault.
func (d *Dice) Fault(p float64, faults ...Fault) Fault {
	if !d.Chance(p) {
		return NoFault
	}
	return faults[d.Below(len(faults))]
}

// travel is the time a call takes. It fails when ctx ends before.
func travel(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
