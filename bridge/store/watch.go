package store

import (
	"context"
	"fmt"
	"time"

	"ccbridge/bridge"
)

// refColumns are what scanRef reads of a thread t.
const refColumns = `t.part, t.id, t.adapter, t.space, t.channel, t.root`

const (
	selectWaiting = `SELECT ` + refColumns + ` FROM (SELECT DISTINCT part, thread FROM queue) q CROSS JOIN thread t
		WHERE t.part = q.part AND t.id = q.thread`

	selectLanes = `SELECT ` + refColumns + `, d.target, d.deadline, d.not_before
		FROM (SELECT part, thread, target, MIN(seq) AS seq FROM delivery GROUP BY part, thread, target) h
		CROSS JOIN delivery d CROSS JOIN thread t
		WHERE d.part = h.part AND d.thread = h.thread AND d.target = h.target AND d.seq = h.seq
			AND t.part = h.part AND t.id = h.thread`

	selectDue = `SELECT ` + refColumns + `, t.due_at FROM parts p CROSS JOIN thread t
		WHERE t.part = p.part AND t.due_at > 0 AND t.due_at <= $1 ORDER BY t.due_at, t.id LIMIT $2`
	selectNextDue = `SELECT COALESCE(MIN(due_at), 0) FROM
		(SELECT (SELECT MIN(t.due_at) FROM thread t WHERE t.part = p.part AND t.due_at > 0 AND t.due_at > $1) AS due_at FROM parts p) due`

	selectOpen = `SELECT ` + refColumns + `, t.state, t.cursor_at, t.unread_at FROM thread t
		WHERE t.is_open = 1 AND ($1 = '' OR t.adapter = $1) ORDER BY t.active_at DESC, t.id`

	selectEnded = `SELECT ` + refColumns + `, t.state, t.cursor_at, t.unread_at FROM parts p CROSS JOIN thread t
		WHERE t.part = p.part AND t.is_open = 0 AND t.adapter = $1 AND t.active_at >= $2 AND t.state <> ''
		ORDER BY t.active_at DESC, t.id LIMIT $3`

	updateUnread = `UPDATE thread SET unread_at = $3 WHERE part = $1 AND id = $2`

	selectCursor = `SELECT at FROM channel_cursor WHERE part = $1 AND adapter = $2 AND channel = $3`
	upsertCursor = `INSERT INTO channel_cursor (part, adapter, channel, at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (part, adapter, channel) DO UPDATE SET at = excluded.at WHERE channel_cursor.at < excluded.at`
)

// scanRef reads refColumns and what follows them.
func scanRef(r *rows, ref *bridge.ThreadRef, more ...any) error {
	k := &ref.Key
	err := r.Scan(append([]any{&ref.Part, &ref.ID, &k.Adapter, &k.Space, &k.Channel, &k.Root}, more...)...)
	ref.Adapter = k.Adapter
	return err
}

