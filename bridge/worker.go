package bridge

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"
)

// maxSteps is how many threads are stepped at once; stepBatch how many events of one thread go into one transaction.
const (
	maxSteps  = 32
	stepBatch = 32
)

// step takes the events that wait in a thread's queue, and its due timers, through Apply and stores what comes of it.
func (b *Bridge) step(ctx context.Context, t ThreadKey) {
	if until := b.arriving.await(t); !until.IsZero() {
		b.clock.at(until, func() { b.steps.wake(t) })
		return
	}
	held := b.catchup.holds(t)
	work, err := b.load(ctx, t, stepBatch, held)
	if errors.Is(err, ErrUnreadable) {
		b.Log.Error("a thread cannot be read and is left alone", slog.String("thread", t.String()), slog.String("error", err.Error()))
		return
	}
	if err != nil {
		b.storeFailed("load a thread", err)
		b.clock.at(time.Now().Add(storeRetry), func() { b.steps.wake(t) })
		return
	}
	s, done := b.applyAll(work, t)
	if len(done.Consumed) == 0 && len(done.Deliveries) == 0 && !done.timers {
		b.watch(s)
		return
	}
	done.Session, done.OpenElsewhere = s, work.of(s.Shadow)
	switch err := b.save(ctx, work.Session, done.Step); {
	case errors.Is(err, ErrConflict):
		b.steps.wake(t)
		return
	case err != nil:
		b.storeFailed("save a thread", err)
		b.clock.at(time.Now().Add(storeRetry), func() { b.steps.wake(t) })
		return
	}
	if work.More {
		b.steps.wake(t)
	}
}

// stepResult takes a result through Apply and settles its delivery, in one transaction. false: somebody else is at work
// on the thread, or the store failed; then the result has to go through the queue.
func (b *Bridge) stepResult(ctx context.Context, settled Settlement) bool {
	t := settled.Delivery.Thread
	work, err := b.load(ctx, t, 0, true)
	if err != nil {
		return false
	}
	env := b.env(t, settled.At)
	env.Elsewhere = work.Elsewhere
	s, eff, ok := b.apply(work.Session, *settled.Result, env)
	if !ok {
		return false
	}
	settled.Result = nil
	step := Step{Session: s, Deliveries: eff.Deliveries, Dead: eff.Dead, Revived: eff.Revived, Settled: &settled, OpenElsewhere: work.of(s.Shadow), At: settled.At}
	return b.save(ctx, work.Session, step) == nil
}

// save stores a step and sets going what follows from it.
func (b *Bridge) save(ctx context.Context, before Session, done Step) error {
	s, t := done.Session, done.Session.Thread
	done.Opens = !before.State.Open() && s.State.Open() && b.settings().Limits.OpenPerCustomer > 0
	route, _ := b.settings().route(t)
	done.Dead = route.deadForLedger(done.Dead)
	var begun *Delivery
	for i := range done.Deliveries {
		if d := &done.Deliveries[i]; begun == nil && b.outbox.intend(d, time.Now()) {
			begun = d
		}
	}
	b.hook("before step")
	if err := b.Store.Save(ctx, done); err != nil {
		b.recent.forget(t)
		return err
	}
	s.Version++
	b.recent.keep(s)
	b.storeWorks()
	b.hook("after step")
	b.traceStepped(before.State, done)
	for _, d := range done.Dead {
		if d.Shadow { // its writer misses nothing
			continue
		}
		b.Meter.DeadLetter(d.Direction)
		b.Log.Warn("a message could not be delivered", slog.String("thread", t.String()), slog.Int("session", d.Session),
			slog.String("direction", string(d.Direction)), slog.String("reason", d.Reason))
	}
	b.changed(before, s, done.At)
	if begun != nil {
		b.outbox.sendBegun(laneKey{t, begun.To}, *begun)
	}
	for _, d := range done.Deliveries {
		if begun == nil || d.ID != begun.ID {
			b.outbox.wake(laneKey{t, d.To})
		}
	}
	b.watch(s)
	if !before.State.Open() && s.State.Open() && !b.settings().serves(t) { // the routes changed meanwhile
		b.endUnrouted(ctx)
	}
	return nil
}

// stepped is a Step in the making.
type stepped struct {
	Step
	timers bool // a timer rang
}

