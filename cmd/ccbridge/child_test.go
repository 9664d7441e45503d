package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"ccbridge/cmd/ccbridge/config"
	"ccbridge/cmd/ccbridge/service"
)

// The environment of a child: this test binary, run again as the bridge so that it can be killed.
const (
	childConfig = "CCBRIDGE_TEST_CHILD"    // path of its configuration
	childKillAt = "CCBRIDGE_TEST_KILL_AT"  // it kills itself at so many hooks; 0: never
	childTrace  = "CCBRIDGE_TEST_TRACE_TO" // file to which the number of hooks is written at the end
)

func init() {
	if path := os.Getenv(childConfig); path != "" {
		os.Exit(beChild(path))
	}
}

func beChild(path string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	killAt, _ := strconv.ParseInt(os.Getenv(childKillAt), 10, 64)
	var n atomic.Int64
	hook := func(string) {
		if n.Add(1) == killAt {
			syscall.Kill(os.Getpid(), syscall.SIGKILL) //nolint:errcheck // it does not return
			select {}
		}
	}
	cfg, faults := config.Load(path, os.LookupEnv)
	if config.Broken(faults) {
		fmt.Fprintln(os.Stderr, faults)
		return 1
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: cfg.Server.LogLevel}))
	err := service.Run(ctx, cfg, service.Options{Log: log, Hook: hook})
	if trace := os.Getenv(childTrace); trace != "" {
		os.WriteFile(trace, []byte(strconv.FormatInt(n.Load(), 10)), 0o600) //nolint:errcheck // its absence fails the test
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// childProgram is what children run: this test binary, built without the race detector. Hundreds of them are killed, and
// the detector makes each start some times as dear.
var childProgram = sync.OnceValues(func() (string, error) {
	info, ok := debug.ReadBuildInfo()
	if !ok || !slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		return os.Args[0], nil
	}
	dir, err := os.MkdirTemp("", "ccbridge-child-")
	if err != nil {
		return "", err
	}
	atExit = append(atExit, func() { os.RemoveAll(dir) })
	program := filepath.Join(dir, "child.test")
	if out, err := exec.Command("go", "test", "-c", "-o", program, ".").CombinedOutput(); err != nil {
		return "", fmt.Errorf("build without -race: %w\n%s", err, out)
	}
	return program, nil
})

// child is the bridge in a process of its own.
type child struct {
	cmd  *exec.Cmd
	done chan struct{}
	out  *syncBuffer
}

// spawn starts the bridge as a child. killAt as in childKillAt.
func (w *world) spawn(killAt int) *child {
	w.t.Helper()
	w.load()
	c := &child{done: make(chan struct{}), out: &syncBuffer{}}
	program, err := childProgram()
	must(w.t, err)
	c.cmd = exec.Command(program, "-test.run=^$")
	c.cmd.Env = append(os.Environ(), childConfig+"="+filepath.Join(w.dir, "config.toml"), fmt.Sprintf("%s=%d", childKillAt, killAt),
		childTrace+"="+filepath.Join(w.dir, "hooks"), "GORACE=atexit_sleep_ms=0")
	c.cmd.Stderr = io.MultiWriter(c.out, w.log)
	if err := c.cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	go func() {
		defer close(c.done)
		c.cmd.Wait() //nolint:errcheck // it is killed
	}()
	w.t.Cleanup(func() {
		c.kill()
		if w.t.Failed() {
			w.t.Logf("child %d:\n%s", c.cmd.Process.Pid, c.out.tail(8000))
		}
		if strings.Contains(c.out.String(), "DATA RACE") || strings.Contains(c.out.String(), "a defect:") {
			w.t.Errorf("child %d: %s", c.cmd.Process.Pid, c.out.tail(8000))
		}
	})
	return c
}

// kill is kill -9.
func (c *child) kill() {
	c.cmd.Process.Kill() //nolint:errcheck // it may be gone
	<-c.done
}

// end asks the child to stop and waits for it.
func (c *child) end() {
	c.cmd.Process.Signal(syscall.SIGTERM) //nolint:errcheck // it may be gone
	<-c.done
}

// term ends the child in order and tells how many hooks it passed.
func (c *child) term(w *world) int {
	w.t.Helper()
	c.end()
	b, err := os.ReadFile(filepath.Join(w.dir, "hooks"))
	if err != nil {
		w.t.Fatal(err)
	}
	n, err := strconv.Atoi(string(bytes.TrimSpace(b)))
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}

// keepAlive starts the child again whenever it dies, until stop.
func (w *world) keepAlive(first *child) (stop func() *child) {
	var mu sync.Mutex
	current, stopped := first, false
	var group sync.WaitGroup
	group.Go(func() {
		for {
			mu.Lock()
			c := current
			mu.Unlock()
			<-c.done
			mu.Lock()
			if stopped {
				mu.Unlock()
				return
			}
			current = w.spawn(0)
			mu.Unlock()
		}
	})
	stop = func() *child {
		mu.Lock()
		defer mu.Unlock()
		stopped = true
		return current
	}
	w.t.Cleanup(func() { // also of a test that was cut short
		stop().end()
		group.Wait()
	})
	return stop
}
