package bridge

import (
	"context"
	"sync"
)

// recent remembers sessions that were just stepped, which saves reading them again. What it remembers may be outdated:
// Save compares the version, and a worker that lost asks the store.
type recent struct {
	mu       sync.Mutex
	sessions map[ThreadKey]Session
}

// maxRecent bounds the sessions remembered; beyond it an arbitrary one is forgotten.
const maxRecent = 4_000

func newRecent() *recent { return &recent{sessions: map[ThreadKey]Session{}} }

// keep remembers an open session. The others are read, with what is known of the customer's other threads.
func (r *recent) keep(s Session) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !s.State.Open() {
		delete(r.sessions, s.Thread)
		return
	}
	if len(r.sessions) >= maxRecent {
		for k := range r.sessions {
			delete(r.sessions, k)
			break
		}
	}
	r.sessions[s.Thread] = s
}

func (r *recent) forget(t ThreadKey) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.sessions, t)
}

func (r *recent) find(t ThreadKey) (Session, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s, ok := r.sessions[t]
	return s, ok
}

// load is Store.Load, without reading the session if it is remembered.
func (b *Bridge) load(ctx context.Context, t ThreadKey, limit int, held bool) (Work, error) {
	s, ok := b.recent.find(t)
	if !ok {
		return b.Store.Load(ctx, t.ID(), t.Part(), limit, held)
	}
	w := Work{Session: s}
	var err error
	if limit > 0 {
		w.Events, w.More, err = b.Store.Queue(ctx, t.ID(), t.Part(), limit, held)
	}
	return w, err
}
