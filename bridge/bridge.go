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
	Store    Store
	Centre   Centre
	Adapters map[string]Adapter // by configured name
	Routes   []Route
	Limits   Limits
	// OnUnknown is what happens to a text of which nobody can say whether it arrived: "repeat" or "ask".
	OnUnknown string
	// ShutdownTimeout bounds what Run may still take to finish what is begun.
	ShutdownTimeout time.Duration
	Meter           Meter
	Log             *slog.Logger
	// Hook is called around commits and outside calls, so that tests can stop the process there. nil otherwise.
	Hook func(point string)
}

// Meter counts what happens. Its methods must not block.
type Meter interface {
	Delivered(to Target, result string)
	Repeated() // a call was repeated in doubt
	DeadLetter(Direction)
	PossibleLoss()
	CallTook(to, call string, took time.Duration)
	Limited(adapter string, wait time.Duration)
	Reconnected(adapter string)
}

// Bridge is the core at work: it takes events in, steps sessions, and makes the calls that follow.
type Bridge struct {
	Config
	status   status
	clock    *clock
	steps    *queue[ThreadKey]
	timers   *timers
	outbox   *outbox
	polls    *polls
	catchup  *catchup
	parking  *parking
	recent   *recent
	arriving *arriving
	stopping <-chan struct{} // ends with the context of Run
	opened   atomic.Bool     // the store took a first write
}

// New makes a Bridge. It opens nothing and starts nothing.
func New(c Config) *Bridge {
	b := &Bridge{Config: c, clock: newClock(), parking: newParking(), recent: newRecent()}
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
	b.outbox = newOutbox(b)
	return b
}

// Run works until ctx ends. Then it stops receiving, finishes what is begun within ShutdownTimeout, and returns. The
// store stays open.
func (b *Bridge) Run(ctx context.Context) error {
	work, cut := context.WithCancel(context.WithoutCancel(ctx)) // of what is begun: outlives ctx
	defer cut()
	b.status.ctx = work
	b.stopping = ctx.Done()
	if err := b.Store.Healthy(ctx); err != nil {
		return fmt.Errorf("try the store: %w", err)
	}
	b.opened.Store(true)

	var receiving, working sync.WaitGroup
	stop := make(chan struct{}) // ends the workers, once nothing is received any more
	working.Go(func() { b.clock.Run(stop) })
	working.Go(func() { b.steps.Run(work, stop) })
	for _, out := range b.outbox.outside {
		working.Go(func() { out.lanes.Run(work, stop) })
	}
	b.endUnrouted(ctx)
	b.wakeWaiting(ctx, "")
	receiving.Go(func() { b.polls.Run(ctx, work) })
	receiving.Go(func() { b.scanTimers(ctx) })
	receiving.Go(func() { b.upkeep(ctx) })
	receiving.Go(func() { b.mendStore(ctx) })
	for name, a := range b.Adapters {
		receiving.Go(func() { b.catchup.Run(ctx, name) })
		receiving.Go(func() { b.receive(ctx, name, a) })
	}

	<-ctx.Done()
	b.Log.Info("stopping")
	timeout := time.AfterFunc(b.ShutdownTimeout, func() {
		b.Log.Warn("stopping took too long: what is on its way is looked at after the next start")
		cut()
	})
	defer timeout.Stop()
	receiving.Wait()
	close(stop)
	working.Wait()
	return nil
}

// receive keeps an adapter's line up. One that can never work as configured pauses; the others go on.
func (b *Bridge) receive(ctx context.Context, name string, a Adapter) {
	for ctx.Err() == nil {
		var err error
		b.guard("receive", ThreadKey{Adapter: name}, func() { err = a.Run(ctx, inbox{b}) })
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
	var gone []Incoming
	for _, t := range open {
		_, routed := routeFor(b.Routes, t.Key.Adapter, t.Key.Channel, t.Key.Root == "")
		if routed && b.Adapters[t.Key.Adapter] != nil {
			continue
		}
		now := time.Now()
		b.Log.Warn("a session ends because no route leads to its thread any more", slog.String("thread", t.Key.String()))
		gone = append(gone, Incoming{Event: Event{ID: EventID(fmt.Sprintf("unrouted:%s:%d", t.ID, now.UnixNano())), Thread: t.Key,
			At: now, Received: now, Gone: &Gone{What: "thread"}}})
	}
	if _, err := b.ingest(ctx, gone); len(gone) > 0 && err != nil {
		b.Log.Warn("sessions without a route could not be ended; the next start tries again", slog.String("error", err.Error()))
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
			if b.Limits.Ledger > 0 {
				keep = now.Add(-b.Limits.Ledger)
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
