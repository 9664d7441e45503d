package bridge

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// Config is what a Bridge is made of.
type Config struct {
	Settings // at the start
	Store    Store
	Centre   Centre
	Meter    Meter
	Log      *slog.Logger
	// Hook is called around commits and outside calls, so that tests can stop the process there. nil otherwise.
	Hook func(point string)
}

// Bridge is the core at work: it takes events in, steps sessions, and makes the calls that follow.
type Bridge struct {
	Store  Store
	Centre Centre
	Meter  Meter
	Log    *slog.Logger
	Hook   func(point string)

	current  atomic.Pointer[Settings]
	changes  chan change
	lines    map[string]*line // by adapter; of Run's own goroutine
	status   status
	clock    *clock
	steps    *queue[ThreadKey]
	timers   *timers
	outbox   *outbox
	polls    *polls
	catchup  *catchup
	quiet    *quiet
	parking  *parking
	recent   *recent
	arriving *arriving
	told     atomic.Bool // that it is ready was logged
	opened   atomic.Bool // the store took a first write
}

// New makes a Bridge. It opens nothing and starts nothing.
func New(c Config) *Bridge {
	b := &Bridge{Store: c.Store, Centre: c.Centre, Meter: c.Meter, Log: c.Log, Hook: c.Hook, changes: make(chan change),
		lines: map[string]*line{}, clock: newClock(), parking: newParking(), recent: newRecent()}
	b.use(c.Settings)
	b.status = status{log: c.Log, parts: map[string]Part{storeName: {State: "up", Since: time.Now()}}}
	for name := range c.Adapters {
		b.status.parts[name] = Part{State: "starting", Since: time.Now()}
	}
	b.status.parts[centreName] = Part{State: "starting", Since: time.Now(), Detail: "not asked yet"}
	b.steps = newQueue(maxSteps, func(ctx context.Context, t ThreadKey) {
		if !b.guard("step", t, func() { b.step(ctx, t) }) {
			b.clock.at(time.Now().Add(afterPanic), func() { b.steps.wake(t) })
		}
	})
	b.arriving = newArriving(b.steps.wake)
	b.timers = newTimers(b)
	b.polls = newPolls(b)
	b.catchup = newCatchup(b)
	b.quiet = newQuiet(b)
	b.outbox = newOutbox(b)
	return b
}

// Run works until ctx ends. Then it stops receiving, finishes what is begun within the settings' ShutdownTimeout, and
// returns. The store stays open.
func (b *Bridge) Run(ctx context.Context) error {
	work, cut := context.WithCancel(context.WithoutCancel(ctx)) // of what is begun: outlives ctx
	defer cut()
	b.status.ctx = work
	if err := b.Store.Healthy(ctx); err != nil {
		return fmt.Errorf("try the store: %w", err)
	}
	b.opened.Store(true)

	var receiving, working, bounding sync.WaitGroup
	stop := make(chan struct{})  // ends the workers, once nothing is received any more
	ended := make(chan struct{}) // nothing is at work any more
	bounding.Go(func() { b.boundStop(ctx, cut, ended) })
	working.Go(func() { b.clock.Run(stop) })
	working.Go(func() { b.steps.Run(work, stop) })
	working.Go(func() { b.outbox.centre.lanes.Run(work, stop) })
	for name := range b.settings().Adapters {
		b.lines[name] = b.openLine(work, name)
	}
	b.endUnrouted(ctx)
	b.wakeWaiting(ctx, "")
	receiving.Go(func() { b.polls.Run(ctx, work) })
	receiving.Go(func() { b.scanTimers(ctx) })
	receiving.Go(func() { b.upkeep(ctx) })
	receiving.Go(func() { b.mendStore(ctx) })
	for name, l := range b.lines {
		l.listen(ctx, b, name)
	}
	b.takeChanges(ctx, work)

	for _, l := range b.lines {
		l.hushed.Wait()
	}
	receiving.Wait()
	close(stop)
	for _, l := range b.lines {
		close(l.rest)
	}
	for _, l := range b.lines {
		l.rested.Wait()
	}
	working.Wait()
	close(ended)
	bounding.Wait()
	return nil
}

// boundStop waits until ctx ends, and cuts off what is still on its way when stopping takes too long.
func (b *Bridge) boundStop(ctx context.Context, cut context.CancelFunc, ended <-chan struct{}) {
	<-ctx.Done()
	b.Log.Info("stopping")
	timeout := time.NewTimer(b.settings().ShutdownTimeout)
	defer timeout.Stop()
	select {
	case <-ended:
	case <-timeout.C:
		b.Log.Warn("stopping took too long: what is on its way is looked at after the next start")
		cut()
	}
}

