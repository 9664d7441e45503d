package store

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestLook: what is there is seen, whether it is open or not, and nothing changes.
func TestLook(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "bridge.db")
	look := func(what string, want Seen) Seen {
		t.Helper()
		before := files(t, path)
		got, err := Look(t.Context(), path)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		want.Newest, want.Mode, want.Size, want.WAL = len(migrations), got.Mode, got.Size, got.WAL
		if got != want {
			t.Errorf("%s: %+v, want %+v", what, got, want)
		}
		if after := files(t, path); !slices.Equal(before, after) {
			t.Errorf("%s: files were %v, are %v", what, before, after)
		}
		return got
	}
	look("nothing there", Seen{})

	s, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if seen := look("open", Seen{Exists: true, InUse: true, Schema: len(migrations)}); seen.WAL == 0 || seen.Mode.Perm() != 0o600 {
		t.Errorf("open: %+v", seen)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	look("closed", Seen{Exists: true, Schema: len(migrations)})

	change(t, path, `UPDATE setting SET value = '99' WHERE name = 'schema'`)
	look("newer", Seen{Exists: true, Schema: 99})
	change(t, path, `ALTER TABLE setting RENAME TO other`)
	look("foreign", Seen{Exists: true, Foreign: true})

	if err := os.WriteFile(path, []byte("this is no database, but a text that is long enough to have been one, one would say, if one did not look at its head"), 0o600); err != nil {
		t.Fatal(err)
	}
	if seen, err := Look(t.Context(), path); err == nil {
		t.Errorf("a text is a database: %+v", seen)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	look("empty", Seen{Exists: true})
}

func files(t *testing.T, path string) []string {
	t.Helper()
	names, err := filepath.Glob(path + "*")
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// change carries out a statement on a database that nobody has open.
func change(t *testing.T, path, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(context.Background(), statement); err != nil {
		t.Error(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}
