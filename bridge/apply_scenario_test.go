package bridge

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew; read the difference line by line")

// TestScenarios plays the conversations of testdata/scenarios: each names the sentence of the contract it shows.
func TestScenarios(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/scenarios/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel()
			golden(t, file, playScript)
		})
	}
}

// playScript plays the commands of a script, a new session at every line that begins with "##", and gives the script
// with what came of each command below it.
func playScript(t *testing.T, script string) string {
	p := newPlay(t.Fatalf)
	var out strings.Builder
	for line := range strings.Lines(script) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, ">"):
			continue
		case strings.HasPrefix(line, "##"):
			p = newPlay(t.Fatalf)
		case line != "" && !strings.HasPrefix(line, "#"):
			p.do(line)
			out.WriteString(line + "\n")
			for _, l := range p.lines {
				out.WriteString("  > " + l + "\n")
			}
			continue
		}
		out.WriteString(line + "\n")
	}
	return out.String()
}

// golden compares a file with what make makes of it, or writes it.
func golden(t *testing.T, file string, do func(*testing.T, string) string) {
	t.Helper()
	want, err := os.ReadFile(file)
	if err != nil && !*update {
		t.Fatal(err)
	}
	got := do(t, string(want))
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got == string(want) {
		return
	}
	is, should := strings.Split(got, "\n"), strings.Split(string(want), "\n")
	for i := range max(len(is), len(should)) {
		if i >= len(is) || i >= len(should) || is[i] != should[i] {
			t.Fatalf("%s:%d:\n is     %q\n should %q", file, i+1, at(is, i), at(should, i))
		}
	}
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return "(end)"
}
