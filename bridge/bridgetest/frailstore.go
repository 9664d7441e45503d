package bridgetest

import (
	"context"
	"errors"
	"sync"
	"time"

	"ccbridge/bridge"
)

// ErrDisk is what a FrailStore fails with.
var ErrDisk = errors.New("no space left on the device")

// FrailStore is a store that fails when it is told to: always before anything is done, as the contract of bridge.Store
// wants.
type FrailStore struct {
	bridge.Store

	mu   sync.Mutex
	fail func(method string) bool
}

// NewFrailStore makes a store of s that works until it is told otherwise.
func NewFrailStore(s bridge.Store) *FrailStore { return &FrailStore{Store: s} }

// FailIf has every call fail of which fail says so, by the method's name; nil: none.
func (s *FrailStore) FailIf(fail func(method string) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = fail
}

// Kill has every call fail from now on: what the process that uses this store does now has no effect any more.
func (s *FrailStore) Kill() { s.FailIf(func(string) bool { return true }) }

func (s *FrailStore) check(method string) error {
	s.mu.Lock()
	fail := s.fail
	s.mu.Unlock()
	if fail != nil && fail(method) {
		return ErrDisk
	}
	return nil
}

// Ingest implements bridge.Store.
func (s *FrailStore) Ingest(ctx context.Context, events []bridge.Incoming) ([]bridge.Ingested, error) {
	if err := s.check("Ingest"); err != nil {
		return nil, err
	}
	return s.Store.Ingest(ctx, events)
}

// Load implements bridge.Store.
func (s *FrailStore) Load(ctx context.Context, t bridge.ThreadID, part, limit int, held bool) (bridge.Work, error) {
	if err := s.check("Load"); err != nil {
		return bridge.Work{}, err
	}
	return s.Store.Load(ctx, t, part, limit, held)
}

// Save implements bridge.Store.
func (s *FrailStore) Save(ctx context.Context, step bridge.Step) error {
	if err := s.check("Save"); err != nil {
		return err
	}
	return s.Store.Save(ctx, step)
}

// Resequence implements bridge.Store.
func (s *FrailStore) Resequence(ctx context.Context, t bridge.ThreadID, part int) error {
	if err := s.check("Resequence"); err != nil {
		return err
	}
	return s.Store.Resequence(ctx, t, part)
}

// Head implements bridge.Store.
func (s *FrailStore) Head(ctx context.Context, t bridge.ThreadID, part int, to bridge.Target) (*bridge.Delivery, error) {
	if err := s.check("Head"); err != nil {
		return nil, err
	}
	return s.Store.Head(ctx, t, part, to)
}

// Begin implements bridge.Store.
func (s *FrailStore) Begin(ctx context.Context, d bridge.Delivery, deadline time.Time, repeat bool) error {
	if err := s.check("Begin"); err != nil {
		return err
	}
	return s.Store.Begin(ctx, d, deadline, repeat)
}

// Postpone implements bridge.Store.
func (s *FrailStore) Postpone(ctx context.Context, d bridge.Delivery, notBefore time.Time) error {
	if err := s.check("Postpone"); err != nil {
		return err
	}
	return s.Store.Postpone(ctx, d, notBefore)
}

// Settle implements bridge.Store.
func (s *FrailStore) Settle(ctx context.Context, st bridge.Settlement) error {
	if err := s.check("Settle"); err != nil {
		return err
	}
	return s.Store.Settle(ctx, st)
}

// Heard implements bridge.Store.
func (s *FrailStore) Heard(ctx context.Context, t bridge.ThreadID, part, session int) (map[string]int, map[string]bool, error) {
	if err := s.check("Heard"); err != nil {
		return nil, nil, err
	}
	return s.Store.Heard(ctx, t, part, session)
}

// Queue implements bridge.Store.
func (s *FrailStore) Queue(ctx context.Context, t bridge.ThreadID, part, limit int, held bool) ([]bridge.Queued, bool, error) {
	if err := s.check("Load"); err != nil {
		return nil, false, err
	}
	return s.Store.Queue(ctx, t, part, limit, held)
}

// LastPost implements bridge.Store.
func (s *FrailStore) LastPost(ctx context.Context, t bridge.ThreadID, part int) (bridge.RemoteID, error) {
	if err := s.check("LastPost"); err != nil {
		return "", err
	}
	return s.Store.LastPost(ctx, t, part)
}

// SetUnread implements bridge.Store.
func (s *FrailStore) SetUnread(ctx context.Context, t bridge.ThreadID, part int, since time.Time) error {
	if err := s.check("SetUnread"); err != nil {
		return err
	}
	return s.Store.SetUnread(ctx, t, part, since)
}

// SetCursor implements bridge.Store.
func (s *FrailStore) SetCursor(ctx context.Context, adapter, channel string, at time.Time) error {
	if err := s.check("SetCursor"); err != nil {
		return err
	}
	return s.Store.SetCursor(ctx, adapter, channel, at)
}

// DueBy implements bridge.Store.
func (s *FrailStore) DueBy(ctx context.Context, t time.Time, limit int) ([]bridge.ThreadRef, time.Time, error) {
	if err := s.check("DueBy"); err != nil {
		return nil, time.Time{}, err
	}
	return s.Store.DueBy(ctx, t, limit)
}

// Healthy implements bridge.Store.
func (s *FrailStore) Healthy(ctx context.Context) error {
	if err := s.check("Healthy"); err != nil {
		return err
	}
	return s.Store.Healthy(ctx)
}
