package store

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"ccbridge/bridge"
)

const (
	// transcriptBatch is in selectPage: so many threads are listed at once.
	transcriptBatch = 200

	selectPage = `SELECT ` + refColumns + `, t.customer FROM thread t
		WHERE (t.part, t.id) > ($1, $2) AND (t.active_at >= $3
			OR EXISTS (SELECT 1 FROM ledger l WHERE l.part = t.part AND l.thread = t.id AND l.at >= $3)
			OR EXISTS (SELECT 1 FROM queue q WHERE q.part = t.part AND q.thread = t.id)
			OR EXISTS (SELECT 1 FROM delivery d WHERE d.part = t.part AND d.thread = t.id))
		ORDER BY t.part, t.id LIMIT 200`

	selectOne = `SELECT ` + refColumns + `, t.customer FROM parts p CROSS JOIN thread t WHERE t.part = p.part AND t.id = $1`

	selectSaid = `SELECT session_no, seq, at, direction, kind, item, remote, outcome, detail, tries, repeats, begun_at, is_dead, body FROM ledger
		WHERE part = $1 AND thread = $2 ORDER BY session_no, seq`
	selectUnworked  = `SELECT seq, received_at, body FROM queue WHERE part = $1 AND thread = $2 ORDER BY seq`
	selectUnsettled = `SELECT seq, made_at, tries, repeats, begun_at, deadline, not_before, body
		FROM delivery WHERE part = $1 AND thread = $2 ORDER BY seq`
)

// customerOf is a thread with whose it is.
type customerOf struct {
	bridge.ThreadRef
	customer bridge.UserID
}