// Waiting implements bridge.Store.
func (s *Store) Waiting(ctx context.Context) (events []bridge.ThreadRef, deliveries []bridge.Lane, err error) {
	err = s.each(ctx, selectWaiting, nil, func(r *rows) error {
		var ref bridge.ThreadRef
		err := scanRef(r, &ref)
		events = append(events, ref)
		return err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("list waiting events: %w", err)
	}
	err = s.each(ctx, selectLanes, nil, func(r *rows) error {
		var l bridge.Lane
		var deadline, notBefore int64
		err := scanRef(r, &l.ThreadRef, &l.To, &deadline, &notBefore)
		l.NotBefore = instant(notBefore)
		if deadline != 0 {
			l.NotBefore = instant(deadline)
		}
		deliveries = append(deliveries, l)
		return err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("list waiting deliveries: %w", err)
	}
	return events, deliveries, nil
}

// DueBy implements bridge.Store.
func (s *Store) DueBy(ctx context.Context, t time.Time, limit int) (due []bridge.ThreadRef, next time.Time, err error) {
	var at int64
	err = s.each(ctx, selectDue, []any{nanos(t), limit + 1}, func(r *rows) error {
		var ref bridge.ThreadRef
		err := scanRef(r, &ref, &at)
		due = append(due, ref)
		return err
	})
	if err == nil && len(due) > limit {
		return due[:limit], instant(at), nil
	}
	if err == nil {
		_, err = s.row(ctx, selectNextDue, []any{nanos(t)}, &at)
	}
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("list due threads: %w", err)
	}
	return due, instant(at), nil
}

// Live implements bridge.Store.
func (s *Store) Live(ctx context.Context) ([]bridge.ThreadRef, error) {
	var live []bridge.ThreadRef
	err := s.eachThread(ctx, selectOpen, []any{""}, func(t bridge.OpenThread, state bridge.State) {
		if state.Polled() {
			live = append(live, t.ThreadRef)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("list live threads: %w", err)
	}
	return live, nil
}

// Open implements bridge.Store.
func (s *Store) Open(ctx context.Context, adapter string) ([]bridge.OpenThread, error) {
	var open []bridge.OpenThread
	err := s.eachThread(ctx, selectOpen, []any{adapter}, func(t bridge.OpenThread, _ bridge.State) { open = append(open, t) })
	if err != nil {
		return nil, fmt.Errorf("list open threads of %s: %w", adapter, err)
	}
	return open, nil
}

// Ended implements bridge.Store.
func (s *Store) Ended(ctx context.Context, adapter string, since time.Time, limit int) ([]bridge.OpenThread, error) {
	var ended []bridge.OpenThread
	err := s.eachThread(ctx, selectEnded, []any{adapter, nanos(since), limit}, func(t bridge.OpenThread, _ bridge.State) { ended = append(ended, t) })
	if err != nil {
		return nil, fmt.Errorf("list ended threads of %s: %w", adapter, err)
	}
	return ended, nil
}

// eachThread visits the threads that a query gives.
func (s *Store) eachThread(ctx context.Context, query string, args []any, visit func(bridge.OpenThread, bridge.State)) error {
	return s.each(ctx, query, args, func(r *rows) error {
		var t bridge.OpenThread
		var state bridge.State
		var cursor, unread int64
		if err := scanRef(r, &t.ThreadRef, &state, &cursor, &unread); err != nil {
			return err
		}
		t.Cursor, t.Unread = instant(cursor), unread != 0
		if t.Unread {
			t.Cursor = instant(unread)
		}
		visit(t, state)
		return nil
	})
}

// cursorPart is the part of a channel entry, which has no space and may be no channel.
func cursorPart(adapter, channel string) int {
	return bridge.ThreadKey{Adapter: adapter, Channel: channel}.Part()
}

// Cursor implements bridge.Store.
func (s *Store) Cursor(ctx context.Context, adapter, channel string) (time.Time, error) {
	var at int64
	if _, err := s.row(ctx, selectCursor, []any{cursorPart(adapter, channel), adapter, channel}, &at); err != nil {
		return time.Time{}, fmt.Errorf("read cursor of %s %s: %w", adapter, channel, err)
	}
	return instant(at), nil
}

// SetUnread implements bridge.Store.
func (s *Store) SetUnread(ctx context.Context, t bridge.ThreadID, part int, since time.Time) error {
	err := s.do(ctx, func(ctx context.Context, tx *tx) error {
		_, err := tx.exec(ctx, updateUnread, part, t, nanos(since))
		return err
	})
	if err != nil {
		return fmt.Errorf("note since when thread %s is unread: %w", t, err)
	}
	return nil
}

// SetCursor implements bridge.Store.
func (s *Store) SetCursor(ctx context.Context, adapter, channel string, at time.Time) error {
	err := s.do(ctx, func(ctx context.Context, t *tx) error {
		_, err := t.exec(ctx, upsertCursor, cursorPart(adapter, channel), adapter, channel, nanos(at))
		return err
	})
	if err != nil {
		return fmt.Errorf("set cursor of %s %s: %w", adapter, channel, err)
	}
	return nil
}