// receive keeps an adapter's line up. One that can never work as configured pauses; the others go on.
func (b *Bridge) receive(ctx context.Context, name string, a Adapter) {
	for ctx.Err() == nil {
		var err error
		b.guard("receive", ThreadKey{Adapter: name}, func() { err = a.Run(ctx, inbox{b: b, stopped: ctx.Done(), line: true}) })
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			b.reported(name, Line{State: LineFailed, Detail: err.Error()})
			<-ctx.Done()
			return
		}
		pause(ctx, storeRetry) // it ended by a panic
	}
}

// endUnrouted ends the open sessions whose adapter or route is no longer configured: nobody could be heard or shown
// anything in them. The agent is told.
func (b *Bridge) endUnrouted(ctx context.Context) {
	open, err := b.Store.Open(ctx, "")
	if err != nil {
		b.storeFailed("list open threads", err)
		return
	}
	set := b.settings()
	var gone []Incoming
	for _, t := range open {
		if set.serves(t.Key) {
			continue
		}
		at := time.Now()
		b.Log.Warn("a session ends because no route leads to its thread any more", slog.String("thread", t.Key.String()))
		gone = append(gone, Incoming{Event: Event{ID: EventID(fmt.Sprintf("unrouted:%s:%d", t.ID, at.UnixNano())), Thread: t.Key,
			At: at, Received: at, Gone: &Gone{What: "thread"}}})
	}
	if _, err := b.ingest(ctx, gone); len(gone) > 0 && err != nil {
		b.Log.Warn("sessions without a route could not be ended; the next start or reload tries again", slog.String("error", err.Error()))
	}
}

// wakeWaiting wakes everything in the store that waits: at the start, and of one adapter after its catch-up.
func (b *Bridge) wakeWaiting(ctx context.Context, adapter string) {
	events, deliveries, err := b.Store.Waiting(ctx)
	for ; err != nil && ctx.Err() == nil; events, deliveries, err = b.Store.Waiting(ctx) {
		b.storeFailed("list what waits", err)
		pause(ctx, storeRetry)
	}
	for _, t := range events {
		if adapter == "" || t.Adapter == adapter {
			b.steps.wake(t.Key)
		}
	}
	for _, l := range deliveries {
		if adapter == "" {
			b.outbox.wake(laneKey{l.Key, l.To})
		}
	}
}

func (b *Bridge) scanTimers(ctx context.Context) {
	for ctx.Err() == nil {
		next := b.timers.scan(ctx)
		pause(ctx, time.Until(next))
	}
}

// upkeep moves the channels' cursors and drops what is no longer kept.
func (b *Bridge) upkeep(ctx context.Context) {
	for n := 0; ctx.Err() == nil; n++ {
		pause(ctx, time.Minute)
		if ctx.Err() != nil {
			return
		}
		b.catchup.moveCursors(ctx)
		b.outbox.sweep()
		for more := n%60 == 0; more && ctx.Err() == nil; {
			now := time.Now()
			var keep time.Time // since when transcripts are kept
			if ledger := b.settings().Limits.Ledger; ledger > 0 {
				keep = now.Add(-ledger)
			}
			var err error
			if more, err = b.Store.Prune(ctx, now.Add(-SeenWindow-overlap), keep); err != nil {
				b.storeFailed("drop what is old", err)
				more = false
			}
		}
	}
}

// mendStore tries a store that failed, so that acknowledging and polling go on when it is well again.
func (b *Bridge) mendStore(ctx context.Context) {
	for ctx.Err() == nil {
		pause(ctx, storeRetry)
		if !b.storeOK() && b.Store.Healthy(ctx) == nil {
			b.storeWorks()
		}
	}
}

// guard runs do with a net: a panic is reported and costs no more than the event at hand.
func (b *Bridge) guard(doing string, t ThreadKey, do func()) (ok bool) {
	defer func() {
		if r := recover(); r != nil {
			b.panicked(doing, t, r)
		}
	}()
	do()
	return true
}

// afterPanic is how long work that ended in a panic rests before it is tried again.
const afterPanic = 30 * time.Second

// panicked reports a panic without its value, which may hold somebody's words.
func (b *Bridge) panicked(doing string, t ThreadKey, r any) {
	b.Meter.Defect()
	kind := fmt.Sprintf("%T", r)
	if e, ok := r.(interface{ RuntimeError() }); ok {
		kind = fmt.Sprint(e)
	}
	b.Log.Error("a defect: this event is given up", slog.String("doing", doing), slog.String("thread", t.String()),
		slog.String("panic", kind), slog.String("stack", string(debug.Stack())))
}

func (b *Bridge) hook(point string) {
	if b.Hook != nil {
		b.Hook(point)
	}
}

// Polls tells how many sessions are polled and how long ago the most overdue poll was answered.
func (b *Bridge) Polls() (n int, oldest time.Duration) { return b.polls.ages(time.Now()) }
