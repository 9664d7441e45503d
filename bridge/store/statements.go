package store

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"time"
)

// rows are what a query gives.
type rows = sql.Rows

// preparer is a *sql.DB, or a *sql.Conn.
type preparer interface {
	PrepareContext(ctx context.Context, text string) (*sql.Stmt, error)
}

// statements prepares each SQL text once.
type statements struct {
	db preparer

	mu     sync.RWMutex
	byText map[string]*sql.Stmt
}

func newStatements(db preparer) *statements {
	return &statements{db: db, byText: map[string]*sql.Stmt{}}
}

func (s *statements) get(ctx context.Context, text string) (*sql.Stmt, error) {
	s.mu.RLock()
	stmt := s.byText[text]
	s.mu.RUnlock()
	if stmt != nil {
		return stmt, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if stmt := s.byText[text]; stmt != nil {
		return stmt, nil
	}
	stmt, err := s.db.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	s.byText[text] = stmt
	return stmt, nil
}

// close gives all of them back. Nobody may use s any more.
func (s *statements) close() error {
	var errs []error
	for _, stmt := range s.byText {
		errs = append(errs, stmt.Close())
	}
	return errors.Join(errs...)
}

// query reads. ctx is looked at only before: reads are short and wait for no lock, and interrupting a connection
// throws it away with all its prepared statements.
func (s *statements) query(ctx context.Context, text string, args ...any) (*rows, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	ctx = context.WithoutCancel(ctx)
	stmt, err := s.get(ctx, text)
	if err != nil {
		return nil, err
	}
	return stmt.QueryContext(ctx, args...)
}

// row reads one row into dest; false if there is none.
func (s *statements) row(ctx context.Context, text string, args []any, dest ...any) (found bool, err error) {
	err = s.each(ctx, text, args, func(r *rows) error {
		found = true
		return r.Scan(dest...)
	})
	return found, err
}

// each reads every row with scan.
func (s *statements) each(ctx context.Context, text string, args []any, scan func(*rows) error) error {
	r, err := s.query(ctx, text, args...)
	if err != nil {
		return err
	}
	return drain(r, scan)
}

func drain(r *rows, scan func(*rows) error) error {
	defer r.Close()
	for r.Next() {
		if err := scan(r); err != nil {
			return err
		}
	}
	return r.Err()
}

// tx is a transaction on its way, which several closures may share.
type tx struct {
	stmts *statements

	changed bool // something was written since the closure began
	failed  bool // a statement failed since the closure began
}

func (t *tx) stmt(ctx context.Context, text string) (*sql.Stmt, error) {
	stmt, err := t.stmts.get(ctx, text)
	t.failed = t.failed || err != nil
	return stmt, err
}

// exec changes rows and says how many.
func (t *tx) exec(ctx context.Context, text string, args ...any) (n int64, err error) {
	stmt, err := t.stmt(ctx, text)
	if err != nil {
		return 0, err
	}
	result, err := stmt.ExecContext(ctx, args...)
	if err == nil {
		n, err = result.RowsAffected()
	}
	t.changed = t.changed || n > 0
	t.failed = t.failed || err != nil
	return n, err
}

// row runs a statement that gives at most one row, an UPDATE with RETURNING for one; false if it gave none.
func (t *tx) row(ctx context.Context, text string, args []any, dest ...any) (found bool, err error) {
	stmt, err := t.stmt(ctx, text)
	if err != nil {
		return false, err
	}
	err = stmt.QueryRowContext(ctx, args...).Scan(dest...)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	t.changed = true
	t.failed = t.failed || err != nil
	return err == nil, err
}

// each reads every row with scan, which must not use t.
func (t *tx) each(ctx context.Context, text string, args []any, scan func(*rows) error) error {
	stmt, err := t.stmt(ctx, text)
	if err != nil {
		return err
	}
	r, err := stmt.QueryContext(ctx, args...)
	if err == nil {
		err = drain(r, scan)
	}
	t.failed = t.failed || err != nil
	return err
}

// nanos is how a time is stored.
func nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

// instant is the time stored as n.
func instant(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}

// flag is how a yes or no is stored.
func flag(yes bool) int {
	if yes {
		return 1
	}
	return 0
}
