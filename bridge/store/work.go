package store

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"ccbridge/bridge"
)

const (
	selectSession = `SELECT adapter, space, channel, root, version, body FROM thread WHERE part = $1 AND id = $2`

	// selectQueue has its limit in the text: a parameter would have the statement prepared again whenever it changes.
	selectQueue = `SELECT seq, body FROM queue WHERE part = $1 AND thread = $2 AND ($3 = 0 OR order_key = '')
		ORDER BY seq LIMIT 65`

	countOpenOf = `SELECT COUNT(*), COALESCE(SUM(t.shadow), 0) FROM parts p CROSS JOIN thread t
		WHERE t.part = p.part AND t.adapter = $1 AND t.customer = $2 AND t.is_open = 1 AND t.id <> $3`

	updateThread = `UPDATE thread SET version = version + 1, next_seq = next_seq + $4, session_no = $5, state = $6,
			is_open = $7, customer = $8, due_at = $9, cursor_at = $10, active_at = $11, body = $12, shadow = $13
		WHERE part = $1 AND id = $2 AND version = $3 RETURNING next_seq`

	deleteQueue = `DELETE FROM queue WHERE part = $1 AND thread = $2 AND seq = $3`

	insertDelivery = `INSERT INTO delivery (part, id, thread, target, seq, session_no, kind, content, made_at, tries, repeats,
			deadline, not_before, begun_at, body)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`

	selectOrders  = `SELECT order_key FROM queue WHERE part = $1 AND thread = $2 AND order_key <> '' ORDER BY seq`
	selectOrdered = `SELECT seq, order_key, received_at, body FROM queue WHERE part = $1 AND thread = $2 AND order_key <> ''
		ORDER BY seq`
	updateQueue   = `UPDATE queue SET order_key = $4, received_at = $5, body = $6 WHERE part = $1 AND thread = $2 AND seq = $3`
	updateVersion = `UPDATE thread SET version = version + 1 WHERE part = $1 AND id = $2`
)

// maxLoad is how many events one read gives at most; the limit in selectQueue is one more.
const maxLoad = 64

// Load implements bridge.Store. A thread without a row is an error.
func (s *Store) Load(ctx context.Context, t bridge.ThreadID, part, limit int, held bool) (bridge.Work, error) {
	var w bridge.Work
	var session string
	k := &w.Session.Thread
	found, err := s.row(ctx, selectSession, []any{part, t}, &k.Adapter, &k.Space, &k.Channel, &k.Root, &w.Session.Version, &session)
	if err == nil && !found {
		err = errNoThread
	}
	if err == nil && session != "" {
		if bad := json.Unmarshal([]byte(session), &w.Session); bad != nil {
			err = fmt.Errorf("decode session: %w: %w", bridge.ErrUnreadable, bad)
		}
	}
	if err == nil && limit > 0 {
		w.Events, w.More, err = s.Queue(ctx, t, part, limit, held)
	}
	if err == nil && !w.Session.State.Open() {
		_, err = s.row(ctx, countOpenOf, []any{w.Session.Thread.Adapter, prospect(w), t}, &w.OpenElsewhere, &w.ShadowsElsewhere)
		w.OpenElsewhere -= w.ShadowsElsewhere
	}
	if err != nil {
		return bridge.Work{}, fmt.Errorf("load thread %s: %w", t, err)
	}
	return w, nil
}

// Queue implements bridge.Store.
func (s *Store) Queue(ctx context.Context, t bridge.ThreadID, part, limit int, held bool) (events []bridge.Queued, more bool, err error) {
	limit = min(limit, maxLoad)
	err = s.each(ctx, selectQueue, []any{part, t, flag(held)}, func(r *rows) error {
		var q bridge.Queued
		var body string
		if err := r.Scan(&q.Seq, &body); err != nil {
			return err
		}
		if len(events) == limit {
			more = true
			return nil
		}
		if json.Unmarshal([]byte(body), &q.Event) != nil {
			q.Event = bridge.Event{ID: "unreadable"}
		}
		events = append(events, q)
		return nil
	})
	if err != nil {
		return nil, false, fmt.Errorf("read queue of thread %s: %w", t, err)
	}
	return events, more, nil
}

// prospect is whose thread this is or, before the first step, will be: who wrote or asked first.
func prospect(w bridge.Work) bridge.UserID {
	if w.Session.Customer.ID != "" {
		return w.Session.Customer.ID
	}
	for _, q := range w.Events {
		if q.Event.Text != nil {
			return q.Event.Text.Author.ID
		}
		if q.Event.Verb != nil {
			return q.Event.Verb.By.ID
		}
	}
	return ""
}

// place is where a step's rows belong.
type place struct {
	part    int
	thread  bridge.ThreadID
	session int
}

// Save implements bridge.Store.
func (s *Store) Save(ctx context.Context, st bridge.Step) error {
	at := place{part: st.Session.Thread.Part(), thread: st.Session.Thread.ID(), session: st.Session.No}
	ready, err := prepareStep(at, st)
	if err == nil {
		err = s.do(ctx, func(ctx context.Context, t *tx) error { return ready.save(ctx, t, st) })
	}
	if err != nil {
		return fmt.Errorf("save thread %s: %w", at.thread, err)
	}
	return nil
}

// step is a bridge.Step with everything encoded before the transaction.
type step struct {
	place
	session    string
	consumed   []ledgerRow
	deliveries []string
	dead       []ledgerRow
	settled    *settlement
}

