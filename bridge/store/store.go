package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ccbridge/bridge"
)

// ErrClosed is what every call fails with after Close.
var ErrClosed = errors.New("store is closed")

// ErrLocked is what Open fails with while another process has the store open.
var ErrLocked = errors.New("another process has it open")

// errNoThread: the thread has no row.
var errNoThread = errors.New("no such thread")

// Options of a store. The zero value is for production.
type Options struct {
	// MaxPages bounds the database's size in pages of 4 KiB, as if the disk were full; 0: no bound. For tests.
	MaxPages int
	// Hooks are called by the writer around each commit. For tests that kill the process.
	Hooks Hooks
	// Committed is told how long each commit took that was made or failed; nil: nobody wants to know. It must not block.
	Committed func(took time.Duration)
}

// Hooks are called by the writer, if they are not nil.
type Hooks struct{ BeforeCommit, AfterCommit func() }

// Store is a bridge.Store. It is safe for concurrent use.
type Store struct {
	db       *sqlite
	instance string
	pruner   pruner
}

var _ bridge.Store = (*Store)(nil)

// Open opens the database at path, a file of mode 0600 that is made if it is missing, with path-wal, path-shm and
// path.lock beside it. It fails if another process has the store open, and if the database was written by a newer
// program.
func Open(ctx context.Context, path string, opts Options) (*Store, error) {
	db, err := openSQLite(ctx, path, opts)
	if err != nil {
		return nil, fmt.Errorf("open store %s: %w", path, err)
	}
	s := &Store{db: db}
	err = s.do(ctx, func(ctx context.Context, t *tx) (err error) {
		s.instance, err = migrate(ctx, t)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("open store %s: %w", path, errors.Join(err, db.close()))
	}
	return s, nil
}

// Close waits for what is being written and releases the files. Calls after it fail with ErrClosed; closing again is nil.
func (s *Store) Close() error {
	if err := s.db.close(); err != nil {
		return fmt.Errorf("close store: %w", err)
	}
	return nil
}

// Instance implements bridge.Store.
func (s *Store) Instance() string { return s.instance }

// do runs fn in a transaction and returns when it is on disk. fn does SQL only, with the context it is given; it may
// run twice, and shares the transaction with others: after an error nothing of it is left. Waiting for a place among the
// waiting ends with ctx; once fn has one, do waits for its outcome, so that an error always means that nothing happened.
func (s *Store) do(ctx context.Context, fn func(context.Context, *tx) error) error {
	return s.db.do(ctx, fn)
}

// row reads one row into dest; false if there is none.
func (s *Store) row(ctx context.Context, text string, args []any, dest ...any) (found bool, err error) {
	if err := s.db.begin(); err != nil {
		return false, err
	}
	defer s.db.calls.Done()
	return s.db.reads.row(ctx, text, args, dest...)
}

// each reads every row with scan.
func (s *Store) each(ctx context.Context, text string, args []any, scan func(*rows) error) error {
	if err := s.db.begin(); err != nil {
		return err
	}
	defer s.db.calls.Done()
	return s.db.reads.each(ctx, text, args, scan)
}

// Healthy implements bridge.WatchStore.
func (s *Store) Healthy(ctx context.Context) error {
	now := time.Now().UTC().Format(time.RFC3339Nano)
	err := s.do(ctx, func(ctx context.Context, t *tx) error {
		_, err := t.exec(ctx, upsertSetting, settingHealth, now)
		return err
	})
	if err != nil {
		return fmt.Errorf("write to the store: %w", err)
	}
	return nil
}
