package store

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestPortable keeps what only SQLite knows in sqlite.go.
func TestPortable(t *testing.T) {
	t.Parallel()
	only := regexp.MustCompile(`(?i)\b(sqlite\w*|pragma|rowid|autoincrement|glob|vacuum|attach|savepoint|strftime|julianday|datetime|unixepoch|json_extract|ifnull|last_insert_rowid|INSERT OR \w+|REPLACE INTO|blob|busy|wal|INDEXED BY|total_changes|changes\(\))\b`)
	question := regexp.MustCompile(`= ?\?|\(\?`)
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") || name == "sqlite.go" || name == "doc.go" {
			continue
		}
		checked++
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for n, line := range strings.Split(string(text), "\n") {
			if strings.HasPrefix(strings.TrimSpace(line), "//") {
				continue
			}
			line = strings.NewReplacer("openSQLite(", "open(", "*sqlite\n", "", "*sqlite", "").Replace(line)
			if found := only.FindString(line); found != "" {
				t.Errorf("%s:%d: %q belongs in sqlite.go", name, n+1, found)
			}
			if question.MatchString(line) {
				t.Errorf("%s:%d: placeholders are $1, $2, …", name, n+1)
			}
		}
	}
	if checked < 5 {
		t.Errorf("only %d files checked", checked)
	}
}
