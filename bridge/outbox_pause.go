package bridge

import (
	"log/slog"
	"time"
)

// pause holds back what shares the failure of a call that began then: a place, an adapter, the centre.
func (o *outbox) pause(out *outside, k laneKey, e *SendError, began time.Time) {
	now := time.Now()
	name, _, _ := o.pace(k)
	o.mu.Lock()
	defer o.mu.Unlock()
	switch e.Scope {
	case ScopeChannel:
		if e.RetryAfter <= 0 || name == "" {
			return
		}
		p := o.places[name]
		if p == nil {
			p = &place{}
			o.places[name] = p
		}
		if until := now.Add(e.RetryAfter); p.next.Before(until) {
			p.next, p.rested, p.asked = until, until, until
		}
		o.waits(out, e, now, slog.String("channel", k.thread.Channel))
	case ScopeAdapter, ScopeCentre:
		if began.Before(out.renewed) {
			return // it was the adapter's predecessor that failed
		}
		if !now.Before(out.paused) { // else one more of the same failure
			out.failures++
		}
		wait := max(e.RetryAfter, min(backoff(out.failures), maxPause))
		if e.Final {
			wait = max(wait, time.Minute)
		}
		if until := now.Add(wait); out.paused.Before(until) {
			out.paused = until
		}
		if until := now.Add(e.RetryAfter); e.RetryAfter > 0 && out.asked.Before(until) {
			out.asked = until
			o.waits(out, e, now)
		}
		out.refused = out.refused || e.Final && out.name != centreName
		o.b.outsideFailed(out.name, e)
	}
}

// longLimit is a limit that an operator wants to know of; shorter ones are everyday.
const longLimit = 5 * time.Second

// waits counts a limit, and logs a long one once until it is over. The caller holds mu.
func (o *outbox) waits(out *outside, e *SendError, now time.Time, attrs ...any) {
	o.b.Meter.Limited(out.name, e.RetryAfter)
	if e.RetryAfter < longLimit || now.Before(out.told) {
		return
	}
	out.told = now.Add(e.RetryAfter)
	o.b.Log.Info("told to wait", append([]any{slog.String("part", out.name), slog.String("code", e.Code),
		slog.String("until", out.told.UTC().Format(time.RFC3339))}, attrs...)...)
}
