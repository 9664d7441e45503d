package bridge

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// SeenWindow is how long an event's id is remembered. An older event is never new.
const SeenWindow = 72 * time.Hour

// inbox stores what comes in. It is the Inbox that adapters see.
type inbox struct {
	b       *Bridge
	stopped <-chan struct{} // ends with the adapter's line
	line    bool            // of Run: what comes came over the line
	fresh   func(Event)     // told of each event that was not known; nil: nobody wants to know
}

var _ Inbox = inbox{}

// ErrNoThread is what Put gives for a verb that waits for a private answer where there is no conversation of ours. What
// came with it is stored.
var ErrNoThread = errors.New("no such conversation")

// Put implements Inbox.
func (in inbox) Put(ctx context.Context, evs ...Event) error {
	b := in.b
	now := time.Now()
	var incoming []Incoming
	var nowhere error
	for _, ev := range evs {
		if in.line && ev.Text != nil {
			b.quiet.heard(ev.Thread)
		}
		if ev.Gone != nil && ev.Gone.What != "thread" {
			gone, err := in.fanOut(ctx, ev)
			if err != nil {
				return err
			}
			incoming = append(incoming, gone...)
			continue
		}
		if i, ok := b.admit(ev, now); ok {
			incoming = append(incoming, i)
			continue
		}
		b.Meter.Event(ev.Thread.Adapter, EventNoThread)
		if ev.Verb != nil && ev.Verb.Answer != nil {
			nowhere = ErrNoThread
		}
	}
	if len(incoming) == 0 {
		return nowhere
	}
	parked := b.parkedFor(incoming)
	if len(parked) > 0 {
		incoming = append(incoming, parked...)
		slices.SortStableFunc(incoming, func(x, y Incoming) int { return comparePosition(x.Event, y.Event) })
	}
	became, err := b.ingest(ctx, incoming)
	if err != nil {
		for _, p := range parked {
			b.parking.put(p)
		}
		for _, i := range incoming {
			b.Meter.Event(i.Event.Thread.Adapter, EventRefused)
		}
		return err
	}
	for i, what := range became {
		b.Meter.Event(incoming[i].Event.Thread.Adapter, what.result())
		if what == Fresh && in.fresh != nil {
			in.fresh(incoming[i].Event)
		}
		if v := incoming[i].Event.Verb; what == NoThread && v != nil && v.Answer != nil {
			nowhere = ErrNoThread
		}
	}
	return nowhere
}

// parkedFor takes what came before the events that begin its thread, so that all of it is stored in its order.
func (b *Bridge) parkedFor(incoming []Incoming) (parked []Incoming) {
	for _, i := range incoming {
		if i.Opens {
			parked = append(parked, b.parking.take(i.Event.Thread)...)
		}
	}
	return parked
}

// ingest stores events and wakes what has to work on them.
func (b *Bridge) ingest(ctx context.Context, incoming []Incoming) ([]Ingested, error) {
	b.hook("before ingest")
	b.arriving.begin(incoming)
	became, err := b.Store.Ingest(ctx, incoming)
	b.arriving.end(incoming)
	if err != nil {
		b.storeFailed("store an event", err)
		b.refused(incoming)
		return nil, fmt.Errorf("store events: %w", err)
	}
	b.storeWorks()
	b.hook("after ingest")
	var late []Incoming
	now := time.Now()
	for i, what := range became {
		switch in := incoming[i]; {
		case what == Fresh:
			b.traceStored(in.Event)
			b.steps.wake(in.Event.Thread)
			if in.Opens {
				late = append(late, b.parking.open(in.Event.Thread, now)...)
			}
		case what == NoThread && in.Event.Text != nil && !b.parking.put(in):
			late = append(late, in)
		}
	}
	if len(late) > 0 {
		if _, err := b.ingest(ctx, late); err != nil {
			for _, in := range late {
				b.parking.put(in)
			}
			return nil, err
		}
	}
	return became, nil
}

