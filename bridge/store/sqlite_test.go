package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"ccbridge/bridge"
)

func TestOneProcess(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	first, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), path, Options{}); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Fatalf("opened twice: %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatalf("closed again: %v", err)
	}
	second := reopen(t, path, Options{})
	if second.Instance() != first.Instance() {
		t.Errorf("instance %q became %q", first.Instance(), second.Instance())
	}
	if _, err := first.Stats(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("read after close: %v", err)
	}
	if err := first.Healthy(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("write after close: %v", err)
	}
}

// TestOneProcessThroughLinks: another name for the file is the same file.
func TestOneProcessThroughLinks(t *testing.T) {
	t.Parallel()
	path, link := filepath.Join(t.TempDir(), "test.db"), filepath.Join(t.TempDir(), "link.db")
	if err := os.Symlink(path, link); err != nil {
		t.Skip(err)
	}
	first := reopen(t, link, Options{})
	if _, err := Open(t.Context(), path, Options{}); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Fatalf("opened twice: %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if second := reopen(t, path, Options{}); second.Instance() != first.Instance() {
		t.Errorf("instance %q became %q", first.Instance(), second.Instance())
	}
}

// TestCloseLeavesOneFile: after an orderly end the database is whole without its log.
func TestCloseLeavesOneFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	s := reopen(t, path, Options{})
	if _, err := s.Stats(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, suffix := range []string{"-wal", "-shm"} {
		if _, err := os.Stat(path + suffix); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is left: %v", suffix, err)
		}
	}
}

func TestFileModes(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "odd name?#%.db")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	s := reopen(t, path, Options{})
	if err := s.Healthy(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, suffix := range []string{"", "-wal", "-shm", ".lock"} {
		info, err := os.Stat(path + suffix)
		if err != nil {
			t.Error(err)
		} else if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", suffix, info.Mode())
		}
	}
}

func TestOpenFails(t *testing.T) {
	t.Parallel()
	newer := filepath.Join(t.TempDir(), "newer.db")
	s, err := Open(t.Context(), newer, Options{})
	if err != nil {
		t.Fatal(err)
	}
	mustDo(t, s, upsertSetting, settingSchema, fmt.Sprint(len(migrations)+1))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	text := filepath.Join(t.TempDir(), "text.db")
	if err := os.WriteFile(text, []byte(strings.Repeat("this is no database\n", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	foreign := filepath.Join(t.TempDir(), "foreign.db")
	db, err := sql.Open("sqlite", "file:"+foreign)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), "CREATE TABLE bookmarks (url text)"); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		foreign:                                 "another program",
		newer:                                   "newer than this program",
		text:                                    "not a database",
		filepath.Join(t.TempDir(), "no", "dir"): "no such file",
	} {
		if _, err := Open(t.Context(), path, Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("open %s: %v, want %q", path, err, want)
		}
	}
}

