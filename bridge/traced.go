package bridge

import (
	"log/slog"
	"time"
)

// What happens to events and deliveries is logged at debug level, step by step and without anybody's words: "stored",
// "stepped", "begun", "settled", "call failed", and beside them "looked". `ccbridge demo` shows these lines.

// debugs says whether anybody wants them, so that nothing is made ready for nobody.
func (b *Bridge) debugs() bool { return b.Log.Enabled(b.status.ctx, slog.LevelDebug) }

// traceStored: an event is on disk, and its sender may hear so.
func (b *Bridge) traceStored(ev Event) {
	if !b.debugs() {
		return
	}
	b.Log.Debug("stored", slog.String("event", string(ev.ID)), slog.String("kind", eventKind(ev)), slog.String("thread", ev.Thread.String()))
}

// eventKind is what an event is, in one word.
func eventKind(ev Event) string {
	switch {
	case ev.Text != nil:
		return "text"
	case ev.Verb != nil:
		return "verb " + string(ev.Verb.Kind)
	case ev.Downlink != nil:
		return "answer"
	case ev.Gone != nil:
		return "gone"
	case ev.Result != nil:
		return "result"
	}
	return "other"
}

// traceStepped: a session was taken through events, and what follows from them is on disk.
func (b *Bridge) traceStepped(before State, done Step) {
	if !b.debugs() {
		return
	}
	events := len(done.Consumed)
	if done.Settled != nil {
		events++
	}
	b.Log.Debug("stepped", slog.String("thread", done.Session.Thread.String()), slog.Int("session", done.Session.No), slog.String("from", string(before)),
		slog.String("to", string(done.Session.State)), slog.Int("events", events), slog.Int("deliveries", len(done.Deliveries)))
}

// traceBegun: the intent of a call is on disk, and the call is made now.
func (b *Bridge) traceBegun(d Delivery) {
	if !b.debugs() {
		return
	}
	attrs := append(deliveryAttrs(d), slog.String("target", string(d.To)))
	if d.Call != nil {
		attrs = append(attrs, slog.String("visitor", d.Call.Visitor.UserID))
	}
	b.Log.Debug("begun", attrs...)
}

// traceFailed: a call gave no clear yes.
func (b *Bridge) traceFailed(d Delivery, e *SendError) {
	if !b.debugs() {
		return
	}
	b.Log.Debug("call failed", append(deliveryAttrs(d), slog.String("target", string(d.To)), slog.String("certainty", e.Certainty.String()),
		slog.String("error", e.Error()))...)
}

// traceSettled: what came of a delivery is on disk.
func (b *Bridge) traceSettled(s Settlement) {
	if !b.debugs() {
		return
	}
	b.Log.Debug("settled", append(deliveryAttrs(s.Delivery), slog.String("target", string(s.Delivery.To)), slog.String("outcome", string(s.Outcome)),
		slog.Int64("took_ms", time.Since(s.Delivery.Made).Milliseconds()))...)
}
