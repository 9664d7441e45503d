package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"ccbridge/bridge"
)

func (e *erasure) erase(ctx context.Context, end func(bridge.Session) (bridge.Session, []bridge.Delivery)) error {
	now := time.Now()
	out, err := e.eraseSession(ctx, end)
	if err == nil {
		err = e.eraseQueue(ctx, now)
	}
	if err == nil {
		err = e.eraseDeliveries(ctx, now)
	}
	if err == nil {
		err = e.eraseLedger(ctx)
	}
	if err == nil && e.own {
		_, err = e.exec(ctx, deleteAllHeard, e.part, e.thread)
	}
	for _, d := range out {
		if err == nil {
			err = e.insert(ctx, d)
		}
	}
	return err
}

// eraseSession saves the session without words, and says what has to be told the centre.
func (e *erasure) eraseSession(ctx context.Context, end func(bridge.Session) (bridge.Session, []bridge.Delivery)) (out []bridge.Delivery, err error) {
	before := e.session
	if e.own {
		e.done.Waiting = len(before.Held)
		if before.Asked != nil {
			e.done.Waiting += len(before.Asked.Texts)
		}
		if before.State.Open() {
			e.done.Ended = 1
		}
		e.session, out = end(before)
	} else {
		e.session = before.Without(func(cause string) bool { return e.wrote[cause] })
	}
	old, err := json.Marshal(before)
	if err != nil {
		return nil, fmt.Errorf("encode session: %w", err)
	}
	body, err := json.Marshal(e.session)
	if err != nil {
		return nil, fmt.Errorf("encode session: %w", err)
	}
	if string(body) == string(old) {
		return out, nil
	}
	e.changed = true
	s := e.session
	_, err = e.exec(ctx, updateErased, e.part, e.thread, s.No, s.State, flag(s.State.Open()), nanos(s.Due()), string(body))
	return out, err
}

// eraseQueue has what waits to be worked go without effect.
func (e *erasure) eraseQueue(ctx context.Context, now time.Time) error {
	for _, k := range e.queue {
		if ev := k.event; ev.Text == nil && ev.Verb == nil && ev.Downlink == nil || !e.concerns(k) {
			continue
		}
		at := e.place
		at.session = e.session.No
		row, err := eventRow(at, bridge.Consumed{Seq: k.seq, Body: e.wordless(k), Note: "erased"}, now)
		if err == nil {
			row.item, err = e.item(ctx, k)
		}
		if err == nil {
			err = row.write(ctx, e.tx)
		}
		if err == nil {
			_, err = e.exec(ctx, deleteQueue, e.part, e.thread, k.seq)
		}
		if err != nil {
			return err
		}
		e.done.Rows++
		e.done.Waiting++
	}
	return nil
}

// wordless is an event without words, and without an id that is made of them.
func (e *erasure) wordless(k kept) bridge.Event {
	ev := k.event.Wordless()
	if madeOfWords(string(ev.ID)) {
		ev.ID = bridge.EventID(fmt.Sprintf("erased:%d", k.seq))
	}
	return ev
}

// madeOfWords: the id holds a hash of the words, by which a guess could be proved. Its session is over: it comes no more.
func madeOfWords(item string) bool { return strings.HasPrefix(item, "h:") }

// item is what an erased row is called. An id made of words is no longer remembered as seen.
func (e *erasure) item(ctx context.Context, k kept) (string, error) {
	item := k.item
	if k.event != nil {
		item = string(k.event.ID)
	}
	if !madeOfWords(item) {
		return item, nil
	}
	_, err := e.exec(ctx, deleteSeen, e.part, item)
	return fmt.Sprintf("erased:%d", k.seq), err
}

// eraseDeliveries settles what waits to be delivered. In somebody else's thread its session is told.
func (e *erasure) eraseDeliveries(ctx context.Context, now time.Time) error {
	for _, k := range e.calls {
		if !e.concerns(k) {
			continue
		}
		d := k.delivery
		body, err := json.Marshal(d.Wordless())
		if err != nil {
			return fmt.Errorf("encode delivery %s: %w", d.ID, err)
		}
		if string(body) == k.body {
			continue // it has no words, and so is of an erasure itself
		}
		if _, err := e.exec(ctx, settleErased, e.part, d.ID, nanos(now), k.directionOf(), string(body)); err != nil {
			return err
		}
		if _, err := e.exec(ctx, deleteDelivery, e.part, d.ID); err != nil {
			return err
		}
		e.done.Rows++
		if d.Call == nil || d.Call.Kind == bridge.CallChat {
			e.done.Waiting++
		}
		if !e.own {
			if err := e.tell(ctx, *d, now); err != nil {
				return err
			}
		}
	}
	return nil
}

// tell queues the result of a call that was taken from its session.
func (e *erasure) tell(ctx context.Context, d bridge.Delivery, now time.Time) error {
	ev := bridge.Event{ID: bridge.EventID("r:" + string(d.ID)), Thread: e.ref.Key, At: now, Received: now,
		Result: &bridge.Result{Delivery: d.ID, Target: d.To, Call: d.Call.Kind, Outcome: bridge.GivenUp, Detail: "erased"}}
	body, err := json.Marshal(ev)
	if err != nil {
		return fmt.Errorf("encode result: %w", err)
	}
	seq, err := e.number(ctx, e.tx)
	if err == nil {
		_, err = e.exec(ctx, insertQueue, e.part, e.thread, seq, "", nanos(now), string(body))
	}
	return err
}

func (e *erasure) eraseLedger(ctx context.Context) error {
	for _, k := range e.ledger {
		if !e.concerns(k) {
			continue
		}
		body, dead, err := e.rest(k)
		if err != nil {
			return fmt.Errorf("encode ledger row %d: %w", k.seq, err)
		}
		if body == k.body && !madeOfWords(k.item) {
			continue // it was erased before
		}
		item, err := e.item(ctx, k)
		if err == nil {
			_, err = e.exec(ctx, updateBody, e.part, e.thread, k.session, k.seq, nanos(k.at), item, flag(dead), body)
		}
		if err != nil {
			return err
		}
		e.done.Rows++
	}
	return nil
}

// rest is what is left of a ledger row's body, and whether it still is a dead letter on the list.
func (e *erasure) rest(k kept) (body string, dead bool, err error) {
	var left any
	switch {
	case k.event != nil:
		left = e.wordless(k)
	case k.delivery != nil && k.delivery.To != "":
		left = k.delivery.Wordless()
	case k.letter != nil && !e.own:
		l := *k.letter
		l.Texts, l.Causes, l.Agents = bridge.WithoutTexts(l.Texts, l.Causes, l.Agents, func(c string) bool { return e.wrote[c] })
		left, dead = l, k.dead && len(l.Texts) > 0
	case k.letter != nil:
		left = letterBody{}
	default: // a private answer, whose body was never kept, or what cannot be read
		return "", false, nil
	}
	text, err := json.Marshal(left)
	return string(text), dead, err
}

// insert stores a delivery that the erasure makes.
func (e *erasure) insert(ctx context.Context, d bridge.Delivery) error {
	body, err := json.Marshal(d)
	if err != nil {
		return fmt.Errorf("encode delivery %s: %w", d.ID, err)
	}
	seq, err := e.number(ctx, e.tx)
	if err == nil {
		_, err = e.exec(ctx, insertDelivery, e.part, d.ID, e.thread, d.To, seq, d.Session, deliveryKind(d), contentHash(d), nanos(d.Made),
			0, 0, 0, 0, 0, string(body))
	}
	return err
}