// Transcript implements bridge.ConsoleStore. It reads one thread at a time.
func (s *Store) Transcript(ctx context.Context, span bridge.Span, each func(bridge.Entry) error) error {
	err := s.eachCustomer(ctx, span, func(t customerOf) error {
		entries, err := s.said(ctx, t)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if e.At.Before(span.From) || !span.To.IsZero() && !e.At.Before(span.To) {
				continue
			}
			if err := each(e); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read transcript: %w", err)
	}
	return nil
}

// eachCustomer visits the threads of a span, a page of them at a time.
func (s *Store) eachCustomer(ctx context.Context, span bridge.Span, visit func(customerOf) error) error {
	query, args := selectPage, []any{-1, "", nanos(span.From)}
	if span.Thread != "" {
		query, args = selectOne, []any{span.Thread}
	}
	for {
		var page []customerOf
		err := s.each(ctx, query, args, func(r *rows) error {
			var t customerOf
			err := scanRef(r, &t.ThreadRef, &t.customer)
			page = append(page, t)
			return err
		})
		if err != nil {
			return err
		}
		for _, t := range page {
			if err := visit(t); err != nil {
				return err
			}
		}
		if span.Thread != "" || len(page) < transcriptBatch {
			return nil
		}
		last := page[len(page)-1]
		args = []any{last.Part, last.ID, nanos(span.From)}
	}
}

// kept is a row of the ledger, or what will be one: an event of the queue, a delivery that is not settled.
type kept struct {
	place
	seq       int64
	at        time.Time // stepped or settled; zero: not yet
	direction bridge.Direction
	kind      string
	item      string
	remote    bridge.RemoteID
	outcome   bridge.Outcome
	detail    string
	begun     time.Time // of a delivery: the first call
	tries     int
	repeats   int
	dead      bool             // still on the list of dead letters
	event     *bridge.Event    // of an event
	delivery  *bridge.Delivery // of a delivery; of a private answer that is settled nothing but its id and thread is known
	letter    *letterBody      // of a dead letter
	body      string           // as stored; only where it is to be erased
}

// thread reads all that is kept of a thread, in the order it came.
func (s *Store) thread(ctx context.Context, t bridge.ThreadRef) ([]kept, error) {
	var list []kept
	err := s.each(ctx, selectSaid, []any{t.Part, t.ID}, func(r *rows) error {
		k := kept{place: place{part: t.Part, thread: t.ID}}
		var at, begun int64
		var body string
		if err := r.Scan(&k.session, &k.seq, &at, &k.direction, &k.kind, &k.item, &k.remote, &k.outcome, &k.detail, &k.tries, &k.repeats,
			&begun, &k.dead, &body); err != nil {
			return err
		}
		k.at, k.begun = instant(at), instant(begun)
		list = append(list, k.decoded(body, t))
		return nil
	})
	if err == nil {
		err = s.each(ctx, selectUnworked, []any{t.Part, t.ID}, func(r *rows) error {
			k := kept{place: place{part: t.Part, thread: t.ID}, event: &bridge.Event{}}
			var received int64
			var body string
			err := r.Scan(&k.seq, &received, &body)
			if err == nil && json.Unmarshal([]byte(body), k.event) == nil {
				list = append(list, k)
			}
			return err
		})
	}
	if err == nil {
		err = s.each(ctx, selectUnsettled, []any{t.Part, t.ID}, func(r *rows) error {
			d := &bridge.Delivery{}
			k := kept{place: place{part: t.Part, thread: t.ID}, delivery: d}
			var made, begun, deadline, notBefore int64
			var body string
			err := r.Scan(&k.seq, &made, &k.tries, &k.repeats, &begun, &deadline, &notBefore, &body)
			if err == nil && json.Unmarshal([]byte(body), d) == nil {
				d.Deadline, d.NotBefore, k.begun = instant(deadline), instant(notBefore), instant(begun)
				k.session, k.item, k.kind = d.Session, string(d.ID), deliveryKind(*d)
				list = append(list, k)
			}
			return err
		})
	}
	if err != nil {
		return nil, fmt.Errorf("thread %s: %w", t.ID, err)
	}
	slices.SortStableFunc(list, func(a, b kept) int { return cmp.Compare(a.seq, b.seq) })
	return list, nil
}

// decoded fills in what a ledger row's body holds. One that cannot be read is left out.
func (k kept) decoded(body string, t bridge.ThreadRef) kept {
	switch k.kind {
	case kindText, kindVerb, kindDownlink, "gone", "result", "due", "":
		if ev := (&bridge.Event{}); json.Unmarshal([]byte(body), ev) == nil {
			k.event = ev
		}
	case kindDead:
		if l, err := parseLetter(body); err == nil {
			k.letter = &l
		}
	default:
		d := &bridge.Delivery{}
		if json.Unmarshal([]byte(body), d) != nil {
			*d = bridge.Delivery{}
		}
		d.ID, d.Thread = bridge.DeliveryID(k.item), t.Key
		k.delivery = d
	}
	return k
}

// said makes a transcript of what is kept of a thread.
func (s *Store) said(ctx context.Context, t customerOf) ([]bridge.Entry, error) {
	list, err := s.thread(ctx, t.ThreadRef)
	if err != nil {
		return nil, err
	}
	outcomes := map[string]bridge.Outcome{} // of the newest call that carried a message
	shown := map[string]bool{}              // events of which a post was made
	for _, k := range list {
		if d := k.delivery; d != nil && d.Cause != "" {
			if d.Call != nil {
				outcomes[d.Cause] = k.outcome
			} else {
				shown[d.Cause] = true
			}
		}
	}
	var entries []bridge.Entry
	for _, k := range list {
		e := bridge.Entry{At: k.at, Thread: t.Key, Session: k.session, Message: k.remote, Outcome: k.outcome}
		ok := false
		switch {
		case k.event != nil:
			ok = fromEvent(&e, *k.event, t.customer)
			e.Outcome = outcomes[string(e.Message)]
		case k.delivery != nil && k.delivery.Piece > 0: // its words stand at the first piece
			if n := len(entries); n > 0 && k.outcome != "" && k.outcome != bridge.Delivered {
				entries[n-1].Outcome = k.outcome
			}
		case k.delivery != nil:
			ok = fromPost(&e, *k.delivery)
		case k.letter != nil && k.direction == bridge.Down && len(k.letter.Causes) > 0 && !shown[k.letter.Causes[0]]:
			ok = true // nobody tried to show it: the thread was gone
			e.Who, e.Name, e.Outcome = speakerOf(k.letter.Kind), k.letter.Speaker, bridge.Refused
			e.Text = strings.Join(k.letter.Texts, "\n")
		}
		if ok {
			entries = append(entries, e)
		}
	}
	return entries, nil
}

// fromEvent fills in what a person wrote or asked for; false if the event is neither.
func fromEvent(e *bridge.Entry, ev bridge.Event, customer bridge.UserID) bool {
	by := func(u bridge.User) {
		e.Who, e.Name = "other", u.Name
		if u.ID == customer {
			e.Who = "customer"
		}
	}
	e.At = ev.At
	switch {
	case ev.Text != nil:
		by(ev.Text.Author)
		e.Text, e.Files, e.Edited, e.Deleted, e.Message = ev.Text.Body, ev.Text.Files, ev.Text.Edited, ev.Text.Deleted, ev.Text.Message
	case ev.Verb != nil:
		by(ev.Verb.By)
		e.Verb, e.Message = ev.Verb.Kind, ev.Verb.Message
		if ev.Verb.Operator {
			e.Who = "operator"
		}
	default:
		return false
	}
	return true
}

// fromPost fills in what was shown to the thread; false if the delivery shows nothing.
func fromPost(e *bridge.Entry, d bridge.Delivery) bool {
	if d.Message == nil || d.To != bridge.ToThread || d.Message.Kind == bridge.MessageMake {
		return false
	}
	e.Who, e.Name, e.Text, e.Delivery = speakerOf(d.Message.Kind), d.Message.Speaker, d.Message.Text, d.ID
	if e.At.IsZero() {
		e.At = d.Made
	}
	return true
}

// speakerOf says whose words a kind of message holds.
func speakerOf(kind bridge.MessageKind) string {
	switch kind {
	case bridge.MessageRobot:
		return "robot"
	case bridge.MessageAgent:
		return "agent"
	case bridge.MessageSystem:
		return "centre"
	}
	return "bridge"
}
