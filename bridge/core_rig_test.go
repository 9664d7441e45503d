package bridge_test

import (
	"bytes"
	"context"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"ccbridge/bridge"
	"ccbridge/bridge/bridgetest"
	"ccbridge/bridge/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	channel = "C1"
	other   = "C2"
)

// rig is a Bridge at work in simulated time, between a fake centre and fake platforms, on a real store.
type rig struct {
	*testing.T
	centre *bridgetest.Centre
	acme   *bridgetest.Platform // every channel
	beta   *bridgetest.Platform
	meter  *bridgetest.Meter
	log    *lockedBuffer
	config bridge.Config // of the next start
	path   string
	wrap   func(bridge.Store) bridge.Store // for tests that need a store of their own; nil: none

	store *store.Store
	frail *bridgetest.FrailStore // of the Bridge that runs
	*bridge.Bridge
	stop    context.CancelFunc
	stopped chan error
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// simulated plays a test in simulated time. The bridge is started by play, and stopped after it.
func simulated(t *testing.T, play func(r *rig)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		defer r.close()
		play(r)
	})
}

// close stops what runs, also when the test was cut short, and looks at what it left behind.
func (r *rig) close() {
	if r.stop != nil {
		r.shutdown()
	}
	if err := r.store.Close(); err != nil {
		r.Error(err)
	}
	r.check()
}

func newRig(t *testing.T) *rig {
	r := &rig{T: t, centre: bridgetest.NewCentre(), acme: bridgetest.NewPlatform("acme"), beta: bridgetest.NewPlatform("beta"),
		meter: &bridgetest.Meter{}, log: &lockedBuffer{}, path: filepath.Join(t.TempDir(), "bridge.db")}
	route := bridge.Route{Channels: []string{channel, other}, Open: bridge.OpenMessage, Speakers: bridge.SpeakersCustomer, Reopen: bridge.ReopenAsk, Channel: "9"}
	acme, beta := route, route
	acme.Adapter, beta.Adapter = "acme", "beta"
	r.config = bridge.Config{
		Centre: r.centre,
		Settings: bridge.Settings{Adapters: map[string]bridge.Adapter{"acme": r.acme, "beta": r.beta},
			Routes: []bridge.Route{acme, beta},
			Limits: bridge.Limits{OpenPerCustomer: 100, Idle: 24 * time.Hour, CatchUp: time.Hour, MaxWait: 15 * time.Minute, Dormant: 24 * time.Hour,
				CallTimeout: 10 * time.Second, LookGap: 5 * time.Second, GiveUp: time.Hour, Held: 100, Parts: 20},
			OnUnknown: "repeat", ShutdownTimeout: 10 * time.Second},
		Meter: r.meter,
		Log:   slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	r.open()
	return r
}

func (r *rig) open() {
	r.Helper()
	var err error
	if r.store, err = store.Open(r.Context(), r.path, store.Options{}); err != nil {
		r.Fatal(err)
	}
}

// start runs a new Bridge on the store and lets it come to rest.
func (r *rig) start() {
	ctx, cancel := context.WithCancel(r.Context())
	r.frail = bridgetest.NewFrailStore(r.store)
	r.config.Store = r.frail
	if r.wrap != nil {
		r.config.Store = r.wrap(r.frail)
	}
	b := bridge.New(r.config)
	r.Bridge, r.stop, r.stopped = b, cancel, make(chan error, 1)
	go func() { r.stopped <- b.Run(ctx) }()
	r.pass(time.Second)
}

// shutdown stops the Bridge in order and gives how long that took.
func (r *rig) shutdown() time.Duration {
	r.Helper()
	began := time.Now()
	r.stop()
	if err := <-r.stopped; err != nil {
		r.Errorf("Run returned %v", err)
	}
	r.stop = nil
	return time.Since(began)
}

// kill ends the Bridge as kill -9 would: nothing it does from now on is stored.
func (r *rig) kill() {
	r.frail.Kill()
	r.StopAtOnce()
	r.shutdown()
}

// pass lets simulated time pass and everything come to rest.
func (r *rig) pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// within lets time pass until cond holds, and fails the test if it does not within d. It gives how long it took, to a
// two hundredth of d.
func (r *rig) within(d time.Duration, what string, cond func() bool) time.Duration {
	r.Helper()
	began := time.Now()
	for synctest.Wait(); !cond(); r.pass(d / 200) {
		if time.Since(began) > d {
			r.Fatalf("%s: not within %s", what, d)
		}
	}
	return time.Since(began)
}

// check is what must hold after every test.
func (r *rig) check() {
	r.Helper()
	for _, v := range slices.Concat(r.centre.Violations(), r.acme.Violations(), r.beta.Violations()) {
		r.Errorf("rule broken: %s", v)
	}
	if log := r.log.String(); strings.Contains(log, secret) {
		r.Errorf("a text stands in the log:\n%s", log)
	}
	if r.Failed() {
		r.Logf("log:\n%s", r.log)
	}
}

// secret may stand in texts; it must not be found in any log.
const secret = "xylophone"

// begins has a person open a thread and waits for the robot's answer.
func (r *rig) begins(p *bridgetest.Platform, channel, who string) bridge.ThreadKey {
	r.Helper()
	t := p.Open(channel, who, "hello "+secret)
	r.within(10*time.Second, who+" is answered", func() bool { return len(p.Shown(t, bridge.MessageRobot)) == 1 })
	return t
}

func (r *rig) equal(what string, got, want []string) {
	r.Helper()
	if !slices.Equal(got, want) {
		r.Errorf("%s:\n got %q\nwant %q", what, got, want)
	}
}

// notices tells how often the bridge said something in a thread that contains part.
func notices(p *bridgetest.Platform, t bridge.ThreadKey, part string) (n int) {
	for _, text := range p.Shown(t, bridge.MessageNotice) {
		if strings.Contains(text, part) {
			n++
		}
	}
	return n
}

func (r *rig) stats() bridge.Stats {
	r.Helper()
	s, err := r.store.Stats(r.Context())
	if err != nil {
		r.Fatal(err)
	}
	return s
}
