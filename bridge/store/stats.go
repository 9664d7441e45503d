package store

import (
	"context"
	"fmt"
	"time"

	"ccbridge/bridge"
)

const (
	statQueue      = `SELECT COUNT(*), COALESCE(MIN(received_at), 0) FROM queue`
	statDeliveries = `SELECT target, COUNT(*), MIN(made_at), SUM(CASE WHEN deadline > 0 AND deadline < $1 THEN 1 ELSE 0 END)
		FROM delivery GROUP BY target`
	statSessions = `SELECT state, COUNT(*) FROM thread WHERE is_open = 1 GROUP BY state`
	statDead     = `SELECT direction, COUNT(*) FROM ledger WHERE is_dead = 1 GROUP BY direction`
)

// Stats implements bridge.Store. Of the sessions it counts the open ones.
func (s *Store) Stats(ctx context.Context) (bridge.Stats, error) {
	st := bridge.Stats{
		Deliveries: map[bridge.Target]int{}, OldestWaiting: map[bridge.Target]time.Time{},
		Sessions: map[bridge.State]int{}, Dead: map[bridge.Direction]int{},
	}
	var oldest int64
	_, err := s.row(ctx, statQueue, nil, &st.Queue, &oldest)
	st.OldestEvent = instant(oldest)
	if err == nil {
		err = s.each(ctx, statDeliveries, []any{nanos(time.Now())}, func(r *rows) error {
			var to bridge.Target
			var count, doubt int
			err := r.Scan(&to, &count, &oldest, &doubt)
			st.Deliveries[to], st.OldestWaiting[to] = count, instant(oldest)
			st.InDoubt += doubt
			return err
		})
	}
	if err == nil {
		err = counts(ctx, s, statSessions, st.Sessions)
	}
	if err == nil {
		err = counts(ctx, s, statDead, st.Dead)
	}
	if err != nil {
		return bridge.Stats{}, fmt.Errorf("read statistics: %w", err)
	}
	return st, nil
}

// counts reads rows of a name and a number.
func counts[K ~string](ctx context.Context, s *Store, query string, into map[K]int) error {
	return s.each(ctx, query, nil, func(r *rows) error {
		var name K
		var n int
		err := r.Scan(&name, &n)
		into[name] = n
		return err
	})
}
