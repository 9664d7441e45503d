package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"ccbridge/bridge"
)

const (
	selectHead = `SELECT seq, tries, repeats, deadline, not_before, body FROM delivery
		WHERE part = $1 AND thread = $2 AND target = $3 ORDER BY seq LIMIT 1`

	beginDelivery = `UPDATE delivery SET tries = tries + 1, repeats = repeats + $4, deadline = $5,
			begun_at = CASE WHEN begun_at = 0 THEN $6 ELSE begun_at END
		WHERE part = $1 AND id = $2 AND tries = $3`

	postponeDelivery = `UPDATE delivery SET deadline = 0, not_before = $4 WHERE part = $1 AND id = $2 AND tries = $3`

	// insertSettled moves what the delivery's own row knows; its number of tries may be another than the caller's. A
	// private answer's body holds its address, a secret.
	insertSettled = `INSERT INTO ledger (part, thread, session_no, seq, at, direction, kind, item, remote, outcome, detail,
			tries, repeats, begun_at, content, is_dead, ref, body)
		SELECT part, thread, session_no, seq, $3, $4, kind, id, $5, $6, $7, tries, repeats, begun_at, content, 0, '',
			CASE WHEN target = 'person' THEN '' WHEN $8 <> '' THEN $8 ELSE body END
		FROM delivery WHERE part = $1 AND id = $2`
	deleteDelivery = `DELETE FROM delivery WHERE part = $1 AND id = $2`
)

// Head implements bridge.Store.
func (s *Store) Head(ctx context.Context, t bridge.ThreadID, part int, to bridge.Target) (*bridge.Delivery, error) {
	var head bridge.Delivery
	var seq, deadline, notBefore int64
	var tries, repeats int
	var body string
	found, err := s.row(ctx, selectHead, []any{part, t, to}, &seq, &tries, &repeats, &deadline, &notBefore, &body)
	if err == nil && found {
		err = json.Unmarshal([]byte(body), &head)
	}
	if err != nil {
		return nil, fmt.Errorf("head of thread %s to %s: %w", t, to, err)
	}
	if !found {
		return nil, nil
	}
	head.Seq, head.Tries, head.Repeats = seq, tries, repeats
	head.Deadline, head.NotBefore = instant(deadline), instant(notBefore)
	return &head, nil
}

// Begin implements bridge.Store.
func (s *Store) Begin(ctx context.Context, d bridge.Delivery, deadline time.Time, repeat bool) error {
	return s.compareTries(ctx, "begin", beginDelivery, d, flag(repeat), nanos(deadline), nanos(time.Now()))
}

// Postpone implements bridge.Store.
func (s *Store) Postpone(ctx context.Context, d bridge.Delivery, notBefore time.Time) error {
	return s.compareTries(ctx, "postpone", postponeDelivery, d, nanos(notBefore))
}

// compareTries changes a delivery if it was tried as often as d says.
func (s *Store) compareTries(ctx context.Context, what, update string, d bridge.Delivery, args ...any) error {
	args = append([]any{d.Thread.Part(), d.ID, d.Tries}, args...)
	err := s.do(ctx, func(ctx context.Context, t *tx) error {
		n, err := t.exec(ctx, update, args...)
		if err == nil && n == 0 {
			err = bridge.ErrConflict
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("%s delivery %s: %w", what, d.ID, err)
	}
	return nil
}

// Settle implements bridge.Store.
func (s *Store) Settle(ctx context.Context, st bridge.Settlement) error {
	ready, err := prepareSettlement(st)
	if err == nil {
		err = s.do(ctx, func(ctx context.Context, t *tx) error { return ready.settle(ctx, t, st) })
	}
	if err != nil {
		return fmt.Errorf("settle delivery %s: %w", st.Delivery.ID, err)
	}
	return nil
}

// settlement is a bridge.Settlement with everything encoded before the transaction.
type settlement struct {
	place
	direction bridge.Direction
	result    string
	dead      ledgerRow
	kept      string
}

func prepareSettlement(st bridge.Settlement) (s settlement, err error) {
	d := st.Delivery
	s.place = place{part: d.Thread.Part(), thread: d.Thread.ID(), session: d.Session}
	s.direction = bridge.Down
	if d.To == bridge.ToCentre {
		s.direction = bridge.Up
	}
	if st.Result != nil {
		body, err := json.Marshal(st.Result)
		if err != nil {
			return settlement{}, fmt.Errorf("encode result: %w", err)
		}
		s.result = string(body)
	}
	if st.Kept != nil {
		body, err := json.Marshal(st.Kept)
		if err != nil {
			return settlement{}, fmt.Errorf("encode what is kept: %w", err)
		}
		s.kept = string(body)
	}
	if st.Dead != nil {
		if s.dead, err = deadRow(s.place, *st.Dead); err != nil {
			return settlement{}, err
		}
	}
	return s, nil
}

func (s settlement) settle(ctx context.Context, t *tx, st bridge.Settlement) error {
	moved, err := s.move(ctx, t, st)
	if err != nil || !moved {
		return err
	}
	if st.Dead != nil {
		row := s.dead
		if row.seq, err = s.number(ctx, t); err != nil {
			return err
		}
		if err := row.write(ctx, t); err != nil {
			return err
		}
	}
	if st.Result == nil {
		return nil
	}
	seq, err := s.number(ctx, t)
	if err != nil {
		return err
	}
	_, err = t.exec(ctx, insertQueue, s.part, s.thread, seq, st.Result.Order, nanos(st.Result.Received), s.result)
	return err
}

// move brings the delivery into the ledger; false if it is there already.
func (s settlement) move(ctx context.Context, t *tx, st bridge.Settlement) (moved bool, err error) {
	n, err := t.exec(ctx, insertSettled, s.part, st.Delivery.ID, nanos(st.At), s.direction, st.Remote, st.Outcome, st.Detail, s.kept)
	if err != nil || n == 0 {
		return false, err
	}
	_, err = t.exec(ctx, deleteDelivery, s.part, st.Delivery.ID)
	return true, err
}

// number takes the thread's next number.
func (p place) number(ctx context.Context, t *tx) (seq int64, err error) {
	var session int
	found, err := t.row(ctx, countEvent, []any{p.part, p.thread}, &seq, &session)
	if err == nil && !found {
		err = errNoThread
	}
	return seq, err
}
