package store

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// pruneVisits is how many rows of a table one Prune looks at.
const pruneVisits = 1000

const (
	// The walks follow the keys, which hold all that is read here: no index by time has to be kept for every row written.
	walkSeen = `SELECT part, id, at FROM seen WHERE (part, id) > ($1, $2) ORDER BY part, id LIMIT $3`

	walkLedger = `SELECT l.part, l.thread, l.session_no, l.seq, CASE WHEN l.at >= $5 THEN 1 ELSE
			(SELECT COUNT(*) FROM thread t WHERE t.part = l.part AND t.id = l.thread AND t.is_open = 1 AND t.session_no = l.session_no) END
		FROM ledger l WHERE (l.part, l.thread, l.session_no, l.seq) > ($1, $2, $3, $4)
		ORDER BY l.part, l.thread, l.session_no, l.seq LIMIT $6`

	deleteSeen   = `DELETE FROM seen WHERE part = $1 AND id = $2`
	deleteLedger = `DELETE FROM ledger WHERE part = $1 AND thread = $2 AND session_no = $3 AND seq = $4`
	deleteHeard  = `DELETE FROM heard WHERE part = $1 AND thread = $2 AND session_no = $3`
)

// seenKey and ledgerKey are the tables' keys.
type (
	seenKey struct {
		part int
		id   string
	}
	ledgerKey struct {
		place
		seq int64
	}
)

// walk is how far a table was looked through; the zero value is its beginning.
type walk[K any] struct {
	last  K
	begun bool
	done  bool
}

// pruner remembers where the last Prune stopped. After a restart it begins anew, which costs time and nothing else.
type pruner struct {
	mu     sync.Mutex
	seen   walk[seenKey]
	ledger walk[ledgerKey]
}

// Prune implements bridge.Store. What was heard in a session goes with the first of its ledger rows.
func (s *Store) Prune(ctx context.Context, seenBefore, ledgerBefore time.Time) (more bool, err error) {
	p := &s.pruner
	p.mu.Lock()
	defer p.mu.Unlock()
	seen, oldSeen, err := s.walkSeen(ctx, p.seen, seenBefore)
	if err != nil {
		return false, fmt.Errorf("look for old ids: %w", err)
	}
	ledger, oldLedger, err := s.walkLedger(ctx, p.ledger, ledgerBefore)
	if err != nil {
		return false, fmt.Errorf("look for old ledger rows: %w", err)
	}
	if len(oldSeen)+len(oldLedger) > 0 {
		err := s.do(ctx, func(ctx context.Context, t *tx) error { return dropOld(ctx, t, oldSeen, oldLedger) })
		if err != nil {
			return false, fmt.Errorf("prune: %w", err)
		}
	}
	p.seen, p.ledger = seen, ledger
	if seen.done && ledger.done {
		p.seen, p.ledger = walk[seenKey]{}, walk[ledgerKey]{}
		return false, nil
	}
	return true, nil
}

func (s *Store) walkSeen(ctx context.Context, w walk[seenKey], before time.Time) (after walk[seenKey], old []seenKey, err error) {
	if w.done {
		return w, nil, nil
	}
	visited := 0
	args := []any{w.first(w.last.part), w.last.id, pruneVisits}
	err = s.each(ctx, walkSeen, args, func(r *rows) error {
		visited++
		var at int64
		if err := r.Scan(&w.last.part, &w.last.id, &at); err != nil {
			return err
		}
		if at < nanos(before) {
			old = append(old, w.last)
		}
		return nil
	})
	w.begun, w.done = true, visited < pruneVisits
	return w, old, err
}

func (s *Store) walkLedger(ctx context.Context, w walk[ledgerKey], before time.Time) (after walk[ledgerKey], old []ledgerKey, err error) {
	if w.done {
		return w, nil, nil
	}
	visited := 0
	args := []any{w.first(w.last.part), w.last.thread, w.last.session, w.last.seq, nanos(before), pruneVisits}
	err = s.each(ctx, walkLedger, args, func(r *rows) error {
		visited++
		var kept int
		k := &w.last
		if err := r.Scan(&k.part, &k.thread, &k.session, &k.seq, &kept); err != nil {
			return err
		}
		if kept == 0 {
			old = append(old, w.last)
		}
		return nil
	})
	w.begun, w.done = true, visited < pruneVisits
	return w, old, err
}

// first is the part to begin after: one before the first part, unless the walk has begun.
func (w walk[K]) first(part int) int {
	if !w.begun {
		return -1
	}
	return part
}

func dropOld(ctx context.Context, t *tx, seen []seenKey, ledger []ledgerKey) error {
	for _, k := range seen {
		if _, err := t.exec(ctx, deleteSeen, k.part, k.id); err != nil {
			return err
		}
	}
	var last place
	for _, k := range ledger {
		if _, err := t.exec(ctx, deleteLedger, k.part, k.thread, k.session, k.seq); err != nil {
			return err
		}
		if k.place == last {
			continue
		}
		last = k.place
		if _, err := t.exec(ctx, deleteHeard, k.part, k.thread, k.session); err != nil {
			return err
		}
	}
	return nil
}
