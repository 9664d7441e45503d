package bridge

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// quiet tells a line that is quiet, because nobody writes, from one that is up and brings nothing: a subscription that
// was removed, an intent switched off, a bot put out of its channel, a stuck socket. A place from which nothing came for
// SilentAfter is read as after a gap, one place at a time. Messages found there that are not on their way any more show
// that the line is silent: the gap is closed, and the place stays silent until the line brings something from it.
type quiet struct {
	b     *Bridge
	mu    sync.Mutex
	lines map[string]*hearing
}

// hearing is what came over one adapter's line.
type hearing struct {
	last    time.Time            // when somebody's message last came; zero: not yet
	entries map[string]*listened // by entry of a route
	turn    int                  // which of the open threads is read next
}

// listened is what is known of one entry of a route.
type listened struct {
	sure   time.Time // up to when nothing is missing; zero: the first catch-up did not read it yet
	tried  time.Time // when it was last read for this
	silent time.Time // since when messages of it are known to be missed; zero: none is
}

const (
	silenceTick  = time.Minute      // between two places that are read
	silenceGrace = time.Minute      // a younger message may still be on its way
	silenceLimit = 30 * time.Second // for reading one place
	silenceFew   = 8                // open threads of an entry, the newest, that take turns
	silenceWide  = 6                // times SilentAfter between two reads of "dm" and "*", which are many channels
	silenceOften = 5                // times as often a silent entry is read
)

func newQuiet(b *Bridge) *quiet {
	q := &quiet{b: b, lines: map[string]*hearing{}}
	for name := range b.settings().Adapters {
		q.renew(name)
	}
	return q
}

// renew begins with an adapter's line: nothing is known of it yet.
func (q *quiet) renew(adapter string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.lines[adapter] = &hearing{entries: map[string]*listened{}}
}

// remove forgets an adapter.
func (q *quiet) remove(adapter string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.lines, adapter)
}

// entry gives what is known of an entry. The caller holds mu.
func (h *hearing) entry(e string) *listened {
	l := h.entries[e]
	if l == nil {
		l = &listened{}
		h.entries[e] = l
	}
	return l
}

// heard notes that the line brought what somebody wrote.
func (q *quiet) heard(t ThreadKey) {
	q.mu.Lock()
	defer q.mu.Unlock()
	h := q.lines[t.Adapter]
	if h == nil {
		return
	}
	h.last = time.Now()
	for e, l := range h.entries {
		if !covers(e, t) || l.sure.IsZero() {
			continue
		}
		if l.sure = h.last; !l.silent.IsZero() {
			l.silent = time.Time{}
			q.b.Log.Info("messages come over the line again", slog.String("adapter", t.Adapter), slog.String("channel", e))
		}
	}
}

// covers reports whether an entry of a route means a thread.
func covers(entry string, t ThreadKey) bool {
	switch entry {
	case "dm":
		return t.Root == ""
	case "*":
		return t.Root != ""
	}
	return entry == t.Channel
}

// read notes that an entry was read up to a time.
func (q *quiet) read(adapter, entry string, upTo time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if h := q.lines[adapter]; h != nil {
		l := h.entry(entry)
		if l.sure.Before(upTo) {
			l.sure = upTo
		}
	}
}

