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

	"github.com/gofrs/flock"
)

// Seen is what can be seen of a store without opening it for use.
type Seen struct {
	Exists  bool
	Mode    fs.FileMode
	Size    int64 // of the database, in bytes
	WAL     int64 // of the log beside it, in bytes
	InUse   bool  // a process has it open
	Foreign bool  // it is the database of another program
	Schema  int   // 0: nothing was written yet
	Newest  int   // the schema that this program writes
}

// Look looks at the store at path and changes nothing. It holds the store's lock for a moment, shared, to see whether
// another process has it; an error says that the file cannot be read as a database.
func Look(ctx context.Context, path string) (Seen, error) {
	s := Seen{Newest: len(migrations)}
	path, err := filepath.Abs(path)
	if err == nil {
		path, err = filepath.EvalSymlinks(path)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return s, fmt.Errorf("look at the store: %w", err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return s, fmt.Errorf("look at the store: %w", err)
	}
	s.Exists, s.Mode, s.Size = true, info.Mode(), info.Size()
	if wal, err := os.Stat(path + "-wal"); err == nil {
		s.WAL = wal.Size()
	}
	if s.InUse, err = inUse(path + ".lock"); err != nil {
		return s, fmt.Errorf("look at the store's lock: %w", err)
	}
	if err := s.readSchema(ctx, path); err != nil {
		return s, fmt.Errorf("read the store %s: %w", path, err)
	}
	return s, nil
}

// inUse tells whether a process holds the lock.
func inUse(path string) (bool, error) {
	lock := flock.New(path, flock.SetFlag(os.O_RDONLY))
	got, err := lock.TryRLock()
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return !got, lock.Unlock()
}

// readSchema reads the schema's number. A database without a log is read as one that nobody changes: else SQLite would
// make files beside it.
func (s *Seen) readSchema(ctx context.Context, path string) error {
	if s.Size == 0 && s.WAL == 0 {
		return nil
	}
	params := url.Values{"mode": {"ro"}, "_pragma": {"busy_timeout(5000)"}}
	if s.WAL == 0 && !s.InUse {
		params.Set("immutable", "1")
	}
	db, err := sql.Open("sqlite", dsn(path, params))
	if err != nil {
		return err
	}
	defer db.Close()
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	ours, foreign, err := whose(ctx, conn)
	if s.Foreign = foreign; err != nil || !ours {
		return err
	}
	var value string
	switch err := conn.QueryRowContext(ctx, selectSetting, settingSchema).Scan(&value); {
	case errors.Is(err, sql.ErrNoRows):
		return nil
	case err != nil:
		return fmt.Errorf("read its schema: %w", err)
	}
	if s.Schema, err = strconv.Atoi(value); err != nil {
		return fmt.Errorf("schema version %q: %w", value, err)
	}
	return nil
}

// copyTo copies the database into an empty file. One without a log is read as one that nobody changes, as above.
func (s *Seen) copyTo(ctx context.Context, path, target string) error {
	params := url.Values{"mode": {"ro"}, "_pragma": {"busy_timeout(5000)"}}
	if s.WAL == 0 && !s.InUse {
		params.Set("immutable", "1")
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	db, err := sql.Open("sqlite", dsn(path, params))
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, "VACUUM INTO $1", target)
	return errors.Join(err, db.Close())
}
