package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gofrs/flock"
	_ "modernc.org/sqlite" // the driver
)

// This file is all that knows SQLite: files and their lock, settings of connections, and the one writer.

const (
	// maxBatch is how many closures share a transaction.
	maxBatch = 256
	// maxWaiting is how many closures wait for the writer; more wait for a place.
	maxWaiting = 1024
	// readers is how many reads run at once.
	readers = 4
)

// sqlite is an open database: one writer, some readers.
type sqlite struct {
	lock  *flock.Flock
	write *sql.DB
	conn  *sql.Conn // the only connection of write
	stmts *statements
	read  *sql.DB
	reads *statements
	hooks Hooks

	committed func(time.Duration) // as in Options

	jobs chan job
	done chan struct{} // closed when the writer has ended

	mu     sync.RWMutex // guards closed, and calls from starting after it
	closed bool
	calls  sync.WaitGroup // begun and not yet ended
}

// job is a closure that waits for the writer.
type job struct {
	fn     func(context.Context, *tx) error
	alone  func(context.Context) error // instead of fn: outside every transaction
	answer chan error
}

func openSQLite(ctx context.Context, path string, opts Options) (*sqlite, error) {
	db := &sqlite{hooks: opts.Hooks, committed: opts.Committed, jobs: make(chan job, maxWaiting), done: make(chan struct{})}
	if err := db.open(ctx, path, opts.MaxPages); err != nil {
		return nil, errors.Join(err, db.release())
	}
	go db.runWriter(context.WithoutCancel(ctx))
	return db, nil
}

func (db *sqlite) open(ctx context.Context, path string, maxPages int) error {
	path, err := realPath(path)
	if err != nil {
		return err
	}
	if err := db.takeLock(path + ".lock"); err != nil {
		return err
	}
	if err := private(path); err != nil {
		return err
	}
	writes := url.Values{"_pragma": {
		"busy_timeout(5000)", "journal_mode(wal)", "synchronous(full)",
		"cache_size(-16384)", "wal_autocheckpoint(8192)", "journal_size_limit(67108864)",
	}}
	if maxPages > 0 {
		writes.Add("_pragma", "max_page_count("+strconv.Itoa(maxPages)+")")
	}
	if db.write, err = sql.Open("sqlite", dsn(path, writes)); err != nil {
		return err
	}
	if db.conn, err = db.write.Conn(ctx); err != nil {
		return err
	}
	db.stmts = newStatements(db.conn)
	if err := notForeign(ctx, db.conn); err != nil {
		return err
	}
	reads := url.Values{"mode": {"ro"}, "_pragma": {"busy_timeout(5000)", "cache_size(-2048)"}}
	if db.read, err = sql.Open("sqlite", dsn(path, reads)); err != nil {
		return err
	}
	db.read.SetMaxOpenConns(readers)
	db.read.SetMaxIdleConns(readers)
	db.reads = newStatements(db.read)
	return nil
}

// dialect adapts a statement of the schema: a table marked so is kept in the order of its key, without a second tree.
func dialect(statement string) string {
	return strings.Replace(statement, "/* clustered */", "WITHOUT ROWID", 1)
}

func dsn(path string, params url.Values) string {
	return (&url.URL{Scheme: "file", Path: path, RawQuery: params.Encode()}).String()
}

func (db *sqlite) takeLock(path string) error {
	db.lock = flock.New(path, flock.SetFlag(os.O_CREATE|os.O_RDWR), flock.SetPermissions(0o600))
	got, err := db.lock.TryLock()
	if err != nil {
		return fmt.Errorf("lock %s: %w", path, err)
	}
	if !got {
		return fmt.Errorf("%w: %s is locked", ErrLocked, path)
	}
	return nil
}

// realPath makes the database's file, with mode 0600, if it is missing, and gives its own name: whatever links lead to it,
// it has one lock, beside the log that SQLite keeps there.
func realPath(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return "", err
	}
	if err := f.Close(); err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(path)
}

// notForeign refuses the database of another program.
func notForeign(ctx context.Context, conn *sql.Conn) error {
	_, foreign, err := whose(ctx, conn)
	if err == nil && foreign {
		err = errors.New("it is the database of another program")
	}
	return err
}

// whose tells whether a database is ours, or another program's. An empty one is nobody's.
func whose(ctx context.Context, conn *sql.Conn) (ours, foreign bool, err error) {
	const tables = `SELECT COUNT(*), COUNT(CASE WHEN name = 'setting' THEN 1 END) FROM sqlite_master WHERE type = 'table'`
	var all, own int
	if err := conn.QueryRowContext(ctx, tables).Scan(&all, &own); err != nil {
		return false, false, fmt.Errorf("list tables: %w", err)
	}
	return own > 0, all > 0 && own == 0, nil
}

