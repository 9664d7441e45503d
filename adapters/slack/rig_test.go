package slack

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"ccbridge/adapters/slack/slacksim"
	"ccbridge/bridge"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

const (
	general = "C0GENERAL"
	ada     = "U0ADA"
	bob     = "U0BOB"
	bot     = "U0BRIDGE"
	team    = "T0SIM"
	// secret stands in texts; it must not be found in any log.
	secret = "xylophone"
)

// patience is how long a test waits for something that must happen.
const patience = 10 * time.Second

// inbox is a bridge.Inbox that remembers.
type inbox struct {
	mu      sync.Mutex
	changed chan struct{} // closed and replaced at each change
	events  []bridge.Event
	puts    int
	lines   []bridge.Line
	threads []bridge.ThreadKey
	fail    error                // what Put and OpenThreads answer
	gate    chan struct{}        // Put waits for it to be closed
	put     func([]bridge.Event) // seen before anything else
}

func newInbox() *inbox { return &inbox{changed: make(chan struct{})} }

func (in *inbox) change(f func()) {
	in.mu.Lock()
	defer in.mu.Unlock()
	f()
	close(in.changed)
	in.changed = make(chan struct{})
}

func (in *inbox) Put(ctx context.Context, evs ...bridge.Event) error {
	var gate chan struct{}
	var err error
	in.change(func() {
		in.puts++
		gate, err = in.gate, in.fail
		if in.put != nil {
			in.put(evs)
		}
	})
	if gate != nil {
		select {
		case <-gate:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if err != nil {
		return err
	}
	in.change(func() { in.events = append(in.events, evs...) })
	return nil
}

func (in *inbox) OpenThreads(_ context.Context, _, channel string, _ bridge.UserID) ([]bridge.ThreadKey, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	var out []bridge.ThreadKey
	for _, t := range in.threads {
		if channel == "" || t.Channel == channel {
			out = append(out, t)
		}
	}
	return out, in.fail
}

func (in *inbox) Report(_ string, l bridge.Line) {
	in.change(func() { in.lines = append(in.lines, l) })
}

// until waits until cond is true of what the inbox holds; cond runs under its lock.
func (in *inbox) until(t *testing.T, what string, cond func() bool) {
	t.Helper()
	deadline := time.After(patience)
	for {
		in.mu.Lock()
		ok, changed := cond(), in.changed
		in.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			in.mu.Lock()
			defer in.mu.Unlock()
			t.Fatalf("%s did not happen; lines %+v, %d events", what, in.lines, len(in.events))
		}
	}
}

// event waits for n events and gives the last of them.
func (in *inbox) event(t *testing.T, n int) bridge.Event {
	t.Helper()
	in.until(t, "event", func() bool { return len(in.events) >= n })
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.events[n-1]
}

// all is what was put so far.
func (in *inbox) all() []bridge.Event {
	in.mu.Lock()
	defer in.mu.Unlock()
	return slices.Clone(in.events)
}

func (in *inbox) set(f func()) { in.change(f) }

// rig is an adapter that runs against a simulated workspace.
type rig struct {
	sim     *slacksim.Sim
	adapter *Adapter
	in      *inbox
	log     *lockedBuffer
	stop    func()
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

func testWaits() Waits {
	return Waits{
		Backoff: []time.Duration{20 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond},
		Fatal:   100 * time.Millisecond,
		Hello:   5 * time.Second,
		Stable:  time.Minute,
		Apart:   10 * time.Millisecond,
		Put:     2 * time.Second,
		Names:   2 * time.Second,
		Call:    5 * time.Second,
	}
}

func newSim(t *testing.T, cfg slacksim.Config) *slacksim.Sim {
	t.Helper()
	cfg.HeaderTokens = true
	sim, err := slacksim.Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sim.Close)
	sim.AddUser(slacksim.User{ID: ada, Name: "ada", RealName: "Ada Lovelace", DisplayName: "Ada"})
	sim.AddUser(slacksim.User{ID: bob, Name: "bob", RealName: "Bob", DisplayName: "Bob"})
	sim.AddChannel(slacksim.Channel{ID: general, Name: "general"})
	return sim
}

// newRig makes an adapter that does not run yet.
func newRig(t *testing.T, cfg slacksim.Config, change func(*Config)) *rig {
	t.Helper()
	r := &rig{sim: newSim(t, cfg), in: newInbox(), log: &lockedBuffer{}, stop: func() {}}
	c := Config{
		Name: "acme", APIURL: strings.TrimSuffix(r.sim.URL(), "/"), BotToken: "xoxb-sim", AppToken: "xapp-sim",
		Log:   slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Waits: testWaits(),
	}
	if change != nil {
		change(&c)
	}
	var err error
	if r.adapter, err = New(c); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.check(t) })
	return r
}