// applyAll takes the session through its events, then through the timers that are due.
func (b *Bridge) applyAll(work Work, t ThreadKey) (Session, stepped) {
	s := work.Session
	s.Thread = t
	now := time.Now()
	out := stepped{Step: Step{At: now}}
	env := b.env(t, now)
	env.Elsewhere = work.Elsewhere
	inPlatformOrder(work.Events)
	for _, q := range work.Events {
		next, eff, ok := b.apply(s, env.Route.forCentre(q.Event), env)
		if !ok {
			eff = Effects{Note: "panic", Dead: wordsOf(q.Event, s, now)}
		} else {
			s = next
		}
		out.Consumed = append(out.Consumed, Consumed{Seq: q.Seq, Body: env.Route.forLedger(withoutAnswer(q.Event)), Note: eff.Note})
		out.add(eff)
	}
	if work.More {
		return s, out
	}
	for _, k := range dueTimers(s, now) {
		next, eff, ok := b.apply(s, Event{Thread: t, At: now, Received: now, Due: &k}, env)
		if !ok {
			delete(s.Timers, k)
		} else {
			s = next
		}
		out.timers = true
		out.add(eff)
	}
	return s, out
}

// wordsOf makes a dead letter of what somebody said in an event that is given up.
func wordsOf(ev Event, s Session, now time.Time) []DeadLetter {
	d := DeadLetter{Thread: s.Thread, Session: s.No, Reason: "panic", At: now, Shadow: s.Shadow}
	switch {
	case ev.Text != nil:
		d.Direction, d.Texts, d.Causes = Up, []string{ev.Text.Body}, []string{string(ev.Text.Message)}
	case ev.Downlink != nil && ev.Downlink.Content != "":
		d.Direction, d.Texts, d.Causes = Down, []string{ev.Downlink.Content}, []string{string(ev.ID)}
	default:
		return nil
	}
	return []DeadLetter{d}
}

// inPlatformOrder sorts what a platform sent among the places it has: several of a thread may have overtaken each other.
func inPlatformOrder(events []Queued) {
	var places []int
	var sent []Queued
	for i, q := range events {
		if q.Event.Order != "" {
			places, sent = append(places, i), append(sent, q)
		}
	}
	slices.SortStableFunc(sent, func(a, b Queued) int { return comparePosition(a.Event, b.Event) })
	for i, q := range sent {
		events[places[i]] = q
	}
}

// withoutAnswer is an event fit for the ledger: an answer's address is a secret, and of no use there.
func withoutAnswer(ev Event) Event {
	if ev.Verb != nil && ev.Verb.Answer != nil {
		v := *ev.Verb
		v.Answer = nil
		ev.Verb = &v
	}
	return ev
}

func (out *stepped) add(eff Effects) {
	out.Deliveries = append(out.Deliveries, eff.Deliveries...)
	out.Dead = append(out.Dead, eff.Dead...)
	out.Revived = append(out.Revived, eff.Revived...)
}

// dueTimers lists what is due, the earliest first.
func dueTimers(s Session, now time.Time) []TimerKind {
	var due []TimerKind
	for _, k := range Timers {
		if at, runs := s.Timers[k]; runs && !at.After(now) {
			due = append(due, k)
		}
	}
	slices.SortStableFunc(due, func(a, b TimerKind) int { return s.Timers[a].Compare(s.Timers[b]) })
	return due
}

// apply is Session.Apply with a net: a panic costs one event.
func (b *Bridge) apply(s Session, ev Event, env Env) (next Session, eff Effects, ok bool) {
	defer func() {
		if r := recover(); r != nil {
			ok = false
			b.panicked("apply", s.Thread, r)
		}
	}()
	next, eff = s.Apply(ev, env)
	return next, eff, true
}

// env is what Apply may know of the world.
func (b *Bridge) env(t ThreadKey, now time.Time) Env {
	set := b.settings()
	route, _ := set.route(t)
	env := Env{Now: now, Route: route, Limits: set.Limits, Instance: b.Store.Instance(), Render: func(Message) []Post { return nil }}
	if a := set.Adapters[t.Adapter]; a != nil {
		env.Render = a.Render
	}
	return env
}

// watch keeps what runs beside a thread: its next due time and its poll.
func (b *Bridge) watch(s Session) {
	if due := s.Due(); !due.IsZero() {
		b.timers.set(s.Thread, due)
	}
	b.polls.watch(s)
}
