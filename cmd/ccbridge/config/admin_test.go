package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSocketBeside: a database whose path is too long for a socket has one under a short name, always the same.
func TestSocketBeside(t *testing.T) {
	t.Parallel()
	if got := socketBeside("/var/lib/ccbridge/ccbridge.db"); got != "/var/lib/ccbridge/ccbridge.db.sock" {
		t.Errorf("short: %s", got)
	}
	deep := "/" + strings.Repeat("d", 100) + "/x.db"
	got := socketBeside(deep)
	if len(got) > maxSocketPath && len(os.TempDir()) < 50 || got != socketBeside(deep) || got == socketBeside(deep+"2") || filepath.Dir(filepath.Dir(got)) != filepath.Clean(os.TempDir()) {
		t.Errorf("long: %s", got)
	}
}
