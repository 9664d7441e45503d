package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"ccbridge/bridge"
)

const (
	selectDead = `SELECT ` + refColumns + `, l.session_no, l.seq, l.at, l.direction, l.detail, l.body FROM ledger l CROSS JOIN thread t
		WHERE l.is_dead = 1 AND t.part = l.part AND t.id = l.thread ORDER BY l.at, l.part, l.thread, l.seq`

	selectLetter = `SELECT t.adapter, t.space, t.channel, t.root, t.body, l.at, l.direction, l.detail, l.ref, l.body
		FROM ledger l CROSS JOIN thread t
		WHERE l.part = $1 AND l.thread = $2 AND l.session_no = $3 AND l.seq = $4 AND l.is_dead = 1 AND t.part = l.part AND t.id = l.thread`

	unmarkLetter = `UPDATE ledger SET is_dead = 0 WHERE part = $1 AND thread = $2 AND session_no = $3 AND seq = $4 AND is_dead = 1`
	unmarkRef    = `UPDATE ledger SET is_dead = 0 WHERE part = $1 AND thread = $2 AND ref = $3 AND is_dead = 1`
)

// deadID is a dead letter's place in the ledger, as its name among all.
func deadID(k ledgerKey) bridge.DeadID {
	return bridge.DeadID(fmt.Sprintf("%d-%s-%d-%d", k.part, k.thread, k.session, k.seq))
}

// parseDeadID takes a deadID apart; false if it is none.
func parseDeadID(id bridge.DeadID) (k ledgerKey, ok bool) {
	f := strings.Split(string(id), "-")
	if len(f) != 4 {
		return ledgerKey{}, false
	}
	var err1, err2, err3 error
	k.part, err1 = strconv.Atoi(f[0])
	k.thread = bridge.ThreadID(f[1])
	k.session, err2 = strconv.Atoi(f[2])
	k.seq, err3 = strconv.ParseInt(f[3], 10, 64)
	return k, err1 == nil && err2 == nil && err3 == nil && deadID(k) == id
}

// Dead implements bridge.ConsoleStore.
func (s *Store) Dead(ctx context.Context, texts bool) ([]bridge.DeadView, error) {
	var dead []bridge.DeadView
	err := s.each(ctx, selectDead, nil, func(r *rows) error {
		var ref bridge.ThreadRef
		var d bridge.DeadView
		var seq, at int64
		var body string
		if err := scanRef(r, &ref, &d.Session, &seq, &at, &d.Direction, &d.Reason, &body); err != nil {
			return err
		}
		d.Thread, d.At = ref.Key, instant(at)
		d.ID = deadID(ledgerKey{place{ref.Part, ref.ID, d.Session}, seq})
		if texts {
			letter, err := parseLetter(body)
			if err != nil {
				return fmt.Errorf("decode %s: %w", d.ID, err)
			}
			d.Texts = letter.Texts
		}
		dead = append(dead, d)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list dead letters: %w", err)
	}
	return dead, nil
}

// Undead implements bridge.ConsoleStore.
func (s *Store) Undead(ctx context.Context, id bridge.DeadID, decide func(bridge.DeadLetter, bool) bridge.Undeath) (bridge.ThreadKey, error) {
	k, ok := parseDeadID(id)
	if !ok {
		return bridge.ThreadKey{}, bridge.ErrNoLetter
	}
	var d bridge.DeadLetter
	err := s.do(ctx, func(ctx context.Context, t *tx) error {
		var inSession bool
		var err error
		if d, inSession, err = letterAt(ctx, t, k); err != nil {
			return err
		}
		will := decide(d, inSession)
		if will.Unmark {
			if _, err := t.exec(ctx, unmarkLetter, k.part, k.thread, k.session, k.seq); err != nil {
				return err
			}
		}
		if will.Event == nil {
			return nil
		}
		body, err := json.Marshal(will.Event)
		if err != nil {
			return fmt.Errorf("encode event: %w", err)
		}
		seq, err := k.number(ctx, t)
		if err == nil {
			_, err = t.exec(ctx, insertQueue, k.part, k.thread, seq, will.Event.Order, nanos(will.Event.Received), string(body))
		}
		return err
	})
	return d.Thread, err
}

// letterAt reads a dead letter, and whether its thread's session has it too.
func letterAt(ctx context.Context, t *tx, k ledgerKey) (d bridge.DeadLetter, inSession bool, err error) {
	var at int64
	var session, body string
	found := false
	d.Session = k.session
	err = t.each(ctx, selectLetter, []any{k.part, k.thread, k.session, k.seq}, func(r *rows) error {
		found = true
		return r.Scan(&d.Thread.Adapter, &d.Thread.Space, &d.Thread.Channel, &d.Thread.Root, &session, &at, &d.Direction, &d.Reason, &d.Ref, &body)
	})
	if err != nil {
		return d, false, err
	}
	if !found {
		return d, false, bridge.ErrNoLetter
	}
	l, err := parseLetter(body)
	if err != nil {
		return d, false, fmt.Errorf("decode dead letter: %w", err)
	}
	d.At, d.Texts, d.Agents, d.Causes, d.Kind, d.Speaker = instant(at), l.Texts, l.Agents, l.Causes, l.Kind, l.Speaker
	var s bridge.Session
	if session != "" && json.Unmarshal([]byte(session), &s) != nil {
		return d, false, fmt.Errorf("decode session: %w", bridge.ErrUnreadable)
	}
	inSession = d.Ref != "" && slices.ContainsFunc(s.Letters, func(l bridge.Letter) bool { return l.Ref == d.Ref })
	return d, inSession, nil
}
