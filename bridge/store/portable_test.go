package store

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestPartLeadsEveryKey: threads that share a limit have one owner, and a sharded PostgreSQL can distribute by the part.
func TestPartLeadsEveryKey(t *testing.T) {
	t.Parallel()
	table := regexp.MustCompile(`^CREATE TABLE (\w+) \(`)
	key := regexp.MustCompile(`PRIMARY KEY \(part[,)]|part +smallint PRIMARY KEY`)
	index := regexp.MustCompile(`^CREATE INDEX \w+ ON \w+ \(part,`)
	column := regexp.MustCompile(`^ALTER TABLE \w+ ADD COLUMN `)
	named := map[string]bool{}
	for _, statements := range migrations {
		for _, s := range statements {
			made := table.FindStringSubmatch(s)
			switch {
			case made != nil:
				named[made[1]] = true
				if !key.MatchString(s) {
					t.Errorf("the key of table %s does not begin with part", made[1])
				}
			case !index.MatchString(s) && !column.MatchString(s):
				t.Errorf("no index that begins with part: %s", s)
			}
		}
	}
	for _, name := range []string{"thread", "queue", "delivery", "seen", "ledger"} {
		if !named[name] {
			t.Errorf("there is no table %s", name)
		}
	}
}

// TestPortable keeps what only SQLite knows in sqlite.go, and in look.go, which looks at its files.
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
		if strings.HasSuffix(name, "_test.go") || name == "sqlite.go" || name == "look.go" || name == "doc.go" {
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
