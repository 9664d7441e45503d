package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(tidy{m}, map[string]func(){"ccbridge": main})
}

// atExit is run after all tests.
var atExit []func()

// tidy runs the tests and then what is left to do.
type tidy struct{ *testing.M }

func (t tidy) Run() int {
	code := t.M.Run()
	for _, do := range atExit {
		do()
	}
	return code
}

// TestScripts runs the whole program as its users do.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"await": await},
	})
}

// await FILE PATTERN waits until a program in the background has written what matches PATTERN to FILE.
func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: await file pattern")
	}
	pattern := regexp.MustCompile(args[1])
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	late := time.After(patience)
	for {
		text, err := os.ReadFile(ts.MkAbs(args[0]))
		if err == nil && pattern.Match(text) {
			return
		}
		select {
		case <-tick.C:
		case <-late:
			ts.Fatalf("%s does not show %s but\n%s", args[0], args[1], text)
		}
	}
}

func TestExitCodes(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]int{
		"":                                2,
		"serve":                           2,
		"-config x":                       2,
		"check x":                         2,
		"check -x":                        2,
		"run -config":                     2,
		"demo x":                          2,
		"init x":                          2,
		"init -secrets vault":             2,
		"init":                            1,
		"manifest":                        2,
		"version x":                       2,
		"password x":                      2,
		"help":                            0,
		"check -h":                        0,
		"version":                         0,
		"check -config no/such/file.toml": 1,
		"run -config no/such/file.toml":   1,
	} {
		var stderr strings.Builder
		err := run(t.Context(), strings.Fields(args), strings.NewReader(""), io.Discard, &stderr)
		if got := exitCode(err, &stderr); got != want {
			t.Errorf("ccbridge %s: exit code %d, want %d", args, got, want)
		}
		if (want != 0) != (stderr.Len() > 0) {
			t.Errorf("ccbridge %s: exit code %d and on stderr: %q", args, want, stderr.String())
		}
	}
	if got := exitCode(fmt.Errorf("run: %w", errors.New("broken")), io.Discard); got != 1 {
		t.Errorf("an error has exit code %d", got)
	}
}
