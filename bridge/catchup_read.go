package bridge

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"
)

// errDefect is how a read ends that panicked; the panic was reported.
var errDefect = errors.New("a defect")

// toRead lists the threads of an adapter to be read after a gap: the open ones, and the newest of those that ended in the
// gap or at most catch_up before it. Their customers write on, and cannot know whether the end was before their words.
func (c *catchup) toRead(ctx context.Context, adapter string, entries []string, began time.Time) (open, ended []OpenThread, err error) {
	gap := began
	for _, e := range entries {
		cursor, err := c.b.Store.Cursor(ctx, adapter, e)
		if err != nil {
			return nil, nil, err
		}
		if !cursor.IsZero() && cursor.Before(gap) {
			gap = cursor
		}
	}
	if open, err = c.b.Store.Open(ctx, adapter); err != nil {
		return nil, nil, err
	}
	ended, err = c.b.Store.Ended(ctx, adapter, gap.Add(-c.b.settings().Limits.CatchUp), maxEnded)
	ended = slices.DeleteFunc(ended, func(t OpenThread) bool {
		return !c.b.settings().serves(t.Key)
	})
	return open, ended, err
}

// readChannel reads what began in a channel and moves its cursor. A channel that is seen for the first time has nothing
// to catch up.
func (c *catchup) readChannel(ctx context.Context, g *gap, entry string, began time.Time) {
	place := ThreadKey{Adapter: g.adapter, Channel: entry}
	err := c.persist(ctx, g, place, func() error { return c.channel(ctx, g, entry, began) })
	if ctx.Err() != nil { // what is held stays so until it was read, after the next start
		return
	}
	c.mu.Lock()
	delete(g.channels, entry)
	known := g.failed[entry]
	delete(g.failed, entry)
	if err != nil {
		g.failed[entry] = true
	}
	c.mu.Unlock()
	c.report(slog.String("channel", entry), g.adapter, err, known)
}

// persist reads a place, and again if that fails by chance, as long as the threads may be held for it.
func (c *catchup) persist(ctx context.Context, g *gap, place ThreadKey, read func() error) error {
	for n := 1; ; n++ {
		err := errDefect
		c.b.guard("catch up", place, func() { err = read() })
		var se *SendError
		final := errors.As(err, &se) && se.Final || errors.Is(err, errDefect)
		if err == nil || final || ctx.Err() != nil || n == holdTries || time.Now().After(g.patience) {
			return err
		}
		pause(ctx, backoff(n))
	}
}

func (c *catchup) channel(ctx context.Context, g *gap, entry string, began time.Time) error {
	cursor, err := c.b.Store.Cursor(ctx, g.adapter, entry)
	if err != nil {
		return err
	}
	if !cursor.IsZero() {
		since := cursor.Add(-overlap)
		if oldest := began.Add(-c.b.settings().Limits.CatchUp); since.Before(oldest) {
			since = oldest
		}
		callCtx, cancel := context.WithTimeout(ctx, catchUpLimit)
		defer cancel()
		if err := c.b.settings().Adapters[g.adapter].CatchUpChannel(callCtx, entry, since, c.inbox(ctx)); err != nil {
			return err
		}
	}
	if err := c.b.Store.SetCursor(ctx, g.adapter, entry, began); err != nil {
		return err
	}
	c.b.quiet.read(g.adapter, entry, began)
	return nil
}

// report tells once that something cannot be read, and when it could be.
func (c *catchup) report(place slog.Attr, adapter string, err error, known bool) {
	attrs := []any{slog.String("adapter", adapter), place}
	switch {
	case err != nil && !known:
		c.b.Log.Warn("could not be read after a gap; tried again later", append(attrs, slog.String("error", err.Error()))...)
	case err == nil && known:
		c.b.Log.Info("read at last after a gap", attrs...)
	}
}

// readThreads reads threads, some at a time.
func (c *catchup) readThreads(ctx context.Context, g *gap, threads []OpenThread) {
	var group sync.WaitGroup
	slots := make(chan struct{}, threadsAtOnce)
	for _, t := range threads {
		if ctx.Err() != nil {
			break
		}
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			c.readThread(ctx, g, t)
		})
	}
	group.Wait()
}

func (c *catchup) readThread(ctx context.Context, g *gap, t OpenThread) {
	c.mu.Lock()
	old, known := g.missed[t.Key]
	c.mu.Unlock()
	if known {
		old.Unread = true
		t = old // live events may have moved its cursor over what was missed
	}
	err := c.persist(ctx, g, t.Key, func() error { return c.thread(ctx, t, c.inbox(ctx)) })
	if ctx.Err() != nil {
		return
	}
	c.mu.Lock()
	delete(g.missed, t.Key)
	if err != nil {
		g.missed[t.Key] = t
	}
	c.mu.Unlock()
	c.note(ctx, t, err != nil)
	c.report(slog.String("thread", t.Key.String()), g.adapter, err, known)
	c.release(g, t.Key)
}

// note stores whether a thread is still to be read, for the next start.
func (c *catchup) note(ctx context.Context, t OpenThread, unread bool) {
	since := time.Time{}
	if unread {
		since = t.Cursor
	}
	if unread == t.Unread || unread && since.IsZero() {
		return
	}
	if err := c.b.Store.SetUnread(context.WithoutCancel(ctx), t.ID, t.Part, since); err != nil {
		c.b.storeFailed("note that a thread is unread", err)
	}
}

// thread reads what was written in a thread since its cursor.
func (c *catchup) thread(ctx context.Context, t OpenThread, in Inbox) error {
	callCtx, cancel := context.WithTimeout(ctx, catchUpLimit)
	defer cancel()
	since := t.Cursor
	if !since.IsZero() {
		since = since.Add(-overlap)
	}
	if oldest := time.Now().Add(-SeenWindow + overlap); since.Before(oldest) {
		since = oldest // what is older is no longer known to be new
	}
	err := c.b.settings().Adapters[t.Key.Adapter].CatchUpThread(callCtx, t.Key, since, in)
	return errors.Join(err, c.b.Store.Resequence(ctx, t.ID, t.Part))
}

// unread reports whether an entry is still to be read, because reading it failed or it is new.
func (c *catchup) unread(adapter, entry string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	g := c.lines[adapter]
	if g == nil {
		return true // it was removed just now
	}
	_, failed := g.failed[entry]
	return failed
}

// retry reads what could not be read. Nothing is held meanwhile: for who writes on, late is better than not at all.
func (c *catchup) retry(ctx context.Context, g *gap) {
	c.mu.Lock()
	entries, missed := slices.Collect(maps.Keys(g.failed)), len(g.missed) > 0
	c.mu.Unlock()
	if !c.b.lineUp(g.adapter) {
		return
	}
	for _, e := range entries {
		c.readChannel(ctx, g, e, time.Now())
	}
	if missed {
		c.readThreads(ctx, g, c.stillMissed(ctx, g))
	}
}

// stillMissed lists the threads that were missed and forgets those that ended too long ago to be read.
func (c *catchup) stillMissed(ctx context.Context, g *gap) (threads []OpenThread) {
	open, ended, err := c.toRead(ctx, g.adapter, c.b.settings().entries(g.adapter), time.Now())
	if err != nil {
		c.b.storeFailed("list threads", err)
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	missed := g.missed
	g.missed = map[ThreadKey]OpenThread{}
	for _, t := range append(open, ended...) {
		if old, ok := missed[t.Key]; ok {
			g.missed[t.Key] = old
			threads = append(threads, old)
		}
	}
	return threads
}
