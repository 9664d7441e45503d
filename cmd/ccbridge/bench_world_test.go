package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime/pprof"
	"syscall"
	"testing"
	"time"

	"ccbridge/adapters/slack/slacksim"
	"ccbridge/ccm/ccmsim"
)

// The benchmarks of the whole program: simulators and load in this process, the bridge in another. They are benchmarks
// and not tests, so that a plain "go test" does not run them:
//
//	go test ./cmd/ccbridge -run '^$' -bench . -benchtime 20s -timeout 30m
//
// The bridge is the program itself, built by "go build". Nothing else should run on the machine: beside each figure
// stands what the disk and the CPU needed for a known piece of work. To see where its time goes, name a folder:
//
//	CCBRIDGE_BENCH_PROFILE=$HOME go test ./cmd/ccbridge -run '^$' -bench Throughput -benchtime 20s
//
// Then the bridge is this test binary, and writes for each benchmark NAME.pprof, a CPU profile of the measured time, and
// NAME.pprof.heap.
const (
	benchProfile = "CCBRIDGE_BENCH_PROFILE" // folder for profiles, set by the user
	benchChild   = "CCBRIDGE_BENCH_CHILD"   // path of a configuration: this process is the bridge
	benchOut     = "CCBRIDGE_BENCH_OUT"     // path of its profile
	benchFrom    = "CCBRIDGE_BENCH_FROM"    // "start": the profile begins at once, else at SIGUSR1
)

func init() {
	if path := os.Getenv(benchChild); path != "" {
		os.Exit(beProfiled(path, os.Getenv(benchOut)))
	}
}

// beProfiled runs the bridge, with a profile of its CPU to its end and one of its heap when it is told to end.
func beProfiled(config, out string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	begin := make(chan os.Signal, 1)
	signal.Notify(begin, syscall.SIGUSR1)
	if os.Getenv(benchFrom) == "start" {
		begin <- syscall.SIGUSR1
	}
	go func() {
		<-begin
		if f, err := os.Create(out); err == nil {
			pprof.StartCPUProfile(f) //nolint:errcheck // the profile is missing then
		}
	}()
	defer pprof.StopCPUProfile()
	heap := make(chan struct{})
	context.AfterFunc(ctx, func() {
		defer close(heap)
		if f, err := os.Create(out + ".heap"); err == nil {
			pprof.WriteHeapProfile(f) //nolint:errcheck // the profile is missing then
			f.Close()
		}
	})
	defer func() { <-heap }()
	return exitCode(run(ctx, []string{"run", "-config", config}, os.Stdin, os.Stdout, os.Stderr), os.Stderr)
}

// benchWorld is everything outside the bridge.
type benchWorld struct {
	b       *testing.B
	ctx     context.Context
	dir     string
	binary  string
	machine machine
	centre  *ccmsim.Sim
	slack   *slacksim.Sim
	base    string // address of the bridge's HTTP server
	process *exec.Cmd
	atStart bool // the start is what is measured
	threads []benchThread
}

// benchThread is one customer's open conversation.
type benchThread struct{ channel, user, root, visitor string }

// benchChannels is how many channels the threads are in.
const benchChannels = 50

