package demo

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
)

// TestProcessEnds: a bridge that cannot be started, or ends by itself, is told of and started when asked for.
func TestProcessEnds(t *testing.T) {
	t.Parallel()
	for what, command := range map[string][]string{
		"no such program": {filepath.Join(t.TempDir(), "none")},
		"ends by itself":  {"true"},
		"ends badly":      {"false"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			ends, told := make(chan struct{}), make(chan string, 20)
			p := newProcess(command, func([]byte) {}, func(event, detail string) { told <- event + " " + detail })
			go func() {
				defer close(ends)
				p.run(ctx)
			}()
			for range 2 {
				for !strings.HasPrefix(<-told, "ended ") {
				}
				if now := p.now(); now.State != "ended" || now.PID != 0 {
					t.Errorf("it is %+v", now)
				}
				if p.kill() == nil {
					t.Error("what does not run was killed")
				}
				if err := p.start(); err != nil {
					t.Error(err)
				}
			}
			cancel()
			<-ends
		})
	}
}

// TestProcessReads: lines come whole, and what is too long is left out.
func TestProcessReads(t *testing.T) {
	t.Parallel()
	var heard []string
	p := newProcess(nil, func(line []byte) { heard = append(heard, string(line)) }, nil)
	p.read(strings.NewReader("one\n" + strings.Repeat("x", 3*maxLogLine) + "\ntwo\nrest"))
	if got := strings.Join(heard, "|"); got != "one\n|two\n|rest" {
		t.Errorf("heard %.100q", got)
	}
}
