package store

import (
	"path/filepath"
	"testing"

	"ccbridge/bridge"
	"ccbridge/bridge/bridgetest"
)

func TestExercise(t *testing.T) {
	t.Parallel()
	bridgetest.ExerciseStore(t, func(t *testing.T) bridge.Store { return openTest(t, Options{}) })
}

// openTest opens an empty store that is closed when the test ends.
func openTest(t *testing.T, opts Options) *Store {
	t.Helper()
	return reopen(t, filepath.Join(t.TempDir(), "test.db"), opts)
}

func reopen(t *testing.T, path string, opts Options) *Store {
	t.Helper()
	s, err := Open(t.Context(), path, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}