// newBenchWorld starts the simulators without limits. Whoever connects gets an agent at once, who says nothing by himself.
func newBenchWorld(b *testing.B) *benchWorld {
	b.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	b.Cleanup(cancel)
	w := &benchWorld{b: b, ctx: ctx, dir: b.TempDir()}
	w.machine = measureMachine(b, w.dir)
	w.binary = filepath.Join(w.dir, "ccbridge")
	build := exec.Command("go", "build", "-o", w.binary, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // as it is shipped
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("go build: %v\n%s", err, out)
	}
	var err error
	if w.centre, err = ccmsim.Start(ccmsim.Config{
		Switches: ccmsim.Switches{StraightToAgent: true, AutoAccept: "Grace", IdleTimeout: time.Hour}, LogLimit: 10_000_000}); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(w.centre.Close)
	if w.slack, err = slacksim.Start(slacksim.Config{NoLimits: true, Retries: make([]time.Duration, 0)}); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(w.slack.Close)
	for n := range benchChannels {
		w.slack.AddChannel(slacksim.Channel{ID: benchChannel(n)})
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	w.base = "http://" + l.Addr().String()
	l.Close()
	b.Cleanup(w.stopBridge)
	return w
}

func benchChannel(n int) string { return fmt.Sprintf("C0BENCH%02d", n%benchChannels) }

func (w *benchWorld) config(centreURL string) string {
	channels := ""
	for n := range benchChannels {
		channels += fmt.Sprintf("%q, ", benchChannel(n))
	}
	return fmt.Sprintf(`
[server]
listen = %q
[store]
url = "sqlite:bridge.db"
[ccm]
base_url = %q
app_key = %q
app_secret = %q
channel_id = %q
[adapters.acme]
platform = "slack"
api_url = %q
bot_token = "xoxb-sim"
app_token = "xapp-sim"
post_gap = "0s"
[[routes]]
adapter = "acme"
channels = [%s]
open = "message"
`, w.base[len("http://"):], centreURL, w.centre.AppKey(), w.centre.AppSecret(), w.centre.ChannelID(), w.slack.URL(), channels)
}

// startBridge runs the program with its store in dir, and returns when it was started.
func (w *benchWorld) startBridge(dir, centreURL string) (started time.Time) {
	w.b.Helper()
	path := filepath.Join(dir, "config.toml")
	if err := os.WriteFile(path, []byte(w.config(centreURL)), 0o600); err != nil {
		w.b.Fatal(err)
	}
	log, err := os.OpenFile(filepath.Join(dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		w.b.Fatal(err)
	}
	defer log.Close()
	w.process = exec.Command(w.binary, "run", "-config", path)
	if folder := os.Getenv(benchProfile); folder != "" {
		w.process = exec.Command(os.Args[0], "-test.run=^$")
		w.process.Env = append(os.Environ(), benchChild+"="+path, benchOut+"="+filepath.Join(folder, filepath.Base(w.b.Name())+".pprof"))
		if w.atStart {
			w.process.Env = append(w.process.Env, benchFrom+"=start")
		}
	}
	w.process.Stderr = log
	started = time.Now()
	if err := w.process.Start(); err != nil {
		w.b.Fatal(err)
	}
	return started
}

// measure tells a profiled bridge that the measured time begins.
func (w *benchWorld) measure() {
	if os.Getenv(benchProfile) != "" {
		w.process.Process.Signal(syscall.SIGUSR1) //nolint:errcheck // the profile is missing then
	}
}

// stopBridge ends the bridge in order.
func (w *benchWorld) stopBridge() {
	if w.process == nil {
		return
	}
	w.process.Process.Signal(syscall.SIGTERM) //nolint:errcheck // it may be gone
	if err := w.process.Wait(); err != nil {
		w.b.Errorf("the bridge ended with %v", err)
	}
	w.process = nil
}

// awaitReady waits for /readyz to say 200 and returns when it did.
func (w *benchWorld) awaitReady() time.Time {
	w.b.Helper()
	client := &http.Client{Timeout: 5 * time.Second}
	defer client.CloseIdleConnections()
	w.await("ready", time.Millisecond, func() bool {
		resp, err := client.Get(w.base + "/readyz")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	return time.Now()
}

// await asks cond again and again until it is true.
func (w *benchWorld) await(what string, every time.Duration, cond func() bool) {
	w.b.Helper()
	tick := time.NewTicker(every)
	defer tick.Stop()
	tooLong := time.After(2 * time.Minute)
	for !cond() {
		select {
		case <-tick.C:
		case <-tooLong:
			w.b.Fatalf("waited too long: %s; centre %v, slack %+v", what, w.centre.Calls(), w.slack.Stats())
		}
	}
}

// rest lets the bridge come to rest: nothing is called any more but polls.
func (w *benchWorld) rest(quiet time.Duration) {
	w.b.Helper()
	since, calls := time.Now(), -1
	w.await("quiet", 20*time.Millisecond, func() bool {
		now := w.centre.Calls()["send"] + w.centre.Calls()["send:CHAT"] + w.slack.Stats().Calls
		if now != calls {
			since, calls = time.Now(), now
		}
		return time.Since(since) >= quiet
	})
}

// openThreads has n customers open a conversation each.
func (w *benchWorld) openThreads(n int) {
	w.b.Helper()
	for i := range n {
		t := benchThread{channel: benchChannel(i), user: fmt.Sprintf("U0BENCH%05d", i)}
		w.slack.AddUser(slacksim.User{ID: t.user, Name: t.user, RealName: "Customer " + t.user, DisplayName: t.user})
		w.threads = append(w.threads, t)
	}
	texts := map[string]int{}
	for i := range w.threads {
		t := &w.threads[i]
		// Some at a time: an event that the bridge cannot take is not sent again.
		w.await("open conversations", 2*time.Millisecond, func() bool { return i-w.centre.Calls()["send:CHAT"] < 100 })
		text := fmt.Sprintf("open %d", i)
		texts[text] = i
		var err error
		if t.root, err = w.slack.Post(slacksim.Post{Channel: t.channel, User: t.user, Text: text}); err != nil {
			w.b.Fatal(err)
		}
	}
	w.await("all conversations open", 20*time.Millisecond, func() bool { return w.centre.Calls()["send:CHAT"] >= n })
	w.rest(2 * time.Second)
	for _, e := range w.centre.Log() {
		if i, ok := texts[e.Content]; ok && e.Op == "send:CHAT" {
			w.threads[i].visitor = e.Visitor
		}
	}
	for i, t := range w.threads {
		if t.visitor == "" {
			w.b.Fatalf("thread %d has no session; violations: %v", i, w.violations())
		}
	}
}

func (w *benchWorld) violations() []string {
	return append(w.centre.Violations(), w.slack.Violations()...)
}

// clean fails the benchmark if the bridge broke a rule.
func (w *benchWorld) clean() {
	w.b.Helper()
	for _, v := range w.violations() {
		w.b.Errorf("rule broken: %s", v)
	}
}
