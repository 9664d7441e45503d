package bridge

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Settings is what a Bridge may change while it works. Nobody changes one that is in use: another takes its place, and a
// step or a call that began with the one before goes on with it.
type Settings struct {
	Adapters map[string]Adapter // by configured name
	Routes   []Route
	Limits   Limits
	// OnUnknown is what happens to a text of which nobody can say whether it arrived: "repeat" or "ask".
	OnUnknown string
	// ShutdownTimeout bounds what Run may still take to finish what is begun.
	ShutdownTimeout time.Duration

	longestCall time.Duration // the longest CallTimeout so far: an intent's deadline may be of then
}

// entries lists what the routes of an adapter name, each once.
func (s *Settings) entries(adapter string) []string {
	var list []string
	for _, r := range s.Routes {
		for _, e := range r.Channels {
			if r.Adapter == adapter && !slices.Contains(list, e) {
				list = append(list, e)
			}
		}
	}
	return list
}

// route is the one that leads to a thread.
func (s *Settings) route(t ThreadKey) (Route, bool) {
	return routeFor(s.Routes, t.Adapter, t.Channel, t.Root == "")
}

// serves reports whether a thread's people can be heard and shown something.
func (s *Settings) serves(t ThreadKey) bool {
	_, routed := s.route(t)
	return routed && s.Adapters[t.Adapter] != nil
}

// settings are those in use.
func (b *Bridge) settings() *Settings { return b.current.Load() }

// use puts other settings in the place of those in use.
func (b *Bridge) use(s Settings) {
	s.longestCall = s.Limits.CallTimeout
	if old := b.settings(); old != nil {
		s.longestCall = max(s.longestCall, old.longestCall)
	}
	b.current.Store(&s)
}

// change asks Run for other settings.
type change struct {
	settings Settings
	done     chan struct{} // closed when they are in use
}

// Reconfigure has Run go on with other settings, and returns when they are in use. An adapter that is not the same as
// before is stopped, and its successor begins with a catch-up; sessions that no route leads to any more end as at a start.
// Times that run in sessions end as they were begun. Before Run it waits; ctx ends that, and must end with Run's.
func (b *Bridge) Reconfigure(ctx context.Context, s Settings) error {
	c := change{s, make(chan struct{})}
	select {
	case b.changes <- c:
	case <-ctx.Done():
		return fmt.Errorf("change the settings: %w", ctx.Err())
	}
	<-c.done
	return nil
}

// takeChanges changes the settings, one change at a time, until ctx ends.
func (b *Bridge) takeChanges(ctx, work context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case c := <-b.changes:
			b.change(ctx, work, c.settings)
			close(c.done)
		}
	}
}

func (b *Bridge) change(ctx, work context.Context, next Settings) {
	old := b.settings()
	var renewed, removed []string
	for name, a := range next.Adapters {
		if old.Adapters[name] != a {
			renewed = append(renewed, name)
		}
	}
	for name := range old.Adapters {
		if next.Adapters[name] == nil {
			removed = append(removed, name)
		}
	}
	b.silence(renewed, removed)
	for _, name := range renewed {
		b.renew(work, name)
	}
	b.use(next)
	for _, name := range renewed {
		b.outbox.retry(name) // now that nothing begins through its predecessor any more
	}
	for _, name := range removed {
		b.remove(name)
	}
	for name := range next.Adapters {
		before := old.entries(name)
		b.catchup.include(ctx, name, slices.DeleteFunc(next.entries(name), func(e string) bool { return slices.Contains(before, e) }))
	}
	b.endUnrouted(ctx)
	b.wakeWaiting(ctx, "")
	for _, name := range renewed {
		b.lines[name].listen(ctx, b, name)
	}
}

// silence ends the receiving of adapters, all at once, and finishes what goes out through those that have no successor.
func (b *Bridge) silence(renewed, removed []string) {
	var ending []*line
	for _, name := range slices.Concat(renewed, removed) {
		if l := b.lines[name]; l != nil {
			l.hush()
			ending = append(ending, l)
		}
	}
	for _, name := range removed {
		close(b.lines[name].rest)
		b.lines[name].rested.Wait()
	}
	for _, l := range ending {
		l.hushed.Wait()
	}
}

// renew prepares for an adapter that comes, or comes anew.
func (b *Bridge) renew(work context.Context, adapter string) {
	b.catchup.renew(adapter)
	b.quiet.renew(adapter)
	b.status.set(adapter, "starting", "")
	if b.lines[adapter] != nil {
		return
	}
	b.outbox.add(adapter)
	b.lines[adapter] = b.openLine(work, adapter)
}

// remove forgets an adapter that is silent and at rest.
func (b *Bridge) remove(adapter string) {
	b.outbox.remove(adapter)
	b.catchup.remove(adapter)
	b.quiet.remove(adapter)
	b.status.drop(adapter)
	delete(b.lines, adapter)
}

// line is one adapter at work: its lanes go on while it is made anew.
type line struct {
	hush   context.CancelFunc // ends receiving
	hushed sync.WaitGroup
	rest   chan struct{} // ends the lanes
	rested sync.WaitGroup
}

// openLine lets an adapter's lanes run.
func (b *Bridge) openLine(work context.Context, adapter string) *line {
	l := &line{hush: func() {}, rest: make(chan struct{})}
	lanes := b.outbox.outsideOf(laneKey{ThreadKey{Adapter: adapter}, ToThread}).lanes
	l.rested.Go(func() { lanes.Run(work, l.rest) })
	return l
}

// listen begins to receive.
func (l *line) listen(ctx context.Context, b *Bridge, adapter string) {
	ctx, l.hush = context.WithCancel(ctx)
	a := b.settings().Adapters[adapter]
	l.hushed.Go(func() { b.catchup.Run(ctx, adapter) })
	l.hushed.Go(func() { b.quiet.Run(ctx, adapter) })
	l.hushed.Go(func() { b.receive(ctx, adapter, a) })
}
