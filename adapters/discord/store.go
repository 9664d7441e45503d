package discord

import (
	"context"
	"errors"
	"time"

	"ccbridge/bridge"
)

const (
	// putTime bounds one Put; also at shutdown, when what was received is still stored.
	putTime = 5 * time.Second
	// putPause is the first pause after a Put that failed; it doubles up to putPauseMax.
	putPause    = 200 * time.Millisecond
	putPauseMax = 5 * time.Second
	// gapPause is the least time between two catch-ups asked for because an event could not be placed.
	gapPause = time.Minute
)

// handle stores the events of one batch; it works in a lane.
func (a *Adapter) handle(ctx context.Context, in bridge.Inbox, batch []incoming) {
	var evs []bridge.Event
	for _, it := range batch {
		ev, ok, err := a.convert(ctx, it)
		if err != nil {
			a.log.Warn("event not placed", "kind", it.kind, "error", err)
			a.askCatchUp(in)
		}
		switch {
		case ok && ev.Verb != nil: // alone, so that what becomes of it is known
			a.put(ctx, in, evs)
			a.put(ctx, in, []bridge.Event{ev})
			evs = nil
		case ok:
			evs = append(append(evs, a.missedDirect(ctx, &ev)...), ev)
		}
	}
	a.put(ctx, in, evs)
}

// put stores evs, trying until it works or ctx ends. Verbs are not tried again: their callers are told to.
func (a *Adapter) put(ctx context.Context, in bridge.Inbox, evs []bridge.Event) {
	for pause := putPause; len(evs) > 0; pause = min(2*pause, putPauseMax) {
		// What is received is stored also when the adapter is being stopped.
		pctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), putTime)
		err := in.Put(pctx, evs...)
		cancel()
		switch {
		case err == nil:
			return
		case errors.Is(err, bridge.ErrNoThread):
			a.answerSoon(ctx, evs[0].Verb.Answer, bridge.SayHowToStart)
			return
		}
		a.log.Error("events not stored", "count", len(evs), "error", err)
		texts := evs[:0:0]
		for _, ev := range evs {
			if ev.Verb != nil {
				a.answerSoon(ctx, ev.Verb.Answer, bridge.SayTryAgain)
			} else {
				texts = append(texts, ev)
			}
		}
		evs = texts
		if sleep(ctx, pause) != nil {
			return
		}
	}
}
