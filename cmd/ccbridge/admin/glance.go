package admin

import (
	"context"
	"errors"
	"sync"
	"time"

	"ccbridge/bridge"
)

// glanceAge is how old what several viewers see may be: however many pages look for news, the store is read this seldom.
const glanceAge = time.Second

// glance is what is open and what is dead, read at some time.
type glance struct {
	mu       sync.Mutex
	at       time.Time
	sessions []bridge.SessionView
	dead     []bridge.DeadView
}

// look gives the open sessions and the dead letters, read now or just before.
func (p *Page) look(ctx context.Context) (sessions []bridge.SessionView, dead []bridge.DeadView, err error) {
	g := &p.glance
	g.mu.Lock()
	defer g.mu.Unlock()
	if age := p.now().Sub(g.at); age >= 0 && age < glanceAge {
		return g.sessions, g.dead, nil
	}
	if sessions, err = p.Console.Sessions(ctx, false); err != nil {
		return nil, nil, err
	}
	if dead, err = p.Console.Dead(ctx, false); err != nil {
		return nil, nil, err
	}
	g.at, g.sessions, g.dead = p.now(), sessions, dead
	return sessions, dead, nil
}

// forget makes the next look read anew.
func (g *glance) forget() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.at = time.Time{}
}

// thread tells of a thread and its session, open or over.
func (p *Page) thread(ctx context.Context, id bridge.ThreadID) (bridge.SessionDetail, error) {
	s, err := p.Console.Session(ctx, id)
	if errors.Is(err, bridge.ErrNoThread) {
		err = errNowhere
	}
	return s, err
}

// maxEntries is how many lines of a transcript are shown, the newest.
const maxEntries = 1000

// transcript reads the newest lines of a thread, and counts those that are left out.
func (p *Page) transcript(ctx context.Context, id bridge.ThreadID) (entries []bridge.Entry, left int, err error) {
	err = p.Console.Transcript(ctx, bridge.Span{Thread: id}, func(e bridge.Entry) error {
		if len(entries) == 2*maxEntries {
			left += maxEntries
			entries = append(entries[:0], entries[maxEntries:]...)
		}
		entries = append(entries, e)
		return nil
	})
	if over := len(entries) - maxEntries; over > 0 {
		left += over
		entries = entries[over:]
	}
	return entries, left, err
}
