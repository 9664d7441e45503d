package bridgetest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"ccbridge/bridge"
)

func (x *storeTest) openElsewhere() {
	for n, state := range []bridge.State{bridge.StateRobot, bridge.StateEnded, bridge.StateDormant, bridge.StateAgent} {
		x.session(storeKey(n), 1, state)
	}
	foreign := storeKey(7)
	foreign.Adapter = "another"
	x.session(foreign, 1, bridge.StateRobot)
	x.equal("open itself", x.work(storeKey(0)).OpenElsewhere, 0)
	x.equal("ended", x.work(storeKey(1)).OpenElsewhere, 3)
	x.put(opening(storeText(storeKey(5), "new", "1"))...)
	x.equal("before the first step: the author's", x.work(storeKey(5)).OpenElsewhere, 3)
	x.session(storeKey(3), 1, bridge.StateEnded)
	x.equal("one less", x.work(storeKey(1)).OpenElsewhere, 2)
	x.step(storeKey(0), func(st *bridge.Step) { st.Session.Shadow = true })
	w := x.work(storeKey(1))
	x.equal("a shadow apart", []int{w.OpenElsewhere, w.ShadowsElsewhere}, []int{1, 1})
}

func (x *storeTest) due() {
	for n, offset := range []time.Duration{3, 1, 2, 9, 0} {
		k := storeKey(n)
		x.put(opening(storeText(k, k.Root, "1"))...)
		x.step(k, func(st *bridge.Step) {
			if offset > 0 {
				st.Session.Timers = map[bridge.TimerKind]time.Time{bridge.TimerIdle: storeBegin.Add(offset), bridge.TimerLate: storeBegin.Add(offset + 50)}
			}
		})
	}
	for _, c := range []struct {
		by    time.Duration
		limit int
		roots string
		next  time.Duration
	}{
		{0, 9, "[]", 1}, {3, 9, "[root-1 root-2 root-0]", 9}, {3, 3, "[root-1 root-2 root-0]", 9}, {9, 2, "[root-1 root-2]", 3},
		{9, 4, "[root-1 root-2 root-0 root-3]", -1},
	} {
		due, next, err := x.s.DueBy(x.Context(), storeBegin.Add(c.by), c.limit)
		x.must(err)
		roots := []string{}
		for _, ref := range due {
			roots = append(roots, ref.Key.Root)
		}
		x.equal(fmt.Sprintf("due by %d, limit %d", c.by, c.limit), roots, c.roots)
		want := storeBegin.Add(c.next)
		if c.next < 0 {
			want = time.Time{}
		}
		x.equal("next", next, want)
	}
}

func (x *storeTest) listings() {
	for n, state := range bridge.States {
		k := storeKey(n)
		x.put(opening(storeText(k, k.Root, "1"))...)
		x.step(k, func(st *bridge.Step) {
			st.Session.No, st.Session.State, st.Session.Customer.ID = 1, state, "U1"
			st.Session.Cursor, st.At = storeBegin.Add(time.Duration(n)), storeBegin.Add(time.Duration(n)*time.Minute)
		})
	}
	var open, live, inC1 []string
	for n, state := range slices.Backward(bridge.States) {
		if state.Open() {
			open = append(open, storeKey(n).Root)
		}
		if state.Polled() {
			live = append(live, storeKey(n).Root)
		}
		if state.Open() && storeKey(n).Channel == "C1" {
			inC1 = append(inC1, storeKey(n).Root)
		}
	}
	threads, err := x.s.Open(x.Context(), "acme")
	x.must(err)
	x.equal("open", roots(threads, func(t bridge.OpenThread) bridge.ThreadKey { return t.Key }), open)
	x.equal("cursor", threads[len(threads)-1].Cursor, storeBegin.Add(1))
	for since, want := range map[time.Duration][]string{0: {"root-8"}, 8 * time.Minute: {"root-8"}, 9 * time.Minute: nil} {
		threads, err := x.s.Ended(x.Context(), "acme", storeBegin.Add(since), 10)
		x.must(err)
		x.equal("ended", roots(threads, func(t bridge.OpenThread) bridge.ThreadKey { return t.Key }), want)
	}
	refs, err := x.s.Live(x.Context())
	x.must(err)
	x.equal("live", slices.Sorted(slices.Values(roots(refs, func(r bridge.ThreadRef) bridge.ThreadKey { return r.Key }))), slices.Sorted(slices.Values(live)))
	for channel, want := range map[string][]string{"": open, "C1": inC1, "C9": nil} {
		keys, err := x.s.OpenThreads(x.Context(), "acme", channel, "U1")
		x.must(err)
		x.equal("open threads in "+channel, roots(keys, func(k bridge.ThreadKey) bridge.ThreadKey { return k }), want)
	}
	keys, err := x.s.OpenThreads(x.Context(), "acme", "", "U2")
	x.must(err)
	x.equal("of another customer", len(keys), 0)
	events, _, err := x.s.Waiting(x.Context())
	x.must(err)
	x.equal("waiting", len(events), 0)
	x.put(opening(storeText(storeKey(4), "w1", "1"), storeText(storeKey(4), "w2", "1"))...)
	events, _, err = x.s.Waiting(x.Context())
	x.must(err)
	x.equal("waiting", roots(events, func(r bridge.ThreadRef) bridge.ThreadKey { return r.Key }), []string{"root-4"})
}

