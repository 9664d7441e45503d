package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"ccbridge/adapters/slack/slacksim"
	"ccbridge/bridge"
	"ccbridge/bridge/store"
)

// BenchmarkStart measures from the start of the process to the first CHAT at the centre, for a message in a new thread
// that waits at the platform; one operation is one first start, with a new store. Target of the issue: 150 ms.
func BenchmarkStart(b *testing.B) {
	w := newBenchWorld(b)
	w.atStart = true
	b.Cleanup(w.clean)
	w.slack.AddUser(slacksim.User{ID: "U0ADA", Name: "ada"})
	var took []time.Duration
	for b.Loop() {
		n := len(took)
		dir := filepath.Join(w.dir, fmt.Sprint("start", n))
		if err := os.Mkdir(dir, 0o700); err != nil {
			b.Fatal(err)
		}
		started := w.startBridge(dir, w.centre.URL())
		// It waits for the first socket: the simulator has its own times for sending again.
		if err := w.slack.Until(w.ctx, func() bool { return w.slack.Stats().Sockets > 0 }); err != nil {
			b.Fatal(err)
		}
		text := fmt.Sprint("waiting ", n)
		if _, err := w.slack.Post(slacksim.Post{Channel: benchChannel(n), User: "U0ADA", Text: text}); err != nil {
			b.Fatal(err)
		}
		w.await("the CHAT", time.Millisecond, func() bool {
			for _, e := range w.centre.Log() {
				if e.Content == text {
					took = append(took, e.Time.Sub(started))
					return true
				}
			}
			return false
		})
		w.rest(200 * time.Millisecond)
		w.stopBridge()
	}
	b.ReportMetric(ms(quantile(took, 1)), "ms-worst")
	report(b, w.machine, "20x", figure{name: "start to first relay, median", value: ms(quantile(took, 0.5)), unit: "ms", target: 150})
}

// storedThreads and waitingItems are what BenchmarkReady starts with. The items are the calls that open a session and
// the texts after them, all for a centre that is not there.
const (
	storedThreads = 100_000
	waitingItems  = 50_000
)

// BenchmarkReady measures from the start of the process to the 200 of /readyz with a full store; one operation is one
// start. How many of the threads are open matters: the first catch-up reads each of them at the platform. Target of the
// issue: 1 s.
func BenchmarkReady(b *testing.B) {
	for _, open := range []int{1000, 10_000} {
		b.Run(fmt.Sprint("open=", open), func(b *testing.B) { ready(b, open) })
	}
}

func ready(b *testing.B, open int) {
	w := newBenchWorld(b)
	w.atStart = true
	b.Cleanup(w.clean)
	full := filepath.Join(w.dir, "full.db")
	w.fill(full, open)
	var took []time.Duration
	for b.Loop() {
		dir := filepath.Join(w.dir, fmt.Sprint("ready", len(took)))
		if err := os.Mkdir(dir, 0o700); err != nil {
			b.Fatal(err)
		}
		copyFile(b, full, filepath.Join(dir, "bridge.db"))
		started := w.startBridge(dir, deadCentre(b))
		took = append(took, w.awaitReady().Sub(started))
		memoryOf(b, w.process.Process.Pid).tell(b)
		w.stopBridge()
		if err := os.RemoveAll(dir); err != nil {
			b.Fatal(err)
		}
	}
	report(b, w.machine, "5x", figure{name: fmt.Sprintf("ready with %d open threads, worst of %d", open, len(took)), value: ms(quantile(took, 1)), unit: "ms", target: 1000})
}

// deadCentre is an address where nobody listens.
func deadCentre(b *testing.B) string {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	return "http://" + l.Addr().String()
}

func copyFile(b *testing.B, from, to string) {
	b.Helper()
	in, err := os.Open(from)
	if err != nil {
		b.Fatal(err)
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		b.Fatal(err)
	}
	defer out.Close()
	if _, err := io.Copy(out, in); err != nil {
		b.Fatal(err)
	}
	if err := out.Sync(); err != nil {
		b.Fatal(err)
	}
}

