package store

import (
	"os"
	"path/filepath"
	"testing"
)

// A copy is taken while the store is at work, holds what was stored before, and can be opened; nothing is overwritten.
func TestBackup(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, target := filepath.Join(dir, "bridge.db"), filepath.Join(dir, "copy.db")
	if err := Backup(t.Context(), path, target); err == nil {
		t.Error("a copy of nothing")
	}
	s, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Healthy(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := Backup(t.Context(), path, target); err != nil {
		t.Fatal(err)
	}
	if err := Backup(t.Context(), path, target); err == nil {
		t.Error("a file was overwritten")
	}
	if info, err := os.Stat(target); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the copy: %v, %v", info, err)
	}
	if err := s.Healthy(t.Context()); err != nil {
		t.Errorf("the store after the copy: %v", err)
	}
	instance := s.Instance()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := Backup(t.Context(), path, filepath.Join(dir, "stopped.db")); err != nil {
		t.Error(err)
	}
	for _, name := range []string{target, filepath.Join(dir, "stopped.db")} {
		c, err := Open(t.Context(), name, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if c.Instance() != instance {
			t.Errorf("%s is of another store", name)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := Backup(t.Context(), target, filepath.Join(dir, "missing", "x.db")); err == nil {
		t.Error("a copy into a folder that does not exist")
	}
}
