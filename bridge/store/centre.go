package store

import (
	"context"
	"fmt"

	"ccbridge/bridge"
)

const (
	selectHeard = `SELECT content, times, from_history FROM heard WHERE part = $1 AND thread = $2 AND session_no = $3`

	selectSent = `SELECT outcome, tries, repeats FROM ledger
		WHERE part = $1 AND thread = $2 AND session_no = $3 AND content = $4`

	selectLastSent = `SELECT content FROM ledger
		WHERE part = $1 AND thread = $2 AND session_no = $3 AND content <> '' AND outcome = $4 ORDER BY seq DESC LIMIT 1`

	selectLastPost = `SELECT remote FROM ledger
		WHERE part = $1 AND thread = $2 AND direction = $3 AND outcome = $4 AND remote <> '' AND kind <> $5
		ORDER BY session_no DESC, seq DESC LIMIT 1`
)

// Heard implements bridge.Store.
func (s *Store) Heard(ctx context.Context, t bridge.ThreadID, part, session int) (counts map[string]int, fromHistory map[string]bool, err error) {
	counts, fromHistory = map[string]int{}, map[string]bool{}
	err = s.each(ctx, selectHeard, []any{part, t, session}, func(r *rows) error {
		var content string
		var times, marked int
		if err := r.Scan(&content, &times, &marked); err != nil {
			return err
		}
		if content != "" {
			counts[content] = times
		}
		if marked > 0 {
			fromHistory[content] = true
		}
		return nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("read what was heard in thread %s: %w", t, err)
	}
	return counts, fromHistory, nil
}

// SentTexts implements bridge.Store. Possible are the repeats in doubt of every equal text, and those texts themselves
// that were tried and ended without an answer.
func (s *Store) SentTexts(ctx context.Context, t bridge.ThreadID, part, session int, content string) (sure, possible int, err error) {
	err = s.each(ctx, selectSent, []any{part, t, session, bridge.ContentSum(content)}, func(r *rows) error {
		var outcome bridge.Outcome
		var tries, repeats int
		if err := r.Scan(&outcome, &tries, &repeats); err != nil {
			return err
		}
		possible += repeats
		switch outcome {
		case bridge.Delivered:
			sure++
		case bridge.GivenUp, bridge.Unknown:
			possible += min(tries, 1)
		}
		return nil
	})
	if err != nil {
		return 0, 0, fmt.Errorf("read what was sent in thread %s: %w", t, err)
	}
	return sure, possible, nil
}

// LastSent implements bridge.Store.
func (s *Store) LastSent(ctx context.Context, t bridge.ThreadID, part, session int) (sum string, err error) {
	if _, err := s.row(ctx, selectLastSent, []any{part, t, session, bridge.Delivered}, &sum); err != nil {
		return "", fmt.Errorf("read what was sent last in thread %s: %w", t, err)
	}
	return sum, nil
}

// LastPost implements bridge.Store.
func (s *Store) LastPost(ctx context.Context, t bridge.ThreadID, part int) (last bridge.RemoteID, err error) {
	if _, err := s.row(ctx, selectLastPost, []any{part, t, bridge.Down, bridge.Delivered, bridge.MessageAnswer}, &last); err != nil {
		return "", fmt.Errorf("read the newest post of thread %s: %w", t, err)
	}
	return last, nil
}
