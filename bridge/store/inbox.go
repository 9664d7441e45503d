package store

import (
	"context"
	"encoding/json"
	"fmt"

	"ccbridge/bridge"
)

const (
	// countEvent gives an event its number, if the thread is known.
	countEvent = `UPDATE thread SET next_seq = next_seq + 1 WHERE part = $1 AND id = $2 RETURNING next_seq - 1, session_no`

	insertThread = `INSERT INTO thread (part, id, adapter, space, channel, root, session_no, state, is_open, customer, due_at,
			cursor_at, unread_at, active_at, version, next_seq, body)
		VALUES ($1, $2, $3, $4, $5, $6, 0, '', 0, '', 0, 0, 0, $7, 0, 2, '')`

	insertSeen = `INSERT INTO seen (part, id, at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`

	insertQueue = `INSERT INTO queue (part, thread, seq, order_key, received_at, body) VALUES ($1, $2, $3, $4, $5, $6)`

	upsertHeard = `INSERT INTO heard (part, thread, session_no, content, times, from_history) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (part, thread, session_no, content) DO UPDATE
		SET times = heard.times + excluded.times, from_history = heard.from_history + excluded.from_history`

	selectOpenOf = `SELECT t.adapter, t.space, t.channel, t.root FROM parts p CROSS JOIN thread t
		WHERE t.part = p.part AND t.adapter = $1 AND t.customer = $2 AND t.is_open = 1 AND ($3 = '' OR t.channel = $3)
		ORDER BY t.active_at DESC, t.id`
)

// incoming is an event made ready before the transaction.
type incoming struct {
	bridge.Incoming
	part int
	id   bridge.ThreadID
	body string
}

// Ingest implements bridge.Store.
func (s *Store) Ingest(ctx context.Context, events []bridge.Incoming) ([]bridge.Ingested, error) {
	ready := make([]incoming, len(events))
	for i, in := range events {
		body, err := json.Marshal(in.Event)
		if err != nil {
			return nil, fmt.Errorf("encode event %s: %w", in.Event.ID, err)
		}
		ready[i] = incoming{Incoming: in, part: in.Event.Thread.Part(), id: in.Event.Thread.ID(), body: string(body)}
	}
	became := make([]bridge.Ingested, len(events))
	err := s.do(ctx, func(ctx context.Context, t *tx) (err error) {
		for i, in := range ready {
			if became[i], err = ingest(ctx, t, in); err != nil {
				return fmt.Errorf("ingest event %s: %w", in.Event.ID, err)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return became, nil
}

func ingest(ctx context.Context, t *tx, in incoming) (bridge.Ingested, error) {
	var seq int64
	var session int
	known, err := t.row(ctx, countEvent, []any{in.part, in.id}, &seq, &session)
	if err != nil {
		return 0, err
	}
	late := in.Session != 0 && in.Session != session
	if late || !known && !in.Opens {
		return bridge.NoThread, nil
	}
	if in.Dedupe {
		n, err := t.exec(ctx, insertSeen, in.part, in.Event.ID, nanos(in.Event.Received))
		if err != nil {
			return 0, err
		}
		if n == 0 {
			return bridge.Repeated, nil
		}
	}
	if !known {
		seq = 1
		k := in.Event.Thread
		if _, err := t.exec(ctx, insertThread, in.part, in.id, k.Adapter, k.Space, k.Channel, k.Root, nanos(in.Event.Received)); err != nil {
			return 0, err
		}
	}
	if in.Heard != "" || in.FromHistory {
		if _, err := t.exec(ctx, upsertHeard, in.part, in.id, in.Session, in.Heard, 1, flag(in.FromHistory)); err != nil {
			return 0, err
		}
	}
	_, err = t.exec(ctx, insertQueue, in.part, in.id, seq, in.Event.Order, nanos(in.Event.Received), in.body)
	return bridge.Fresh, err
}

// OpenThreads implements bridge.Store.
func (s *Store) OpenThreads(ctx context.Context, adapter, channel string, customer bridge.UserID) ([]bridge.ThreadKey, error) {
	var keys []bridge.ThreadKey
	err := s.each(ctx, selectOpenOf, []any{adapter, customer, channel}, func(r *rows) error {
		var k bridge.ThreadKey
		err := r.Scan(&k.Adapter, &k.Space, &k.Channel, &k.Root)
		keys = append(keys, k)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list open threads of %s: %w", adapter, err)
	}
	return keys, nil
}
