package bridge

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"ccbridge/ccm"
)

// outbox makes the calls that go out: for each thread and target one at a time and in order, with a bounded number at
// once for each outside, so that a dead one holds up nobody else.
type outbox struct {
	b *Bridge

	centre *outside

	mu      sync.Mutex
	outside map[string]*outside // by adapter name; the centre's is centreName
	places  map[string]*place
	looks   map[DeliveryID]*look // of deliveries in doubt that are being looked at
	// unsettled are ends that the store could not take yet.
	unsettled map[DeliveryID]ending
	// queueAsked is when the centre was last asked about a visitor's session.
	queueAsked map[string]time.Time
	// begun are deliveries whose intent was stored with the step that made them: they go at once.
	begun map[laneKey]Delivery
}

// outside is the centre or one adapter.
type outside struct {
	name     string
	lanes    *queue[laneKey]
	paused   time.Time // until then nothing begins: our own back-off, over when it answers
	asked    time.Time // the same, as it asked for itself
	refused  bool      // it takes no call of ours until the operator acts
	failures int       // in a row that concern the whole of it
	answered time.Time // when it last answered
	told     time.Time // up to when a limit was logged
	renewed  time.Time // when its adapter took the place of another
}

// centreName is the centre's name among the outsides, and in status and metrics.
const centreName = "centre"

// laneKey is a thread and a target.
type laneKey struct {
	thread ThreadKey
	to     Target
}

func newOutbox(b *Bridge) *outbox {
	o := &outbox{b: b, outside: map[string]*outside{}, places: map[string]*place{}, looks: map[DeliveryID]*look{}, unsettled: map[DeliveryID]ending{}, queueAsked: map[string]time.Time{}, begun: map[laneKey]Delivery{}}
	o.centre = o.add(centreName)
	for name := range b.settings().Adapters {
		o.add(name)
	}
	return o
}

// add makes the lanes of an outside. They do not run yet.
func (o *outbox) add(name string) *outside {
	out := &outside{name: name}
	out.lanes = newQueue(maxCallsAtOnce, func(ctx context.Context, k laneKey) {
		if !o.b.guard("deliver", k.thread, func() { o.work(ctx, out, k) }) {
			o.wakeAt(time.Now().Add(afterPanic), k)
		}
	})
	o.mu.Lock()
	defer o.mu.Unlock()
	o.outside[name] = out
	return out
}

// remove forgets an adapter's lanes, which run no more. Its deliveries stay in the store.
func (o *outbox) remove(adapter string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.outside, adapter)
}

// retry lets an adapter that was made anew try at once. What its platform asked for itself still counts.
func (o *outbox) retry(adapter string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	out := o.outside[adapter]
	out.failures, out.paused, out.refused, out.renewed = 0, time.Time{}, false, time.Now()
}

// maxCallsAtOnce bounds the calls to one outside that are on their way.
const maxCallsAtOnce = 64