func roots[T any](of []T, key func(T) bridge.ThreadKey) (names []string) {
	for _, t := range of {
		names = append(names, key(t).Root)
	}
	return names
}

func (x *storeTest) cursors() {
	at := func(channel string) time.Time {
		c, err := x.s.Cursor(x.Context(), "acme", channel)
		x.must(err)
		return c
	}
	x.equal("never read", at("C1").IsZero(), true)
	for _, set := range []time.Duration{5, 3, 5} {
		x.must(x.s.SetCursor(x.Context(), "acme", "C1", storeBegin.Add(set)))
		x.equal("forward only", at("C1"), storeBegin.Add(5))
	}
	x.must(x.s.SetCursor(x.Context(), "acme", "C1", storeBegin.Add(6)))
	x.equal("forward", at("C1"), storeBegin.Add(6))
	x.equal("another channel", at("dm").IsZero(), true)
}

func (x *storeTest) stats() {
	a, b := storeKey(1), storeKey(2)
	x.session(a, 1, bridge.StateRobot)
	x.session(b, 1, bridge.StateRobot)
	x.send(a, storeChat(a, "d1", "one", 1), storePost(a, "d2"))
	x.send(b, storeChat(b, "d3", "one", 1))
	x.must(x.s.Begin(x.Context(), *x.head(a, bridge.ToCentre), time.Now().Add(-time.Second), false))
	x.must(x.s.Begin(x.Context(), *x.head(b, bridge.ToCentre), time.Now().Add(time.Hour), false))
	early := storeText(b, "2", "2")
	early.Received = storeBegin.Add(-time.Hour)
	x.put(opening(storeText(a, "1", "1"), early)...)
	st, err := x.s.Stats(x.Context())
	x.must(err)
	x.equal("queue", []any{st.Queue, st.OldestEvent}, []any{2, early.Received})
	x.equal("deliveries", st.Deliveries, map[bridge.Target]int{bridge.ToCentre: 2, bridge.ToThread: 1})
	x.equal("oldest", st.OldestWaiting, map[bridge.Target]time.Time{bridge.ToCentre: storeBegin, bridge.ToThread: storeBegin.Add(time.Minute)})
	x.equal("in doubt", st.InDoubt, 1)
	x.equal("sessions", st.Sessions[bridge.StateRobot], 2)
}

// prune runs until nothing is left to drop.
func (x *storeTest) prune(seenBefore, ledgerBefore time.Time) {
	x.Helper()
	for range 10_000 {
		more, err := x.s.Prune(x.Context(), seenBefore, ledgerBefore)
		x.must(err)
		if !more {
			return
		}
	}
	x.Fatal("pruning does not end")
}

func (x *storeTest) pruneSeen() {
	k := storeKey(1)
	x.put(opening(storeText(k, "old", "1"))...)
	young := storeText(k, "young", "1")
	young.Received = storeBegin.Add(time.Hour)
	x.put(opening(young)...)
	x.prune(storeBegin.Add(time.Minute), time.Time{})
	x.equal("after pruning", x.put(opening(storeText(k, "old", "1"), young)...), []bridge.Ingested{bridge.Fresh, bridge.Repeated})
}

