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
	opened map[ThreadKey]time.Time // threads that got their row lately
}

type parkedThread struct {
	thread ThreadKey
	at     time.Time
}

const (
	maxParked  = 10_000
	maxOpened  = 1_000       // before the old ones are dropped
	justOpened = time.Minute // longer than an event takes from the look for its thread's row to being parked
)

func newParking() *parking {
	return &parking{events: map[ThreadKey][]Incoming{}, opened: map[ThreadKey]time.Time{}}
}

// put keeps an event. What is too old, or too much, goes. false: the thread got its row meanwhile.
func (p *parking) put(in Incoming) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, opened := p.opened[in.Event.Thread]; opened {
		return false
	}
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
	return true
}

func (p *parking) drop(t ThreadKey) {
	p.count -= len(p.events[t])
	delete(p.events, t)
}

// open notes that a thread has its row, and takes what waits for it.
func (p *parking) open(t ThreadKey, now time.Time) []Incoming {
	p.mu.Lock()
	if len(p.opened) >= maxOpened {
		for k, at := range p.opened {
			if now.Sub(at) > justOpened {
				delete(p.opened, k)
			}
		}
	}
	p.opened[t] = now
	p.mu.Unlock()
	return p.take(t)
}

// take gives back what waits for a thread.
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

// forget drops what a person wrote; adapter "" is every adapter.
func (p *parking) forget(adapter string, who UserID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for t, list := range p.events {
		rest := slices.DeleteFunc(slices.Clone(list), func(in Incoming) bool {
			return (adapter == "" || t.Adapter == adapter) && in.Event.Text != nil && in.Event.Text.Author.ID == who
		})
		p.count -= len(list) - len(rest)
		p.events[t] = rest
	}
}
