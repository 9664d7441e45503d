package bridge

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"sync"
	"time"
)

// Part is the state of one part of the bridge, for /readyz.
type Part struct {
	State  string    `json:"state"` // "up", "down", "failed", "starting", "catching-up", "silent"
	Since  time.Time `json:"since"`
	Detail string    `json:"detail"` // for the operator, or "": no secret, nobody's words
}

// status keeps what is known of the parts: "store", "centre" and each adapter by its name.
type status struct {
	log   *slog.Logger
	ctx   context.Context
	mu    sync.Mutex
	parts map[string]Part
}

// set notes a part's state and logs a change, once.
func (s *status) set(name, state, detail string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.parts[name]
	if old.State == state {
		if old.Detail != detail && state != "up" {
			old.Detail = detail
			s.parts[name] = old
		}
		return
	}
	s.parts[name] = Part{State: state, Since: time.Now(), Detail: detail}
	level := slog.LevelInfo
	switch {
	case state == "failed":
		level = slog.LevelError
	case state == "down":
		level = slog.LevelWarn
	}
	attrs := []any{slog.String("part", name), slog.String("state", state)}
	if detail != "" {
		attrs = append(attrs, slog.String("detail", detail))
	}
	s.log.Log(s.ctx, level, "state", attrs...)
}

// drop forgets a part that is no more.
func (s *status) drop(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.parts, name)
}

func (s *status) is(name, state string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.parts[name].State == state
}

func (s *status) all() map[string]Part {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.parts)
}

// Status tells each part's state, and whether the bridge is ready: the store was opened, and each adapter's line was up
// and its first catch-up is over. A later outage changes the parts only (§9.11), and the centre is not asked for.
func (b *Bridge) Status() (parts map[string]Part, ready bool) {
	parts = b.status.all()
	ready = b.opened.Load()
	for name := range b.settings().Adapters {
		if since, where := b.quiet.since(name); !since.IsZero() && parts[name].State == "up" {
			parts[name] = Part{State: "silent", Since: since, Detail: "the line is up, but messages of " + where + " do not come over it; they are read from the history"}
		}
		if !b.catchup.ready(name) {
			ready = false
			if p := parts[name]; p.State == "up" {
				p.State = "catching-up"
				parts[name] = p
			}
		}
	}
	return parts, ready
}

// tellReady logs once that the bridge is ready.
func (b *Bridge) tellReady() {
	if _, ready := b.Status(); ready && !b.told.Swap(true) {
		b.Log.Info("ready")
	}
}

// storeName is the store's name among the parts.
const storeName = "store"

// storeFailed notes that the store does not take events, unless it was the caller who gave up.
func (b *Bridge) storeFailed(doing string, err error) {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return
	}
	b.status.set(storeName, "down", doing+": "+err.Error())
}

func (b *Bridge) storeWorks() {
	if !b.storeOK() {
		b.catchup.resumeAll() // first, so that nothing newer is worked before
		b.status.set(storeName, "up", "")
	}
}

func (b *Bridge) storeOK() bool { return b.status.is(storeName, "up") }

// outsideFailed notes that the centre does not answer. An adapter tells the state of its line by itself.
func (b *Bridge) outsideFailed(name string, e *SendError) {
	switch {
	case name == centreName:
		b.status.set(name, "down", e.Error())
	case e.Final:
		b.status.set(name, "failed", e.Error())
	}
}

func (b *Bridge) outsideWorks(name string) {
	if name == centreName && !b.status.is(name, "up") {
		b.status.set(name, "up", "")
	}
}

// reported takes an adapter's own word about its line.
func (b *Bridge) reported(adapter string, l Line) {
	if l.Reconnect {
		b.Meter.Reconnected(adapter)
	}
	b.status.set(adapter, string(l.State), l.Detail)
	switch {
	case l.State != LineUp:
		b.catchup.giveWay(adapter)
	case l.Gap:
		b.catchup.begin(adapter)
	default:
		b.catchup.resume(adapter)
	}
}

func (b *Bridge) lineUp(adapter string) bool { return b.status.is(adapter, string(LineUp)) }

// LineStats are what /metrics shows of one adapter's line.
type LineStats struct {
	LastMessage time.Time // when it last brought what somebody wrote; zero: not yet
	Silent      bool      // messages are known to be missed although it is up
	CatchingUp  bool      // a gap is being closed
	Unread      int       // channels and threads that could not be read after a gap
}

// Lines tells how each adapter's line does.
func (b *Bridge) Lines() map[string]LineStats {
	lines := map[string]LineStats{}
	for name := range b.settings().Adapters {
		since, _ := b.quiet.since(name)
		open, unread := b.catchup.progress(name)
		lines[name] = LineStats{LastMessage: b.quiet.last(name), Silent: !since.IsZero(), CatchingUp: open, Unread: unread}
	}
	return lines
}
