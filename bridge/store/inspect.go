package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"ccbridge/bridge"
)

const (
	// viewColumns are what scanView reads of a thread t, behind refColumns.
	viewColumns = refColumns + `, t.session_no, t.state, t.customer, t.body,
		(SELECT COUNT(*) FROM queue q WHERE q.part = t.part AND q.thread = t.id),
		(SELECT COALESCE(MIN(q.received_at), 0) FROM queue q WHERE q.part = t.part AND q.thread = t.id),
		(SELECT COUNT(*) FROM delivery d WHERE d.part = t.part AND d.thread = t.id),
		(SELECT COALESCE(MIN(d.made_at), 0) FROM delivery d WHERE d.part = t.part AND d.thread = t.id)`

	selectOpenViews  = `SELECT ` + viewColumns + ` FROM thread t WHERE t.is_open = 1`
	selectEndedViews = `SELECT ` + viewColumns + ` FROM thread t WHERE t.is_open = 0 AND t.state <> ''
		ORDER BY t.active_at DESC LIMIT $1`
	selectView = `SELECT ` + viewColumns + ` FROM parts p CROSS JOIN thread t WHERE t.part = p.part AND t.id = $1`

	selectOutgoing = `SELECT id, target, kind, made_at, tries, repeats, deadline, not_before FROM delivery
		WHERE part = $1 AND thread = $2 ORDER BY seq`

	// selectLinked are the threads a link may lead to: of a channel, or a Discord thread, whose root is its own channel.
	selectLinked = `SELECT ` + refColumns + ` FROM thread t WHERE ($1 = '' OR t.space = $1)
		AND (t.channel = $2 AND (t.root = $3 OR t.root = '') OR t.root = $2 AND $2 <> '' OR $2 = '' AND t.root = $3) ORDER BY t.active_at DESC, t.id`
)

// view is a thread as it is read for an operator.
type view struct {
	bridge.SessionView
	part    int
	events  int
	session bridge.Session // zero if it cannot be decoded
}

func scanView(r *rows) (view, error) {
	var ref bridge.ThreadRef
	var v view
	var customer bridge.UserID
	var body string
	var oldestEvent, deliveries, oldestDelivery int64
	err := scanRef(r, &ref, &v.No, &v.State, &customer, &body, &v.events, &oldestEvent, &deliveries, &oldestDelivery)
	if err != nil {
		return view{}, err
	}
	if body != "" && json.Unmarshal([]byte(body), &v.session) != nil {
		v.session = bridge.Session{}
	}
	s := v.session
	v.part, v.ID, v.Thread = ref.Part, ref.ID, ref.Key
	v.Since, v.Customer, v.Direct, v.Shadow, v.EndedBy = s.Since, s.Customer, s.Direct, s.Shadow, s.EndedBy
	if v.Customer.ID == "" {
		v.Customer.ID = customer
	}
	v.Waiting = v.events + int(deliveries)
	v.Oldest = earlier(instant(oldestEvent), instant(oldestDelivery))
	return v, nil
}

// earlier is the earlier of two times; zero is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// Sessions implements bridge.ConsoleStore.
func (s *Store) Sessions(ctx context.Context, all bool) ([]bridge.SessionView, error) {
	var open, over []bridge.SessionView
	read := func(into *[]bridge.SessionView) func(*rows) error {
		return func(r *rows) error {
			v, err := scanView(r)
			*into = append(*into, v.SessionView)
			return err
		}
	}
	err := s.each(ctx, selectOpenViews, nil, read(&open))
	if err == nil && all {
		err = s.each(ctx, selectEndedViews, []any{bridge.MaxEnded}, read(&over))
	}
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	slices.SortStableFunc(open, func(a, b bridge.SessionView) int { return a.Since.Compare(b.Since) })
	return append(open, over...), nil
}

// Session implements bridge.ConsoleStore.
func (s *Store) Session(ctx context.Context, t bridge.ThreadID) (bridge.SessionDetail, error) {
	v, err := s.view(ctx, t)
	if err != nil {
		return bridge.SessionDetail{}, fmt.Errorf("read thread %s: %w", t, err)
	}
	d := bridge.SessionDetail{SessionView: v.SessionView, Visitor: v.session.Visitor.UserID, Events: v.events,
		Held: len(v.session.Held), Letters: len(v.session.Letters), Timers: v.session.Timers}
	if v.session.Asked != nil {
		d.Asked = len(v.session.Asked.Texts)
	}
	err = s.each(ctx, selectOutgoing, []any{v.part, t}, func(r *rows) error {
		var o bridge.Outgoing
		var made, deadline, notBefore int64
		err := r.Scan(&o.ID, &o.To, &o.Kind, &made, &o.Tries, &o.Repeats, &deadline, &notBefore)
		o.Made, o.Deadline, o.NotBefore = instant(made), instant(deadline), instant(notBefore)
		d.Outgoing = append(d.Outgoing, o)
		return err
	})
	if err != nil {
		return bridge.SessionDetail{}, fmt.Errorf("list deliveries of thread %s: %w", t, err)
	}
	return d, nil
}

// view reads a thread; bridge.ErrNoThread if it has no row.
func (s *Store) view(ctx context.Context, t bridge.ThreadID) (v view, err error) {
	found := false
	err = s.each(ctx, selectView, []any{t}, func(r *rows) error {
		found = true
		v, err = scanView(r)
		return err
	})
	if err == nil && !found {
		err = bridge.ErrNoThread
	}
	return v, err
}

// Find implements bridge.ConsoleStore.
func (s *Store) Find(ctx context.Context, l bridge.Link) ([]bridge.ThreadRef, error) {
	exact, direct, err := s.linked(ctx, l)
	if err != nil {
		return nil, fmt.Errorf("find a thread: %w", err)
	}
	if len(exact) > 0 || l.ID == "" {
		return append(exact, direct...), nil
	}
	holding, err := s.threadsHolding(ctx, l)
	if err != nil {
		return nil, fmt.Errorf("find a message: %w", err)
	}
	if len(holding) > 0 {
		return holding, nil
	}
	return direct, nil
}

// linked lists the threads whose place a link names, and the direct-message channels it may mean.
func (s *Store) linked(ctx context.Context, l bridge.Link) (exact, direct []bridge.ThreadRef, err error) {
	root := l.Root
	if root == "" {
		root = l.ID
	}
	if l.Channel == "" && root == "" {
		return nil, nil, nil
	}
	err = s.each(ctx, selectLinked, []any{l.Space, l.Channel, root}, func(r *rows) error {
		var ref bridge.ThreadRef
		err := scanRef(r, &ref)
		if ref.Key.Root == "" {
			direct = append(direct, ref)
		} else {
			exact = append(exact, ref)
		}
		return err
	})
	return exact, direct, err
}
