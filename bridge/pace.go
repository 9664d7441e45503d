package bridge

import (
	"slices"
	"time"
)

// place is what shares one limit: a Slack channel, a Discord thread. Its lanes take turns.
type place struct {
	next   time.Time // when the next post may go
	rested time.Time // when a whole burst may go again: then the place can be forgotten
	asked  time.Time // until when the platform asked to wait
	turns  []laneKey // who waits, in order
	ringed time.Time // when the first of them will be woken
}

// turn asks whether lane k may post now to its place. If not it stands in the line and is woken when its turn has come.
// The caller holds o.mu.
func (o *outbox) turn(k laneKey, name string, gap time.Duration, burst int, now time.Time) bool {
	p := o.places[name]
	if p == nil {
		p = &place{}
		o.places[name] = p
	}
	first := len(p.turns) == 0 || p.turns[0] == k
	if first && !now.Before(p.next) {
		p.turns = slices.DeleteFunc(p.turns, func(w laneKey) bool { return w == k })
		earliest := now.Add(-time.Duration(max(burst, 1)-1) * gap)
		if p.next.Before(earliest) {
			p.next = earliest
		}
		p.next = p.next.Add(gap)
		p.rested = p.next.Add(now.Sub(earliest))
		o.ringPlace(name, p)
		return true
	}
	if !slices.Contains(p.turns, k) {
		p.turns = append(p.turns, k)
	}
	o.ringPlace(name, p)
	return false
}

// leave takes a lane that has nothing to post out of the line.
func (o *outbox) leave(k laneKey, name string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if p := o.places[name]; p != nil && slices.Contains(p.turns, k) {
		p.turns = slices.DeleteFunc(p.turns, func(w laneKey) bool { return w == k })
		o.ringPlace(name, p)
	}
}

// ringPlace has the first in the line woken when the place is free. The caller holds o.mu.
func (o *outbox) ringPlace(name string, p *place) {
	if len(p.turns) == 0 {
		if !p.rested.After(time.Now()) {
			delete(o.places, name)
		}
		return
	}
	if p.ringed.Equal(p.next) && !p.ringed.IsZero() {
		return
	}
	p.ringed = p.next
	o.b.clock.at(p.next, func() {
		o.mu.Lock()
		p.ringed = time.Time{}
		var k laneKey
		waits := len(p.turns) > 0
		if waits {
			k = p.turns[0]
		}
		o.mu.Unlock()
		if waits {
			o.wake(k)
		}
	})
}

// sweep forgets the places where nobody waits and everybody may post, and the sessions that may be asked about again.
func (o *outbox) sweep() {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := time.Now()
	for name, p := range o.places {
		if len(p.turns) == 0 && !p.rested.After(now) {
			delete(o.places, name)
		}
	}
	for visitor, at := range o.queueAsked {
		if now.Sub(at) >= o.b.settings().Limits.queueGap() {
			delete(o.queueAsked, visitor)
		}
	}
}
