package store

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"ccbridge/bridge"
	"ccbridge/ccm"
)

// benchWorkers is how many messages are on their way at once.
const benchWorkers = 256

// writesPerMessage is how often oneMessage calls do.
const writesPerMessage = 5

// benchThreads is how many threads the messages go to.
const benchThreads = 10 * benchWorkers

// BenchmarkMessages measures the whole path of a message from a customer to the centre: Ingest, Load, Save, Head, Begin,
// Settle with its result, Load, Save; with fsync.
func BenchmarkMessages(b *testing.B) {
	var commits atomic.Int64
	s, err := Open(b.Context(), filepath.Join(b.TempDir(), "bench.db"), Options{Hooks: Hooks{AfterCommit: func() { commits.Add(1) }}})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	b.ReportMetric(float64(plainSync(b).Microseconds()), "µs/fsync")
	var next atomic.Int64
	var wg sync.WaitGroup
	for w := range benchWorkers {
		wg.Go(func() {
			for n := w; n < benchThreads; n += benchWorkers {
				if err := oneMessage(b.Context(), s, benchKey(n), fmt.Sprintf("open-%d", n)); err != nil {
					b.Error(err)
				}
			}
		})
	}
	wg.Wait()
	b.ResetTimer()
	commits.Store(0)
	cpu := cpuTime(b)
	for w := range benchWorkers {
		wg.Go(func() {
			for n := int(next.Add(1)); n <= b.N; n = int(next.Add(1)) {
				own := n % (benchThreads / benchWorkers) * benchWorkers // a thread has one worker
				if err := oneMessage(b.Context(), s, benchKey(own+w), fmt.Sprintf("event-%d", n)); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	b.ReportMetric(float64((cpuTime(b)-cpu).Microseconds())/float64(b.N), "µs-cpu/message")
	b.ReportMetric(writesPerMessage*float64(b.N)/float64(commits.Load()), "writes/commit")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
}

func benchKey(n int) bridge.ThreadKey {
	return bridge.ThreadKey{Adapter: "acme-slack", Space: "T0123ABCD", Channel: fmt.Sprintf("C%06d", n%500), Root: fmt.Sprintf("1751878000.%06d", n)}
}

func benchSession(k bridge.ThreadKey, version int64) bridge.Session {
	now := time.Now()
	return bridge.Session{
		Thread: k, No: 1, State: bridge.StateRobot, Version: version, Cursor: now,
		Customer: bridge.User{ID: bridge.UserID("U" + k.Root), Name: "Ada Customer"},
		Timers:   map[bridge.TimerKind]time.Time{bridge.TimerIdle: now.Add(30 * time.Minute)},
	}
}

func oneMessage(ctx context.Context, s *Store, k bridge.ThreadKey, id string) error {
	now := time.Now()
	t, part := k.ID(), k.Part()
	text := "How can I change the delivery address of my order? " + strings.Repeat("It is urgent. ", 5)
	ev := bridge.Event{ID: bridge.EventID(id), Thread: k, Order: "1751878000.000100", At: now, Received: now,
		Text: &bridge.Text{Author: bridge.User{ID: bridge.UserID("U" + k.Root), Name: "Ada Customer"}, Message: "1751878000.000100", Body: text}}
	if _, err := s.Ingest(ctx, []bridge.Incoming{{Event: ev, Opens: true, Dedupe: true}}); err != nil {
		return err
	}
	d := bridge.Delivery{ID: bridge.DeliveryID(id), Thread: k, To: bridge.ToCentre, Session: 1, Made: now,
		Call: &bridge.Call{Kind: bridge.CallChat, Content: text, Visitor: ccm.Visitor{}}}
	if err := benchStep(ctx, s, k, d); err != nil {
		return err
	}
	head, err := s.Head(ctx, t, part, bridge.ToCentre)
	if err != nil {
		return err
	}
	if err := s.Begin(ctx, *head, now.Add(10*time.Second), false); err != nil {
		return err
	}
	result := bridge.Event{ID: ev.ID + "-result", Thread: k, At: now, Received: now,
		Result: &bridge.Result{Delivery: d.ID, Target: d.To, Call: bridge.CallChat, Outcome: bridge.Delivered}}
	err = s.Settle(ctx, bridge.Settlement{Delivery: *head, Outcome: bridge.Delivered, At: now, Result: &result})
	if err != nil {
		return err
	}
	return benchStep(ctx, s, k)
}

func benchStep(ctx context.Context, s *Store, k bridge.ThreadKey, out ...bridge.Delivery) error {
	w, err := s.Load(ctx, k.ID(), k.Part(), 16, false)
	if err != nil {
		return err
	}
	st := bridge.Step{Session: benchSession(k, w.Session.Version), Deliveries: out, At: time.Now()}
	for _, q := range w.Events {
		st.Consumed = append(st.Consumed, bridge.Consumed{Seq: q.Seq, Body: q.Event})
	}
	return s.Save(ctx, st)
}

// BenchmarkOpen opens a store with 100,000 threads, a tenth of them open, and 50,000 waiting items, and lists what a
// start lists.
func BenchmarkOpen(b *testing.B) {
	path := filepath.Join(b.TempDir(), "open.db")
	fillStore(b, path)
	for b.Loop() {
		s, err := Open(b.Context(), path, Options{})
		if err != nil {
			b.Fatal(err)
		}
		events, lanes, err := s.Waiting(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		due, _, err := s.DueBy(b.Context(), time.Now().Add(24*time.Hour), 1000)
		if err != nil {
			b.Fatal(err)
		}
		live, err := s.Live(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		open, err := s.Open(b.Context(), "acme-slack")
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if len(events) != 25_000 || len(lanes) != 10_000 || len(due) != 1000 || len(live) != 10_000 || len(open) != 10_000 {
			b.Fatalf("%d events, %d lanes, %d due, %d live, %d open", len(events), len(lanes), len(due), len(live), len(open))
		}
		begin := time.Now()
		if _, err := s.Stats(b.Context()); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(time.Since(begin).Microseconds())/1000, "ms/stats")
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}

// fillStore makes 100,000 threads; each of the first 10,000 is open and has a delivery; each of the first 25,000 an event,
// and each of the first 15,000 two.
func fillStore(b *testing.B, path string) {
	s, err := Open(b.Context(), path, Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	now := time.Now()
	event := func(n int, id string) bridge.Incoming {
		return bridge.Incoming{Opens: true, Event: bridge.Event{ID: bridge.EventID(id), Thread: benchKey(n), Received: now,
			Text: &bridge.Text{Body: strings.Repeat("words ", 50)}}}
	}
	for from := 0; from < 100_000; from += 1000 {
		var in []bridge.Incoming
		for n := from; n < from+1000; n++ {
			in = append(in, event(n, "a"))
		}
		if _, err := s.Ingest(b.Context(), in); err != nil {
			b.Fatal(err)
		}
	}
	var wg sync.WaitGroup
	for w := range benchWorkers {
		wg.Go(func() {
			for n := w; n < 100_000; n += benchWorkers {
				if err := fillThread(b.Context(), s, n, now, event); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func fillThread(ctx context.Context, s *Store, n int, now time.Time, event func(int, string) bridge.Incoming) error {
	k := benchKey(n)
	st := bridge.Step{Session: bridge.Session{Thread: k, No: 1, State: bridge.StateEnded}, At: now,
		Consumed: []bridge.Consumed{{Seq: 1, Body: event(n, "a").Event}}}
	if n < 10_000 {
		st.Session = benchSession(k, 0)
		st.Deliveries = []bridge.Delivery{{ID: bridge.DeliveryID(k.Root), Thread: k, To: bridge.ToCentre, Made: now,
			Call: &bridge.Call{Kind: bridge.CallChat, Content: strings.Repeat("words ", 50)}}}
	}
	if err := s.Save(ctx, st); err != nil {
		return err
	}
	var in []bridge.Incoming
	if n < 25_000 {
		in = append(in, event(n, "b"))
	}
	if n < 15_000 {
		in = append(in, event(n, "c"))
	}
	if len(in) == 0 {
		return nil
	}
	_, err := s.Ingest(ctx, in)
	return err
}

// plainSync is what an append of a page and an fsync take on this disk.
func plainSync(b *testing.B) time.Duration {
	f, err := os.Create(filepath.Join(b.TempDir(), "plain"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	const rounds = 100
	begin := time.Now()
	for range rounds {
		if _, err := f.Write(make([]byte, 4096)); err != nil {
			b.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			b.Fatal(err)
		}
	}
	return time.Since(begin) / rounds
}

// cpuTime is what this process has used, of user and system time.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