// fill makes a store with storedThreads threads. The first of them, open many, are in opening: each has its CONNECT
// waiting and an equal share of the other waiting items in its queue. The rest is over.
func (w *benchWorld) fill(path string, open int) {
	w.b.Helper()
	st, err := store.Open(w.b.Context(), path, store.Options{})
	if err != nil {
		w.b.Fatal(err)
	}
	w.slack.AddUser(slacksim.User{ID: "U0ADA", Name: "ada"})
	const workers = 256
	var wg sync.WaitGroup
	for first := range workers {
		wg.Go(func() {
			for n := first; n < storedThreads; n += workers {
				if err := w.fillThread(st, n, open); err != nil {
					w.b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	for n := range benchChannels {
		if err := st.SetCursor(w.b.Context(), "acme", benchChannel(n), time.Now()); err != nil {
			w.b.Error(err)
		}
	}
	if err := st.Close(); err != nil {
		w.b.Error(err)
	}
	if w.b.Failed() {
		w.b.FailNow()
	}
}

func (w *benchWorld) fillThread(st *store.Store, n, open int) error {
	now := time.Now()
	key := bridge.ThreadKey{Adapter: "acme", Space: "T0SIM", Channel: benchChannel(n), Root: fmt.Sprintf("1700000000.%06d", n)}
	if n < open {
		root, err := w.slack.Post(slacksim.Post{Channel: key.Channel, User: "U0ADA", Text: "waiting"})
		if err != nil {
			return err
		}
		key.Root = root
	}
	text := func(i int) bridge.Incoming {
		ts := key.Root
		if i > 0 {
			ts = fmt.Sprintf("%d.%06d", now.Unix()+1, i)
		}
		// The id is the Slack adapter's: catch-up meets the root again.
		return bridge.Incoming{Opens: i == 0, Dedupe: true, Event: bridge.Event{ID: bridge.EventID("acme:m:" + key.Channel + ":" + ts), Thread: key,
			Order: ts, At: now, Received: now, Text: &bridge.Text{Author: bridge.User{ID: bridge.UserID(fmt.Sprint("U", n)), Name: "Ada"},
				Message: bridge.RemoteID(ts), Body: words, TopLevel: i == 0}}}
	}
	first := text(0)
	if _, err := st.Ingest(w.b.Context(), []bridge.Incoming{first}); err != nil {
		return err
	}
	step := bridge.Step{At: now, Consumed: []bridge.Consumed{{Seq: 1, Body: first.Event}}, Session: bridge.Session{Thread: key, No: 1, State: bridge.StateEnded}}
	if n >= open {
		return st.Save(w.b.Context(), step)
	}
	session, effects := bridge.Session{Thread: key}.Apply(first.Event, bridge.Env{
		Now: now, Instance: st.Instance(), Render: func(bridge.Message) []bridge.Post { return nil },
		Route:  bridge.Route{Adapter: "acme", Open: bridge.OpenMessage, Channel: w.centre.ChannelID(), Locale: "en"},
		Limits: bridge.Limits{OpenPerCustomer: 3, Idle: time.Hour, GiveUp: time.Hour, CallTimeout: 10 * time.Second, Held: 100, Parts: 20}})
	step.Session, step.Deliveries = session, effects.Deliveries
	if session.State != bridge.StateOpening || len(step.Deliveries) != 1 {
		return fmt.Errorf("thread %d is %s with %d deliveries", n, session.State, len(step.Deliveries))
	}
	if err := st.Save(w.b.Context(), step); err != nil {
		return err
	}
	var more []bridge.Incoming
	for i := 1; i < waitingItems/open; i++ {
		more = append(more, text(i))
	}
	_, err := st.Ingest(w.b.Context(), more)
	return err
}