// private gives the database the mode 0600. What SQLite makes beside it gets the mode of the database.
func private(path string) error {
	for _, name := range []string{path, path + "-wal", path + "-shm", path + ".lock"} {
		if err := os.Chmod(name, 0o600); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// begin lets a call start; the caller ends it with db.calls.Done.
func (db *sqlite) begin() error {
	db.mu.RLock()
	defer db.mu.RUnlock()
	if db.closed {
		return ErrClosed
	}
	db.calls.Add(1)
	return nil
}

func (db *sqlite) close() error {
	db.mu.Lock()
	closed := db.closed
	db.closed = true
	db.mu.Unlock()
	if closed {
		<-db.done
		return nil
	}
	db.calls.Wait()
	close(db.jobs)
	<-db.done
	return db.release()
}

// release closes what is open, the writer last: it takes the log into the database. SQLite keeps a connection, and with
// it the log, as long as there are statements of it.
func (db *sqlite) release() error {
	var errs []error
	if db.read != nil {
		errs = append(errs, db.reads.close(), db.read.Close())
	}
	if db.conn != nil {
		errs = append(errs, db.stmts.close(), db.conn.Close())
	}
	if db.write != nil {
		errs = append(errs, db.write.Close())
	}
	if db.lock != nil {
		errs = append(errs, db.lock.Unlock())
	}
	return errors.Join(errs...)
}

// do is Store.do.
func (db *sqlite) do(ctx context.Context, fn func(context.Context, *tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := db.begin(); err != nil {
		return err
	}
	defer db.calls.Done()
	return db.enqueue(ctx, job{fn: fn, answer: make(chan error, 1)})
}

// doAlone runs fn on the writer's connection while no transaction is open. The rest is as with do.
func (db *sqlite) doAlone(ctx context.Context, fn func(context.Context) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := db.begin(); err != nil {
		return err
	}
	defer db.calls.Done()
	return db.enqueue(ctx, job{alone: fn, answer: make(chan error, 1)})
}

// enqueue hands a job to the writer and waits for its end.
func (db *sqlite) enqueue(ctx context.Context, j job) error {
	select {
	case db.jobs <- j:
		return <-j.answer
	case <-ctx.Done():
		return ctx.Err()
	}
}

// runWriter commits until jobs is closed: whatever came while the last commit ran goes into the next.
func (db *sqlite) runWriter(ctx context.Context) {
	defer close(db.done)
	batch := make([]job, 0, maxBatch)
	for j := range db.jobs {
		batch = batch[:0]
		for more := true; more; {
			if j.alone != nil {
				break
			}
			batch = append(batch, j)
			j = job{}
			if len(batch) == maxBatch {
				break
			}
			select {
			case j, more = <-db.jobs:
			default:
				more = false
			}
		}
		if len(batch) > 0 {
			began := time.Now()
			errs := db.commit(ctx, batch)
			if db.committed != nil {
				db.committed(time.Since(began))
			}
			for i, err := range errs {
				batch[i].answer <- err
			}
		}
		if j.alone != nil {
			j.answer <- j.alone(ctx)
		}
	}
}

// checkpoints is how often wipe tries to empty the log, which a reader may hold up.
const checkpoints = 50

// wipe writes the database anew, without what was deleted, and empties the log. Overwriting what is deleted
// (secure_delete) is not enough: where rows move from page to page, copies of them stay behind.
func (db *sqlite) wipe(ctx context.Context) error {
	err := db.doAlone(ctx, func(ctx context.Context) error {
		_, err := db.conn.ExecContext(ctx, "VACUUM")
		return err
	})
	if err != nil {
		return fmt.Errorf("write the database anew (there must be room for it a second time): %w", err)
	}
	for range checkpoints {
		var busy, pages, done int
		err := db.doAlone(ctx, func(ctx context.Context) error {
			return db.conn.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &pages, &done)
		})
		if err != nil {
			return fmt.Errorf("empty the log: %w", err)
		}
		if busy == 0 {
			return nil
		}
	}
	return errors.New("empty the log: somebody reads the database all the time")
}

// commit runs a batch in one transaction and says how each closure ended. First all run without savepoints, which would
// cost about a tenth more. If one fails half-way all is undone, and each runs again in a savepoint.
func (db *sqlite) commit(ctx context.Context, batch []job) []error {
	errs, again := db.attempt(ctx, batch, runPlain)
	if again {
		errs, _ = db.attempt(ctx, batch, runSaved)
	}
	return errs
}

// errAgain asks for another attempt; any other error of a run concerns the whole batch.
var errAgain = errors.New("once more, with savepoints")

func (db *sqlite) attempt(ctx context.Context, batch []job, run func(context.Context, *tx, job) (error, error)) (errs []error, again bool) {
	errs = make([]error, len(batch))
	t := &tx{stmts: db.stmts}
	_, err := t.exec(ctx, "BEGIN IMMEDIATE")
	for i := 0; err == nil && i < len(batch); i++ {
		errs[i], err = run(ctx, t, batch[i])
	}
	if err == nil {
		err = db.end(ctx, t)
	}
	if err == nil {
		return errs, false
	}
	// The transaction may be gone already: SQLite ends it by itself after some failures.
	_, _ = t.exec(ctx, "ROLLBACK")
	for i := range errs {
		errs[i] = errors.Join(errs[i], err)
	}
	return errs, errors.Is(err, errAgain)
}

func (db *sqlite) end(ctx context.Context, t *tx) error {
	if db.hooks.BeforeCommit != nil {
		db.hooks.BeforeCommit()
	}
	if _, err := t.exec(ctx, "COMMIT"); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	if db.hooks.AfterCommit != nil {
		db.hooks.AfterCommit()
	}
	return nil
}

// runPlain runs a closure. An error without a change and without a failed statement, a lost comparison for one, is the
// closure's own; after any other the batch is run again.
func runPlain(ctx context.Context, t *tx, j job) (own, batch error) {
	t.changed, t.failed = false, false
	own = j.fn(ctx, t)
	if own != nil && (t.changed || t.failed) {
		return own, errAgain
	}
	return own, nil
}

// runSaved runs a closure in a savepoint. If the savepoint cannot be ended, SQLite has ended the whole transaction by
// itself, as it does when the disk is full.
func runSaved(ctx context.Context, t *tx, j job) (own, batch error) {
	if _, err := t.exec(ctx, "SAVEPOINT one"); err != nil {
		return nil, err
	}
	if own = j.fn(ctx, t); own != nil {
		if _, err := t.exec(ctx, "ROLLBACK TO one"); err != nil {
			return own, errors.Join(own, err)
		}
	}
	_, err := t.exec(ctx, "RELEASE one")
	return own, err
}