// refused notes a gap for what a platform sent and could not be stored: it sends that again behind newer events, or never.
func (b *Bridge) refused(incoming []Incoming) {
	for _, in := range incoming {
		if in.Event.Order == "" {
			continue
		}
		b.catchup.owe(in.Event.Thread.Adapter)
		if b.storeOK() { // it was the caller who gave up
			b.catchup.resume(in.Event.Thread.Adapter)
		}
	}
}

// admit says whether a route accepts an event, and what it may do.
func (b *Bridge) admit(ev Event, now time.Time) (Incoming, bool) {
	direct, set := ev.Thread.Root == "", b.settings()
	route, ok := routeFor(set.Routes, ev.Thread.Adapter, ev.Thread.Channel, direct)
	if !ok || !ev.At.IsZero() && ev.At.Before(now.Add(-SeenWindow)) {
		return Incoming{}, false
	}
	ev.Received = now
	fresh := !ev.At.Before(now.Add(-max(set.Limits.CatchUp, minCatchUp)))
	opens := false
	if t := ev.Text; t != nil && !t.Edited && !t.Deleted {
		opens = fresh && route.opensBy(*t)
		if v, ok := verbIn(*t); ok {
			v.Opens, ev.Text, ev.Verb = opens, nil, &v
		}
	}
	return Incoming{Event: route.atTheDoor(ev), Opens: opens, Dedupe: true}, true
}

// minCatchUp is how late an event may come and still open a session: a platform's own retries take some minutes.
const minCatchUp = 10 * time.Minute

// opensBy says whether a text opens a session in a thread that never had one.
func (r Route) opensBy(t Text) bool {
	switch r.Open {
	case OpenMessage:
		return t.TopLevel || t.Mention || t.Direct
	case OpenMention:
		return t.Mention || t.Direct
	}
	return false // it is opened by the agent command alone
}

// verbIn reads a verb that stands in a text: it must be the whole of it, behind a mention or in a direct message.
func verbIn(t Text) (Verb, bool) {
	if !t.Mention && !t.Direct {
		return Verb{}, false
	}
	v := Verb{By: t.Author, Direct: t.Direct, Make: t.Make, Message: t.Message}
	switch strings.ToLower(strings.TrimSpace(t.Body)) {
	case "agent", "human", "/agent", "/human":
		v.Kind = VerbAgent
	case "end", "/end":
		v.Kind = VerbEnd
	default:
		return Verb{}, false
	}
	return v, true
}

// fanOut makes one event for each open thread of a channel or an adapter that is gone.
func (in inbox) fanOut(ctx context.Context, ev Event) ([]Incoming, error) {
	open, err := in.b.Store.Open(ctx, ev.Thread.Adapter)
	if err != nil {
		return nil, fmt.Errorf("list open threads: %w", err)
	}
	var gone []Incoming
	for _, t := range open {
		if ev.Gone.What == "channel" && t.Key.Channel != ev.Thread.Channel || ev.Thread.Space != "" && t.Key.Space != ev.Thread.Space {
			continue
		}
		one := ev
		one.ID = EventID(fmt.Sprintf("%s:%s", ev.ID, t.ID))
		one.Thread = t.Key
		one.Received = time.Now()
		gone = append(gone, Incoming{Event: one, Dedupe: true})
	}
	return gone, nil
}

// OpenThreads implements Inbox.
func (in inbox) OpenThreads(ctx context.Context, adapter, channel string, who UserID) ([]ThreadKey, error) {
	keys, err := in.b.Store.OpenThreads(ctx, adapter, channel, who)
	if err != nil {
		return nil, fmt.Errorf("list open threads: %w", err)
	}
	return keys, nil
}

// Report implements Inbox.
func (in inbox) Report(adapter string, l Line) {
	select {
	case <-in.stopped: // a line that goes down now is no news
	default:
		in.b.reported(adapter, l)
	}
}
