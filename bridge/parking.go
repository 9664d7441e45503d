package bridge

import (
	"slices"
	"sync"
	"time"
)

// parking keeps texts of threads that have no row yet: platforms do not promise order, so an answer may come before the
// root it answers. They are acknowledged but not on disk; that is safe because a start is a gap, and catch-up reads again
// what is younger than the overlap, which is also how long they are kept here.
type parking struct {
	mu     sync.Mutex
	events map[ThreadKey][]Incoming
	order  []parkedThread // by time of arrival
	count  int
}

type parkedThread struct {
	thread ThreadKey
	at     time.Time
}

const maxParked = 10_000

func newParking() *parking { return &parking{events: map[ThreadKey][]Incoming{}} }

// put keeps an event. What is too old, or too much, goes.
func (p *parking) put(in Incoming) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := in.Event.Received
	for len(p.order) > 0 && (p.count >= maxParked || now.Sub(p.order[0].at) > overlap) {
		p.drop(p.order[0].thread)
		p.order = p.order[1:]
	}
	t := in.Event.Thread
	if len(p.events[t]) == 0 {
		p.order = append(p.order, parkedThread{t, now})
	}
	p.events[t] = append(p.events[t], in)
	p.count++
}

func (p *parking) drop(t ThreadKey) {
	p.count -= len(p.events[t])
	delete(p.events, t)
}

// take gives back what waits for a thread that has a row now.
func (p *parking) take(t ThreadKey) []Incoming {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := p.events[t]
	if len(list) > 0 {
		p.drop(t)
		p.order = slices.DeleteFunc(p.order, func(o parkedThread) bool { return o.thread == t })
	}
	return list
}
