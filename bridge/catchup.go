package bridge

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// catchup closes the gaps of the adapters' lines: it has each routed channel and each thread that is open, or ended lately,
// read from where they were, and holds back the live events of a thread until that is done.
type catchup struct {
	b     *Bridge
	mu    sync.Mutex
	lines map[string]*gap
}

// gap is what catch-up knows of one adapter.
type gap struct {
	adapter string
	again   chan struct{} // a gap is to be closed
	soon    chan struct{} // something is to be read without waiting for the next retry

	// Of Run:
	patience time.Time // until then threads are held for what cannot be read by chance

	// Under catchup.mu:
	owed     bool               // a gap was noted and is not closed yet, perhaps because the line went down again or the store fails
	open     bool               // a gap is being closed: threads are held
	listed   bool               // threads is complete; before that every thread is held
	threads  map[ThreadKey]bool // still to be read
	channels map[string]bool    // entries of routes still to be read
	ready    bool               // the first catch-up was finished or failed
	// What could not be read is tried again: entries of routes, whose cursors stay, and threads as they were.
	failed map[string]bool // the value: the operator was told
	missed map[ThreadKey]OpenThread
	probed map[ThreadKey]int // threads that are held while a read of quiet places puts something
}

const (
	overlap       = 10 * time.Minute // longer than a platform's own retries
	threadsAtOnce = 16
	maxEnded      = 100              // threads read although they are over: they must not keep the others' line busy
	catchUpLimit  = 2 * time.Minute  // for one thread or channel
	holdTries     = 5                // of one read that fails by chance, while its threads are held
	holdLimit     = 15 * time.Second // for such tries after one gap
	catchUpRetry  = time.Minute      // before what could not be read is tried again; doubled each time
	maxRetry      = 30 * time.Minute
)

func newCatchup(b *Bridge) *catchup {
	c := &catchup{b: b, lines: map[string]*gap{}}
	for name := range b.settings().Adapters {
		c.lines[name] = newGap(name)
	}
	return c
}

// newGap is the gap before an adapter's first line: a start is a gap.
func newGap(adapter string) *gap {
	return &gap{adapter: adapter, again: make(chan struct{}, 1), soon: make(chan struct{}, 1), open: true, failed: map[string]bool{}, missed: map[ThreadKey]OpenThread{}, probed: map[ThreadKey]int{}}
}

// renew begins with an adapter that came, or was made anew, while others were at work: neither takes readiness away. Its
// Run must not be running.
func (c *catchup) renew(adapter string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	g := newGap(adapter)
	g.ready = true
	if old := c.lines[adapter]; old != nil {
		g.failed, g.missed, g.ready = old.failed, old.missed, old.ready
	}
	c.lines[adapter] = g
}

// remove forgets an adapter whose Run is not running any more.
func (c *catchup) remove(adapter string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.lines, adapter)
}

// include begins with entries that routes name from now on. One that was read before is read again, with nothing held;
// one that is seen for the first time has nothing to catch up.
func (c *catchup) include(ctx context.Context, adapter string, entries []string) {
	for _, e := range entries {
		cursor, err := c.b.Store.Cursor(ctx, adapter, e)
		if err == nil && cursor.IsZero() {
			err = c.b.Store.SetCursor(ctx, adapter, e, time.Now())
		}
		if err != nil {
			c.b.storeFailed("begin with a channel", err)
		} else if cursor.IsZero() {
			c.b.quiet.read(adapter, e, time.Now())
			continue
		}
		c.mu.Lock()
		g := c.lines[adapter]
		if _, known := g.failed[e]; !known {
			g.failed[e] = false
		}
		c.mu.Unlock()
		select {
		case g.soon <- struct{}{}:
		default:
		}
	}
}

// begin notes a gap. From now on the adapter's threads are held.
func (c *catchup) begin(adapter string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	g := c.lines[adapter]
	if g == nil {
		return
	}
	g.owed, g.open, g.listed = true, true, false
	c.b.Meter.Gap(adapter)
	select {
	case g.again <- struct{}{}:
	default:
	}
}

// resume closes a gap that was noted before the line went down, now that it is up again.
func (c *catchup) resume(adapter string) {
	c.mu.Lock()
	owed := c.lines[adapter] != nil && c.lines[adapter].owed
	c.mu.Unlock()
	if owed {
		c.begin(adapter)
	}
}

// owe notes a gap that is closed once the store works.
func (c *catchup) owe(adapter string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if g := c.lines[adapter]; g != nil {
		g.owed, g.listed = true, false // what is being read now may have passed it
	}
}

// resumeAll closes what is owed, now that the store works.
func (c *catchup) resumeAll() {
	for name := range c.b.settings().Adapters {
		c.resume(name)
	}
}

// giveWay lets the threads of an adapter go whose line does not come up, so that what is stored goes on its way.
func (c *catchup) giveWay(adapter string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if g := c.lines[adapter]; g != nil && g.open {
		select {
		case g.again <- struct{}{}:
		default:
		}
	}
}

// holds reports whether a thread's platform events must wait.
func (c *catchup) holds(t ThreadKey) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	g := c.lines[t.Adapter]
	if g == nil || !g.open {
		return g != nil && g.probed[t] > 0
	}
	return !g.listed || g.threads[t] || g.channels[t.Channel] || g.channels["dm"] && t.Root == "" || g.channels["*"] && t.Root != ""
}