func mustDo(t *testing.T, s *Store, text string, args ...any) {
	t.Helper()
	err := s.do(t.Context(), func(ctx context.Context, tx *tx) error {
		_, err := tx.exec(ctx, text, args...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestBatch queues closures behind a commit that is held, so that they share a transaction.
func TestBatch(t *testing.T) {
	t.Parallel()
	held, release := make(chan struct{}), make(chan struct{})
	var hold, commits int
	s := openTest(t, Options{Hooks: Hooks{BeforeCommit: func() {
		if commits++; commits == hold {
			close(held)
			<-release
		}
	}}})
	hold = commits + 1 // the writer is idle: it answered Open after its commit
	sorry := errors.New("changed my mind")
	write := func(name string, err error) func(context.Context, *tx) error {
		return func(ctx context.Context, tx *tx) error {
			if _, failed := tx.exec(ctx, upsertSetting, name, "x"); failed != nil {
				return failed
			}
			if name == "bad" {
				_, err = tx.exec(ctx, insertPart, 0) // there is one
			}
			return err
		}
	}
	var wg sync.WaitGroup
	errs := map[string]error{}
	var mu sync.Mutex
	run := func(name string, fn func(context.Context, *tx) error) {
		wg.Go(func() {
			err := s.do(t.Context(), fn)
			mu.Lock()
			errs[name] = err
			mu.Unlock()
		})
	}
	run("first", write("first", nil))
	<-held
	before := commits
	run("good", write("good", nil))
	run("sorry", write("sorry", sorry))
	run("bad", write("bad", nil))
	run("better", write("better", nil))
	for len(s.db.jobs) < 4 { // they are on their way into the queue
		if t.Context().Err() != nil {
			t.Fatal("they never queue")
		}
	}
	close(release)
	wg.Wait()
	if got := commits - before; got != 1 {
		t.Errorf("%d commits for what waited, want 1", got)
	}
	for name, want := range map[string]bool{"first": true, "good": true, "sorry": false, "bad": false, "better": true} {
		var value string
		found, err := s.row(t.Context(), selectSetting, []any{name}, &value)
		if err != nil || found != want || (errs[name] == nil) != want {
			t.Errorf("%s: there %t, answered %v, read %v", name, found, errs[name], err)
		}
	}
	if !errors.Is(errs["sorry"], sorry) {
		t.Errorf("sorry: %v", errs["sorry"])
	}
}

// TestFullDisk fills the store, and finds it well again when there is room.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	s := openTest(t, Options{MaxPages: 80})
	var wg sync.WaitGroup
	var mu sync.Mutex
	became := map[string]error{}
	put := func(id string) error {
		ev := bridge.Event{ID: bridge.EventID(id), Thread: benchKey(1), Text: &bridge.Text{Body: strings.Repeat("x", 500)}}
		_, err := s.Ingest(t.Context(), []bridge.Incoming{{Event: ev, Opens: true, Dedupe: true}})
		return err
	}
	for w := range 16 {
		wg.Go(func() {
			for n := range 40 {
				id := fmt.Sprint(w, "-", n)
				err := put(id)
				mu.Lock()
				became[id] = err
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	stored := 0
	for _, err := range became {
		if err == nil {
			stored++
		}
	}
	if stored == 0 || stored == len(became) {
		t.Fatalf("%d of %d stored", stored, len(became))
	}
	st, err := s.Stats(t.Context())
	if err != nil || st.Queue != stored {
		t.Fatalf("%d acknowledged, %d there, %v", stored, st.Queue, err)
	}
	setMaxPages(t, s, 100_000)
	if err := s.Healthy(t.Context()); err != nil {
		t.Fatalf("there is room again: %v", err)
	}
	for id := range became {
		if err := put(id); err != nil {
			t.Fatal(err)
		}
	}
	if st, err = s.Stats(t.Context()); err != nil || st.Queue != len(became) {
		t.Fatalf("%d there, want %d, %v", st.Queue, len(became), err)
	}
}

func setMaxPages(t *testing.T, s *Store, n int) {
	t.Helper()
	err := s.do(t.Context(), func(ctx context.Context, tx *tx) error {
		_, err := tx.row(ctx, fmt.Sprintf("PRAGMA max_page_count = %d", n), nil, &n)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestPlans keeps the frequent queries on their indexes.
func TestPlans(t *testing.T) {
	t.Parallel()
	s := openTest(t, Options{})
	wanted := map[string]string{selectOpen: "thread_open", selectEnded: "thread_ended", selectOpenOf: "thread_open", countOpenOf: "thread_open",
		selectDue: "thread_due", selectNextDue: "thread_due", selectHead: "delivery_lane", statSessions: "thread_open", statDead: "ledger_dead"}
	for _, query := range []string{countEvent, selectOpenOf, selectSession, selectQueue, countOpenOf, updateThread, deleteQueue, selectOrdered, selectHead,
		beginDelivery, insertSettled, deleteDelivery, selectHeard, selectSent, selectLastSent, selectDue, selectNextDue, selectOpen, selectEnded,
		selectWaiting, selectLanes, walkSeen, walkLedger, statSessions, statDead} {
		args := make([]any, strings.Count(query, "$"))
		for i := range args {
			args[i] = 0
		}
		plan := ""
		err := s.each(t.Context(), "EXPLAIN QUERY PLAN "+query, args, func(r *rows) error {
			var id, parent, unused int
			var detail string
			err := r.Scan(&id, &parent, &unused, &detail)
			plan += detail + "\n"
			scan, scanned := strings.CutPrefix(detail, "SCAN ")
			// p are the parts, q and h what waits, due what selectNextDue found for each part.
			if first, rest, _ := strings.Cut(scan, " "); scanned && !strings.Contains(rest, "INDEX") && !strings.Contains("p q h due parts queue", first) {
				t.Errorf("%s\n\treads all: %s", query, detail)
			}
			return err
		})
		if err != nil {
			t.Errorf("%s: %v", query, err)
		}
		if !strings.Contains(plan, wanted[query]) {
			t.Errorf("%s\n\twithout %s:\n%s", query, wanted[query], plan)
		}
	}
}
