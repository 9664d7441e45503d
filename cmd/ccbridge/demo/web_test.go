package demo

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/signal"
	"regexp"
	"sync"
	"syscall"
	"testing"
	"time"

	"ccbridge/cmd/ccbridge/config"
	"ccbridge/cmd/ccbridge/service"
)

// TestMain lets this binary be the bridge too: the page's demo starts its own program with `run -config FILE`.
func TestMain(m *testing.M) {
	if len(os.Args) == 4 && os.Args[1] == "run" && os.Args[2] == "-config" {
		os.Exit(beBridge(os.Args[3]))
	}
	os.Exit(m.Run())
}

func beBridge(path string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	cfg, faults := config.Load(path, os.LookupEnv)
	if config.Broken(faults) || service.RunLogged(ctx, cfg, faults, os.Stderr, nil) != nil {
		return 1
	}
	return 0
}

// world is a demo with its page, running.
type world struct {
	*show
	url  string
	stop context.CancelFunc
}

// startWeb runs the demo with its page until the test ends.
func startWeb(t *testing.T) *world {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	log := &lockedBuffer{}
	printed, out := io.Pipe()
	ended := make(chan error, 1)
	w := &world{stop: cancel}
	go func() {
		ended <- playWebWith(ctx, "127.0.0.1:0", log, out, func(s *show) {
			w.show, s.process.rests = s, 3*time.Second
		})
		out.Close()
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if bytes.Contains(log.bytes(), []byte("DATA RACE")) || t.Failed() {
			t.Errorf("the bridge's log:\n%s", tail(log.bytes(), 4000))
		}
	})
	buffer := make([]byte, 1000)
	n, err := printed.Read(buffer)
	if err != nil {
		t.Fatal(err)
	}
	go io.Copy(io.Discard, printed) //nolint:errcheck // ends with the demo
	w.url = regexp.MustCompile(`http://[0-9.:]+`).FindString(string(buffer[:n]))
	return w
}

// lockedBuffer takes a log while it is read.
type lockedBuffer struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.all.Write(p)
}

func (b *lockedBuffer) bytes() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return bytes.Clone(b.all.Bytes())
}