// unsure reports whether messages of an entry may have been missed unnoticed for longer than catch-up looks back anyway.
func (q *quiet) unsure(adapter, entry string, now time.Time) bool {
	after := q.b.settings().Limits.SilentAfter
	if after <= 0 {
		return false
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	h := q.lines[adapter]
	if h == nil {
		return false
	}
	l := h.entry(entry)
	return !l.sure.IsZero() && now.Sub(l.sure) > min(after, overlap)
}

// since tells since when an adapter's line is known to be silent, and where; zero: it is not.
func (q *quiet) since(adapter string) (since time.Time, entry string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if h := q.lines[adapter]; h != nil {
		for _, e := range q.b.settings().entries(adapter) {
			if l := h.entry(e); !l.silent.IsZero() && (since.IsZero() || l.silent.Before(since)) {
				since, entry = l.silent, e
			}
		}
	}
	return since, entry
}

// last tells when the line of an adapter last brought what somebody wrote; zero: not yet.
func (q *quiet) last(adapter string) time.Time {
	q.mu.Lock()
	defer q.mu.Unlock()
	if h := q.lines[adapter]; h != nil {
		return h.last
	}
	return time.Time{}
}

// Run reads the quiet places of an adapter until ctx ends.
func (q *quiet) Run(ctx context.Context, adapter string) {
	for ctx.Err() == nil {
		after := q.b.settings().Limits.SilentAfter
		if after <= 0 {
			pause(ctx, silenceTick)
			continue
		}
		pause(ctx, min(silenceTick, after/4))
		if ctx.Err() != nil || !q.b.storeOK() || !q.b.lineUp(adapter) || q.b.catchup.inGap(adapter) {
			continue
		}
		if entry, since, due := q.due(adapter, after, time.Now()); due {
			q.b.guard("look for missed messages", ThreadKey{Adapter: adapter, Channel: entry}, func() { q.look(ctx, adapter, entry, since) })
		}
	}
}

// due picks the entry from which nothing came for the longest time, and says from when on it is to be read.
func (q *quiet) due(adapter string, after time.Duration, now time.Time) (entry string, since time.Time, due bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	h := q.lines[adapter]
	var oldest time.Time
	for _, e := range q.b.settings().entries(adapter) {
		l, wait := h.entry(e), after
		switch {
		case !l.silent.IsZero():
			wait /= silenceOften
		case e == "dm" || e == "*":
			wait *= silenceWide
		}
		last := l.sure
		if l.tried.After(last) {
			last = l.tried
		}
		if !l.sure.IsZero() && now.Sub(last) >= wait && (entry == "" || last.Before(oldest)) {
			entry, oldest = e, last
		}
	}
	if entry == "" {
		return "", time.Time{}, false
	}
	l := h.entry(entry)
	l.tried = now
	since = l.sure.Add(-q.grace())
	if earliest := now.Add(-max(q.b.settings().Limits.CatchUp, after)); since.Before(earliest) {
		since = earliest
	}
	return entry, since, true
}

// grace is how young a message must be to be still on its way perhaps.
func (q *quiet) grace() time.Duration { return min(silenceGrace, q.b.settings().Limits.SilentAfter/2) }

// look reads an entry and one of its open threads.
func (q *quiet) look(ctx context.Context, adapter, entry string, since time.Time) {
	began := time.Now()
	callCtx, cancel := context.WithTimeout(ctx, silenceLimit)
	defer cancel()
	in := &looking{inbox: inbox{b: q.b, stopped: ctx.Done()}, adapter: adapter, before: began.Add(-q.grace())}
	err := q.b.settings().Adapters[adapter].CatchUpChannel(callCtx, entry, since, in)
	if t, ok := q.openThread(callCtx, adapter, entry); ok && err == nil {
		err = q.b.catchup.thread(callCtx, t, in)
	}
	if in.missed > 0 {
		q.found(adapter, entry, in.missed)
		return // the gap that was begun reads on
	}
	if err != nil {
		q.b.Log.Debug("a quiet channel could not be read", slog.String("adapter", adapter), slog.String("channel", entry), slog.String("error", err.Error()))
		return
	}
	q.read(adapter, entry, began)
}

// openThread picks one of the newest open threads of an entry, another each time.
func (q *quiet) openThread(ctx context.Context, adapter, entry string) (OpenThread, bool) {
	open, err := q.b.Store.Open(ctx, adapter)
	if err != nil {
		q.b.storeFailed("list threads", err)
		return OpenThread{}, false
	}
	open = slices.DeleteFunc(open, func(t OpenThread) bool { return t.Unread || !covers(entry, t.Key) })
	if len(open) == 0 {
		return OpenThread{}, false
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	h := q.lines[adapter]
	h.turn++
	return open[h.turn%min(len(open), silenceFew)], true
}

// found notes that an entry is silent, and tells the first of an adapter.
func (q *quiet) found(adapter, entry string, n int) {
	first, _ := q.since(adapter)
	q.mu.Lock()
	if h := q.lines[adapter]; h != nil && h.entry(entry).silent.IsZero() {
		h.entry(entry).silent = time.Now()
	}
	q.mu.Unlock()
	if first.IsZero() {
		q.b.Log.Warn("the line is up, but messages do not come over it; they are read from the history",
			slog.String("adapter", adapter), slog.String("channel", entry), slog.Int("missed", n),
			slog.String("fix", "ccbridge doctor looks at event subscriptions, intents and permissions; then start anew"))
	}
}

// caught notes an event that only the catch-up brought which began at a time. While the line is silent it was missed too.
func (q *quiet) caught(ev Event, began time.Time) {
	adapter := ev.Thread.Adapter
	q.b.Meter.CaughtUp(adapter)
	if since, _ := q.since(adapter); since.IsZero() || !ev.At.Before(began.Add(-q.grace())) {
		return
	}
	q.b.Meter.Missed(adapter)
	for _, e := range q.b.settings().entries(adapter) {
		if covers(e, ev.Thread) {
			q.found(adapter, e, 1)
		}
	}
}

// looking is the Inbox of a read that looks for missed messages. Their threads are held until a gap is noted, which
// holds everything.
type looking struct {
	inbox
	adapter string
	before  time.Time // what is younger may still be on its way
	missed  int
}

// Put implements Inbox.
func (in *looking) Put(ctx context.Context, evs ...Event) error {
	c := in.b.catchup
	c.hold(in.adapter, evs, true)
	missed := 0
	in.fresh = func(ev Event) {
		in.b.Meter.CaughtUp(in.adapter)
		if ev.At.Before(in.before) {
			in.b.Meter.Missed(in.adapter)
			missed++
		}
	}
	err := in.inbox.Put(ctx, evs...)
	if in.missed += missed; missed > 0 {
		c.begin(in.adapter)
	}
	c.hold(in.adapter, evs, false)
	return err
}
