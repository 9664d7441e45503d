package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"ccbridge": main})
}

// TestScripts runs the whole program as its users do.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
	})
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
		"version x":                       2,
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
