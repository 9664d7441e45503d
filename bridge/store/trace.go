package store

import (
	"context"

	"ccbridge/bridge"
)

// Trace implements bridge.ConsoleStore.
func (s *Store) Trace(context.Context, bridge.Link) ([]bridge.Trace, error) { return nil, nil }

// threadsHolding lists the threads that hold what a link names.
func (s *Store) threadsHolding(context.Context, bridge.Link) ([]bridge.ThreadRef, error) {
	return nil, nil
}