func prepareStep(at place, st bridge.Step) (step, error) {
	s := step{place: at}
	session, err := json.Marshal(st.Session)
	if err != nil {
		return step{}, fmt.Errorf("encode session: %w", err)
	}
	s.session = string(session)
	for _, c := range st.Consumed {
		row, err := eventRow(at, c, st.At)
		if err != nil {
			return step{}, err
		}
		s.consumed = append(s.consumed, row)
	}
	for _, d := range st.Deliveries {
		body, err := json.Marshal(d)
		if err != nil {
			return step{}, fmt.Errorf("encode delivery %s: %w", d.ID, err)
		}
		s.deliveries = append(s.deliveries, string(body))
	}
	for _, d := range st.Dead {
		row, err := deadRow(at, d)
		if err != nil {
			return step{}, err
		}
		s.dead = append(s.dead, row)
	}
	if st.Settled != nil {
		settled, err := prepareSettlement(*st.Settled)
		if err != nil {
			return step{}, err
		}
		s.settled = &settled
	}
	return s, nil
}

func (s step) save(ctx context.Context, t *tx, st bridge.Step) error {
	var next int64
	se := st.Session
	fresh := len(s.deliveries) + len(s.dead)
	found, err := t.row(ctx, updateThread, []any{s.part, s.thread, se.Version, fresh, se.No, se.State, flag(se.State.Open()),
		se.Customer.ID, nanos(se.Due()), nanos(se.Cursor), nanos(st.At), s.session, flag(se.Shadow)}, &next)
	if err != nil {
		return err
	}
	if !found {
		return bridge.ErrConflict
	}
	if st.Opens {
		var others, shadows int
		if _, err := t.row(ctx, countOpenOf, []any{se.Thread.Adapter, se.Customer.ID, s.thread}, &others, &shadows); err != nil {
			return err
		}
		if others -= shadows; se.Shadow {
			others = shadows
		}
		if others != st.OpenElsewhere {
			return fmt.Errorf("the customer has %d other open threads: %w", others, bridge.ErrConflict)
		}
	}
	if s.settled != nil {
		moved, err := s.settled.move(ctx, t, *st.Settled)
		if err == nil && !moved {
			err = fmt.Errorf("delivery %s is settled: %w", st.Settled.Delivery.ID, bridge.ErrConflict)
		}
		if err != nil {
			return err
		}
	}
	for _, row := range s.consumed {
		n, err := t.exec(ctx, deleteQueue, s.part, s.thread, row.seq)
		if err == nil && n == 0 {
			err = fmt.Errorf("event %d is not in the queue: %w", row.seq, bridge.ErrConflict)
		}
		if err == nil {
			err = row.write(ctx, t)
		}
		if err != nil {
			return err
		}
	}
	seq := next - int64(fresh)
	for i, d := range st.Deliveries {
		var begun time.Time
		if d.Tries > 0 { // its intent is stored along
			begun = st.At
		}
		if _, err := t.exec(ctx, insertDelivery, s.part, d.ID, s.thread, d.To, seq, d.Session, deliveryKind(d), contentHash(d),
			nanos(d.Made), d.Tries, d.Repeats, nanos(d.Deadline), nanos(d.NotBefore), nanos(begun), s.deliveries[i]); err != nil {
			return fmt.Errorf("delivery %s: %w", d.ID, err)
		}
		seq++
	}
	for _, row := range s.dead {
		row.seq = seq
		if err := row.write(ctx, t); err != nil {
			return err
		}
		seq++
	}
	for _, ref := range st.Revived {
		if _, err := t.exec(ctx, unmarkRef, s.part, s.thread, ref); err != nil {
			return err
		}
	}
	return nil
}

func deliveryKind(d bridge.Delivery) string {
	switch {
	case d.Call != nil:
		return string(d.Call.Kind)
	case d.Message != nil:
		return string(d.Message.Kind)
	}
	return ""
}

// contentHash tells a text to the centre from others; "" for what is none.
func contentHash(d bridge.Delivery) string {
	if d.Call == nil || d.Call.Kind != bridge.CallChat {
		return ""
	}
	return bridge.ContentSum(d.Call.Content)
}

// Resequence implements bridge.Store. If it moves anything it counts as a change of the thread: who loaded before gets
// ErrConflict from Save, because the numbers loaded may now belong to other events.
func (s *Store) Resequence(ctx context.Context, t bridge.ThreadID, part int) error {
	var orders []string
	err := s.each(ctx, selectOrders, []any{part, t}, func(r *rows) error {
		var order string
		err := r.Scan(&order)
		orders = append(orders, order)
		return err
	})
	if err == nil && slices.IsSorted(orders) { // as nearly always: no need to write
		return nil
	}
	if err == nil {
		err = s.do(ctx, func(ctx context.Context, tx *tx) error { return resequence(ctx, tx, part, t) })
	}
	if err != nil {
		return fmt.Errorf("resequence thread %s: %w", t, err)
	}
	return nil
}

type queued struct {
	seq      int64
	order    string
	received int64
	body     string
}

func resequence(ctx context.Context, t *tx, part int, thread bridge.ThreadID) error {
	var places []int64
	var events []queued
	err := t.each(ctx, selectOrdered, []any{part, thread}, func(r *rows) error {
		var q queued
		err := r.Scan(&q.seq, &q.order, &q.received, &q.body)
		places, events = append(places, q.seq), append(events, q)
		return err
	})
	if err != nil {
		return err
	}
	slices.SortStableFunc(events, func(a, b queued) int { return cmp.Compare(a.order, b.order) })
	moved := false
	for i, q := range events {
		if q.seq == places[i] {
			continue
		}
		moved = true
		if _, err := t.exec(ctx, updateQueue, part, thread, places[i], q.order, q.received, q.body); err != nil {
			return err
		}
	}
	if moved {
		_, err = t.exec(ctx, updateVersion, part, thread)
	}
	return err
}