func (o *outbox) outsideOf(k laneKey) *outside {
	if k.to == ToCentre {
		return o.centre
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.outside[k.thread.Adapter]
}

// wake makes a lane run. Deliveries of an adapter that is no longer configured stay where they are.
func (o *outbox) wake(k laneKey) {
	if out := o.outsideOf(k); out != nil {
		out.lanes.wake(k)
	}
}

func (o *outbox) wakeAt(t time.Time, k laneKey) { o.b.clock.at(t, func() { o.wake(k) }) }

// work takes the oldest delivery of a lane one step on.
func (o *outbox) work(ctx context.Context, out *outside, k laneKey) {
	if d, ok := o.takeBegun(k); ok {
		o.call(ctx, out, k, d)
		return
	}
	placeName, gap, burst := o.pace(k)
	if until := o.pausedUntil(out); time.Now().Before(until) {
		o.leave(k, placeName)
		o.wakeAt(until, k)
		return
	}
	d, err := o.b.Store.Head(ctx, k.thread.ID(), k.thread.Part(), k.to)
	if err != nil {
		o.b.storeFailed("read a delivery", err)
		o.wakeAt(time.Now().Add(storeRetry), k)
		return
	}
	now := time.Now()
	if d != nil {
		if e, ok := o.ended(d.ID); ok {
			o.settle(ctx, k, *d, e.remote, e.verdict)
			return
		}
	}
	switch {
	case d == nil:
		o.leave(k, placeName)
	case d.Shadow:
		o.leave(k, placeName)
		o.settle(ctx, k, *d, "", shadowed(*d))
	case !d.Deadline.IsZero() && now.Before(d.Deadline) && d.Deadline.Before(now.Add(2*o.b.settings().longestCall)): // else the clock was set back
		o.leave(k, placeName)
		o.wakeAt(d.Deadline, k) // the call may still be under way: first let the deadline pass
	case !d.Deadline.IsZero():
		o.leave(k, placeName)
		o.resolve(ctx, out, k, *d)
	case d.Tries > 0 && !d.GiveUp.IsZero() && now.After(d.GiveUp):
		o.leave(k, placeName)
		o.settle(ctx, k, *d, "", verdict{outcome: GivenUp, detail: "gave up"})
	case now.Before(o.startsAt(*d)):
		o.leave(k, placeName)
		o.wakeAt(o.startsAt(*d), k)
	default:
		if gap > 0 {
			o.mu.Lock()
			mayGo := o.turn(k, placeName, gap, burst, now)
			o.mu.Unlock()
			if !mayGo {
				return
			}
		}
		o.begin(ctx, out, k, *d, false)
	}
}

func (o *outbox) ended(id DeliveryID) (ending, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	e, ok := o.unsettled[id]
	return e, ok
}

// intend stores the intent of a new call to the centre along with the step that makes it, which saves a commit. The
// session has no other call undone, so this one is first. false: it has to wait, and begins by itself later.
func (o *outbox) intend(d *Delivery, now time.Time) bool {
	if d.To != ToCentre || d.Shadow || now.Before(o.pausedUntil(o.centre)) || now.Before(o.startsAt(*d)) {
		return false
	}
	d.Tries, d.Deadline = 1, now.Add(o.b.settings().Limits.CallTimeout)
	return true
}

// sendBegun makes the call of a delivery whose intent is on disk.
func (o *outbox) sendBegun(k laneKey, d Delivery) {
	o.mu.Lock()
	o.begun[k] = d
	o.mu.Unlock()
	o.wake(k)
}

func (o *outbox) takeBegun(k laneKey) (Delivery, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	d, ok := o.begun[k]
	delete(o.begun, k)
	return d, ok
}

// pace asks the adapter for the limit of a post's place.
func (o *outbox) pace(k laneKey) (name string, gap time.Duration, burst int) {
	if k.to != ToThread {
		return "", 0, 0
	}
	p, ok := o.b.settings().Adapters[k.thread.Adapter].(Pacer)
	if !ok {
		return "", 0, 0
	}
	name, gap, burst = p.Pace(k.thread)
	return k.thread.Adapter + "\x00" + name, gap, burst
}

func (o *outbox) pausedUntil(out *outside) time.Time {
	o.mu.Lock()
	defer o.mu.Unlock()
	if out.asked.After(out.paused) {
		return out.asked
	}
	return out.paused
}

// begin stores the intent and makes the call.
func (o *outbox) begin(ctx context.Context, out *outside, k laneKey, d Delivery, repeat bool) {
	d.Deadline = time.Now().Add(o.b.settings().Limits.CallTimeout)
	err := o.b.Store.Begin(ctx, d, d.Deadline, repeat)
	switch {
	case errors.Is(err, ErrConflict):
		o.wake(k)
		return
	case err != nil:
		o.b.storeFailed("begin a delivery", err)
		o.wakeAt(time.Now().Add(storeRetry), k)
		return
	}
	o.b.storeWorks()
	d.Tries++
	if repeat {
		d.Repeats++
		o.b.Meter.Repeated()
		o.b.Log.Warn("repeated in doubt", deliveryAttrs(d)...)
	}
	o.call(ctx, out, k, d)
}

// call makes the call of a delivery whose intent is stored.
func (o *outbox) call(ctx context.Context, out *outside, k laneKey, d Delivery) {
	if time.Until(d.Deadline) < o.b.settings().Limits.CallTimeout/2 { // it waited too long: the call needs an intent of its own
		if err := o.b.Store.Postpone(ctx, d, time.Now()); err != nil && !errors.Is(err, ErrConflict) {
			o.b.storeFailed("postpone a delivery", err)
		}
		o.wake(k)
		return
	}
	o.b.traceBegun(d)
	o.b.hook("before " + callName(d))
	start := time.Now()
	callCtx, cancel := context.WithDeadline(ctx, d.Deadline)
	remote, queue, err := o.send(callCtx, d)
	cancel()
	o.b.Meter.CallTook(out.name, callName(d), time.Since(start))
	o.b.hook("after " + callName(d))
	if err == nil {
		o.works(out)
		o.settle(ctx, k, d, remote, verdict{outcome: Delivered, queue: queue})
		return
	}
	o.failed(ctx, out, k, d, err, start)
}

// failed sorts out a call that gave no clear yes.
func (o *outbox) failed(ctx context.Context, out *outside, k laneKey, d Delivery, err error, began time.Time) {
	v := judge(d, err)
	o.b.traceFailed(d, v.err)
	now := time.Now()
	if v.outcome != "" {
		o.works(out)
		o.settle(ctx, k, d, "", v)
		return
	}
	wait := backoff(d.Tries)
	switch {
	case v.err.Scope == ScopeCentre && v.detail != "":
		wait = min(wait, maxPause) // it answers: the next poll that works ends the pause of the whole
	case v.err.Scope == ScopeAdapter || v.err.Scope == ScopeCentre:
		wait = backoff(1) // the pause of the whole is what holds it back
	}
	wait = max(wait, v.err.RetryAfter)
	o.pause(out, k, v.err, began)
	if v.err.Certainty != NotDone {
		o.wakeAt(d.Deadline, k) // in doubt: the intent stands
		return
	}
	if err := o.b.Store.Postpone(ctx, d, now.Add(wait)); err != nil && !errors.Is(err, ErrConflict) {
		o.b.storeFailed("postpone a delivery", err)
		o.wakeAt(d.Deadline, k)
		return
	}
	o.wakeAt(now.Add(wait), k)
}

// works notes that an outside answers.
func (o *outbox) works(out *outside) {
	o.b.outsideWorks(out.name)
	o.mu.Lock()
	defer o.mu.Unlock()
	out.failures, out.paused, out.answered = 0, time.Time{}, time.Now()
	if out.refused {
		out.refused = false
		o.b.status.set(out.name, string(LineUp), "")
	}
}

// silent reports and notes that the centre answers nobody, although no single failure says so: nothing came from it
// since then.
func (o *outbox) silent(since time.Time, e *SendError) bool {
	o.mu.Lock()
	answered := o.centre.answered
	o.mu.Unlock()
	if !answered.Before(since) {
		return false
	}
	o.b.outsideFailed(centreName, e)
	return true
}

// ending is an end that waits for the store.
type ending struct {
	remote RemoteID
	verdict
}

// verdict is what a failed or looked-up call comes to. outcome "" means that it is not settled.
type verdict struct {
	outcome Outcome
	code    string
	detail  string
	queue   *ccm.QueueInfo
	err     *SendError
}

// settle stores the end of a delivery and tells its session, if the session wants to know.
func (o *outbox) settle(ctx context.Context, k laneKey, d Delivery, remote RemoteID, v verdict) {
	now := time.Now()
	s := Settlement{Delivery: d, Remote: remote, Outcome: v.outcome, Detail: v.detail, At: now}
	told := v.outcome // to the session
	if told == Shadowed {
		told = Delivered
	}
	if d.To == ToCentre || told != Delivered {
		s.Result = &Event{ID: EventID("r:" + string(d.ID)), Thread: d.Thread, At: now, Received: now, Result: &Result{
			Delivery: d.ID, Target: d.To, Call: callKind(d), Outcome: told, Code: v.code, Detail: v.detail,
			Message: messageKind(d), Queue: v.queue, Repeated: d.Repeats > 0}}
	}
	if d.To == ToThread && told != Delivered && isAnswer(d) {
		s.Dead = &DeadLetter{Thread: d.Thread, Session: d.Session, Direction: Down, Texts: []string{d.Message.Text}, Reason: v.code, At: now,
			Causes: []string{d.Cause}, Kind: d.Message.Kind, Speaker: d.Message.Speaker}
	}
	route, _ := o.b.settings().route(d.Thread)
	s.Kept = route.settledForLedger(d)
	if s.Dead != nil {
		s.Dead = &route.deadForLedger([]DeadLetter{*s.Dead})[0]
	}
	if s.Result != nil && s.Dead == nil && o.b.stepResult(ctx, s) {
		s.Result = nil
		o.settled(k, d, s)
		return
	}
	if err := o.b.Store.Settle(ctx, s); err != nil {
		o.b.storeFailed("settle a delivery", err)
		o.mu.Lock()
		o.unsettled[d.ID] = ending{remote, v}
		o.mu.Unlock()
		o.wakeAt(now.Add(storeRetry), k)
		return
	}
	o.settled(k, d, s)
}

func (o *outbox) settled(k laneKey, d Delivery, s Settlement) {
	o.mu.Lock()
	delete(o.looks, d.ID)
	delete(o.unsettled, d.ID)
	o.mu.Unlock()
	o.b.storeWorks()
	o.b.traceSettled(s)
	o.b.Meter.Delivered(d.To, string(s.Outcome))
	if s.Dead != nil {
		o.b.Meter.DeadLetter(s.Dead.Direction)
		o.b.Log.Warn("an answer could not be shown", append(deliveryAttrs(d), slog.String("reason", s.Dead.Reason), slog.String("detail", s.Detail))...)
	}
	o.wake(k)
	if s.Result != nil {
		o.b.steps.wake(k.thread)
	}
}

// isAnswer: the words of the robot, the agent or the centre, not the bridge's own.
func isAnswer(d Delivery) bool {
	switch messageKind(d) {
	case MessageRobot, MessageAgent, MessageSystem:
		return true
	}
	return false
}

func callKind(d Delivery) CallKind {
	if d.Call == nil {
		return ""
	}
	return d.Call.Kind
}

func messageKind(d Delivery) MessageKind {
	if d.Message == nil {
		return ""
	}
	return d.Message.Kind
}

// callName is the label of a call in logs and metrics.
func callName(d Delivery) string {
	if d.Call != nil {
		return string(d.Call.Kind)
	}
	return string(messageKind(d))
}

func deliveryAttrs(d Delivery) []any {
	return []any{slog.String("delivery", string(d.ID)), slog.String("thread", d.Thread.String()), slog.Int("session", d.Session),
		slog.String("call", callName(d)), slog.Int("tries", d.Tries)}
}

// storeRetry is how long to wait after the store failed.
const storeRetry = time.Second

// maxPause is how long an outside is left alone at most, unless it asks for more.
const maxPause = 10 * time.Second

// backoff is how long to wait after n failures: half a second doubled each time, at most half a minute, with jitter.
func backoff(n int) time.Duration {
	d := 500 * time.Millisecond << min(max(n-1, 0), 6)
	d = min(d, 30*time.Second)
	return d/2 + rand.N(d/2)
}