// hold holds the threads of events, or lets them go and has them worked.
func (c *catchup) hold(adapter string, evs []Event, held bool) {
	c.mu.Lock()
	g := c.lines[adapter]
	for _, ev := range evs {
		if g == nil {
			break
		} else if held {
			g.probed[ev.Thread]++
		} else if g.probed[ev.Thread]--; g.probed[ev.Thread] <= 0 {
			delete(g.probed, ev.Thread)
		}
	}
	c.mu.Unlock()
	for _, ev := range evs {
		if !held {
			c.b.steps.wake(ev.Thread)
		}
	}
}

// inbox is where a catch-up puts what it reads.
func (c *catchup) inbox(ctx context.Context) inbox {
	began := time.Now()
	return inbox{b: c.b, stopped: ctx.Done(), fresh: func(ev Event) { c.b.quiet.caught(ev, began) }}
}

// ready reports whether the adapter's first catch-up is over.
func (c *catchup) ready(adapter string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lines[adapter] != nil && c.lines[adapter].ready
}

// progress tells whether a gap of an adapter is being closed, and how many channels and threads could not be read.
func (c *catchup) progress(adapter string) (open bool, unread int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	g := c.lines[adapter]
	if g == nil {
		return false, 0
	}
	return g.open, len(g.failed) + len(g.missed)
}

func (c *catchup) inGap(adapter string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lines[adapter] != nil && c.lines[adapter].open
}

// Run closes the gaps of one adapter until ctx ends.
func (c *catchup) Run(ctx context.Context, adapter string) {
	c.mu.Lock()
	g := c.lines[adapter]
	c.mu.Unlock()
	wait := catchUpRetry
	retry := time.NewTimer(wait)
	defer retry.Stop()
	for {
		do := c.close
		select {
		case <-ctx.Done():
			return
		case <-g.again:
			wait = catchUpRetry
		case <-g.soon:
			do, wait = c.retry, catchUpRetry
		case <-retry.C:
			do, wait = c.retry, min(2*wait, maxRetry)
		}
		c.b.guard("catch up", ThreadKey{Adapter: adapter}, func() { do(ctx, g) })
		retry.Reset(wait)
	}
}

// close reads the routed channels and the threads, and releases each when it is read.
func (c *catchup) close(ctx context.Context, g *gap) {
	c.mu.Lock()
	up := c.b.lineUp(g.adapter)
	if !up {
		g.open = false
	}
	c.mu.Unlock()
	if !up {
		c.b.wakeWaiting(ctx, g.adapter)
		return
	}
	began := time.Now()
	g.patience = began.Add(holdLimit)
	entries := c.b.settings().entries(g.adapter)
	open, ended, err := c.toRead(ctx, g.adapter, entries, began)
	for ; err != nil && ctx.Err() == nil; open, ended, err = c.toRead(ctx, g.adapter, entries, began) {
		c.b.storeFailed("list threads", err)
		pause(ctx, storeRetry)
	}
	c.mu.Lock()
	g.threads, g.channels, g.listed = map[ThreadKey]bool{}, map[string]bool{}, true
	for _, t := range slices.Concat(open, ended) {
		g.threads[t.Key] = true
	}
	for _, e := range entries {
		g.channels[e] = true
	}
	c.mu.Unlock()
	for _, e := range entries {
		c.readChannel(ctx, g, e, began)
	}
	c.readThreads(ctx, g, open)
	if ctx.Err() != nil {
		return
	}
	c.caughtUp(ctx, g, began)
	c.readThreads(ctx, g, ended)
	if ctx.Err() == nil {
		c.finish(ctx, g)
	}
}

// caughtUp notes that all that is open was read: the rest keeps only itself waiting.
func (c *catchup) caughtUp(ctx context.Context, g *gap, began time.Time) {
	c.mu.Lock()
	first := !g.ready
	g.ready = true
	c.mu.Unlock()
	c.b.wakeWaiting(ctx, g.adapter)
	if first {
		c.b.Log.Info("caught up", slog.String("adapter", g.adapter), slog.String("took", time.Since(began).Round(time.Millisecond).String()))
		c.b.tellReady()
	}
}

func (c *catchup) release(g *gap, t ThreadKey) {
	c.mu.Lock()
	delete(g.threads, t)
	c.mu.Unlock()
	c.b.steps.wake(t)
}

// finish lets everything go, unless a new gap was noted meanwhile.
func (c *catchup) finish(ctx context.Context, g *gap) {
	c.mu.Lock()
	if g.listed { // else another gap was noted meanwhile
		g.owed, g.open = false, false
	}
	c.mu.Unlock()
	c.b.wakeWaiting(ctx, g.adapter)
}

// moveCursors notes that the routed channels are read up to now. Called while the line is up and has no gap: whatever is
// older than the overlap was delivered by the platform itself.
func (c *catchup) moveCursors(ctx context.Context) {
	now := time.Now()
	set := c.b.settings()
	for name := range set.Adapters {
		if !c.b.lineUp(name) || c.inGap(name) {
			continue
		}
		for _, e := range set.entries(name) {
			if c.unread(name, e) || c.b.quiet.unsure(name, e, now) {
				continue
			}
			if err := c.b.Store.SetCursor(ctx, name, e, now); err != nil {
				c.b.storeFailed("move a cursor", err)
				return
			}
		}
	}
}