// check stops the adapter and looks at what it left behind.
func (r *rig) check(t *testing.T) {
	r.stop()
	r.adapter.http.CloseIdleConnections()
	if v := r.sim.Violations(); len(v) > 0 {
		t.Errorf("rules of Slack broken: %q", v)
	}
	log := r.log.String()
	for _, word := range []string{secret, "xoxb-", "xapp-", "/response/", "ticket="} {
		if strings.Contains(log, word) {
			t.Errorf("log contains %q:\n%s", word, log)
		}
	}
}

// start makes an adapter and runs it until the test ends; both sockets are up when it returns.
func start(t *testing.T, cfg slacksim.Config, change func(*Config)) *rig {
	t.Helper()
	r := newRig(t, cfg, change)
	r.run(t)
	r.simUntil(t, "two sockets", func() bool { return r.sim.Stats().Sockets == 2 })
	r.in.until(t, "line up", func() bool { return len(r.in.lines) > 0 && r.in.lines[len(r.in.lines)-1].State == bridge.LineUp })
	return r
}

func (r *rig) run(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.adapter.Run(ctx, r.in) }()
	r.stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("Run returned %v", err)
			}
		case <-time.After(patience):
			t.Error("Run did not return after cancel")
		}
	})
}

func (r *rig) simUntil(t *testing.T, what string, cond func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := r.sim.Until(ctx, cond); err != nil {
		t.Fatalf("%s: %v; stats %+v", what, err, r.sim.Stats())
	}
}

// never makes sure that cond does not come true within d.
func (r *rig) never(t *testing.T, what string, d time.Duration, cond func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	if err := r.sim.Until(ctx, cond); err == nil {
		t.Fatalf("%s; stats %+v", what, r.sim.Stats())
	}
}

// acked waits until the simulator has n acknowledgements and nothing more to deliver.
func (r *rig) acked(t *testing.T, n int) {
	t.Helper()
	r.simUntil(t, "acknowledgements", func() bool { return r.sim.Stats().Acked >= n && r.sim.Stats().InFlight == 0 })
}

func (r *rig) post(t *testing.T, p slacksim.Post) string {
	t.Helper()
	ts, err := r.sim.Post(p)
	if err != nil {
		t.Fatal(err)
	}
	return ts
}

func say(user, thread, text string) slacksim.Post {
	return slacksim.Post{Channel: general, User: user, ThreadTS: thread, Text: text}
}

func key(channel, root string) bridge.ThreadKey {
	return bridge.ThreadKey{Adapter: "acme", Space: team, Channel: channel, Root: root}
}

func delivery(a *Adapter, id string, m bridge.Message) []bridge.Delivery {
	var out []bridge.Delivery
	for i, p := range a.Render(m) {
		out = append(out, bridge.Delivery{ID: bridge.DeliveryID(id + strings.Repeat("a", i)), Thread: m.Thread, Post: &p, Piece: i, Message: &m})
	}
	return out
}

// send renders and sends a message, and gives the posts' ids.
func (r *rig) send(t *testing.T, id string, m bridge.Message) []bridge.RemoteID {
	t.Helper()
	var out []bridge.RemoteID
	for _, d := range delivery(r.adapter, id, m) {
		ts, err := r.adapter.Send(t.Context(), d)
		if err != nil {
			t.Fatalf("send: %v", err)
		}
		out = append(out, ts)
	}
	return out
}

func asSendError(t *testing.T, err error) *bridge.SendError {
	t.Helper()
	var se *bridge.SendError
	if !errors.As(err, &se) {
		t.Fatalf("error %v is no SendError", err)
	}
	return se
}

func texts(msgs []slacksim.Message) []string {
	var out []string
	for _, m := range msgs {
		out = append(out, m.Text)
	}
	return out
}

func ids(evs []bridge.Event) []bridge.EventID {
	var out []bridge.EventID
	for _, e := range evs {
		out = append(out, e.ID)
	}
	return out
}