func (x *storeTest) pruneLedger() {
	chats := func(k bridge.ThreadKey, session int) int {
		sure, _, err := x.s.SentTexts(x.Context(), k.ID(), k.Part(), session, "hi")
		x.must(err)
		return sure
	}
	for n, state := range []bridge.State{bridge.StateRobot, bridge.StateEnded} {
		k := storeKey(n)
		for session := 1; session <= 2; session++ {
			x.session(k, session, bridge.StateRobot)
			for i, at := range []time.Duration{-time.Hour, time.Hour} {
				d := storeChat(k, fmt.Sprint("d", n, session, i), "hi", session)
				x.send(k, d)
				x.must(x.s.Settle(x.Context(), bridge.Settlement{Delivery: d, Outcome: bridge.Delivered, At: storeBegin.Add(at)}))
			}
		}
		x.session(k, 2, state)
	}
	open, ended := storeKey(0), storeKey(1)
	x.prune(time.Time{}, storeBegin.Add(-2*time.Hour))
	x.equal("too young", chats(open, 1)+chats(open, 2)+chats(ended, 1)+chats(ended, 2), 8)
	x.prune(time.Time{}, storeBegin)
	x.equal("past session, open session", []int{chats(open, 1), chats(open, 2)}, []int{1, 2})
	x.equal("both ended", []int{chats(ended, 1), chats(ended, 2)}, []int{1, 1})
}

// concurrent lets many workers race for the same threads: every event is consumed once, in order.
func (x *storeTest) concurrent() {
	const threads, events = 4, 12
	var wg sync.WaitGroup
	var mu sync.Mutex
	consumed := map[string][]string{}
	for n := range threads {
		k := storeKey(n)
		x.put(opening(storeText(k, k.Root+"-first", "0"))...)
		wg.Go(func() {
			for i := range events {
				if _, err := x.s.Ingest(x.Context(), opening(storeText(k, fmt.Sprintf("%s-%02d", k.Root, i), "1"))); err != nil {
					x.Error(err)
				}
			}
		})
		for range 2 {
			wg.Go(func() { x.consume(k, events+1, &mu, consumed) })
		}
	}
	wg.Wait()
	for n := range threads {
		got := consumed[storeKey(n).Root]
		x.equal("consumed", len(got), events+1)
		x.equal("in order", slices.IsSorted(got[1:]), true)
	}
	x.equal("threads", len(slices.Collect(maps.Keys(consumed))), threads)
}

// consume steps a thread until want of its events are consumed, by whomever.
func (x *storeTest) consume(k bridge.ThreadKey, want int, mu *sync.Mutex, consumed map[string][]string) {
	for {
		mu.Lock()
		done := len(consumed[k.Root]) >= want
		mu.Unlock()
		if done || x.Failed() {
			return
		}
		w, err := x.s.Load(x.Context(), k.ID(), k.Part(), 1, false)
		if err != nil {
			x.Error(err)
			return
		}
		if len(w.Events) == 0 {
			continue
		}
		q := w.Events[0]
		mu.Lock() // held over Save, so that what is noted is in the order of what was saved
		err = x.s.Save(x.Context(), bridge.Step{Session: w.Session, At: storeBegin, Consumed: []bridge.Consumed{{Seq: q.Seq, Body: q.Event}}})
		if err == nil {
			consumed[k.Root] = append(consumed[k.Root], string(q.Event.ID))
		}
		mu.Unlock()
		if err != nil && !errors.Is(err, bridge.ErrConflict) {
			x.Error(err)
			return
		}
	}
}

func (x *storeTest) instance() {
	x.must(x.s.Healthy(x.Context()))
	if len(x.s.Instance()) < 20 {
		x.Fatalf("instance %q is short", x.s.Instance())
	}
}

func (x *storeTest) context() {
	ctx, cancel := context.WithCancel(x.Context())
	cancel()
	k := storeKey(1)
	if _, err := x.s.Ingest(ctx, opening(storeText(k, "1", "1"))); !errors.Is(err, context.Canceled) {
		x.Fatalf("ingest with an ended context: %v", err)
	}
	if _, err := x.s.Stats(ctx); !errors.Is(err, context.Canceled) {
		x.Fatalf("stats with an ended context: %v", err)
	}
	x.equal("nothing happened", x.put(opening(storeText(k, "1", "1"))...), []bridge.Ingested{bridge.Fresh})
}
