package bridgetest

import (
	"fmt"
	"time"

	"ccbridge/bridge"
)

func (x *storeTest) lanes() {
	k := storeKey(1)
	x.put(opening(storeText(k, "1", "1"))...)
	x.send(k, storeChat(k, "d1", "one", 1), storePost(k, "d2"), storeChat(k, "d3", "three", 1))
	lanes := func() map[bridge.Target]time.Time {
		_, lanes, err := x.s.Waiting(x.Context())
		x.must(err)
		found := map[bridge.Target]time.Time{}
		for _, l := range lanes {
			x.equal("thread", []any{l.ID, l.Part, l.Adapter, l.Key}, []any{k.ID(), k.Part(), k.Adapter, k})
			found[l.To] = l.NotBefore
		}
		x.equal("one lane for each target", len(found), len(lanes))
		return found
	}
	x.equal("free", lanes(), map[bridge.Target]time.Time{bridge.ToCentre: {}, bridge.ToThread: {}})
	deadline := storeBegin.Add(time.Minute)
	x.must(x.s.Begin(x.Context(), *x.head(k, bridge.ToCentre), deadline, false))
	x.must(x.s.Postpone(x.Context(), *x.head(k, bridge.ToThread), storeBegin))
	x.equal("not before", lanes(), map[bridge.Target]time.Time{bridge.ToCentre: deadline, bridge.ToThread: storeBegin})
}

func (x *storeTest) begin() {
	k := storeKey(1)
	x.put(opening(storeText(k, "1", "1"))...)
	x.send(k, storeChat(k, "d1", "one", 1))
	first := *x.head(k, bridge.ToCentre)
	deadline := storeBegin.Add(10 * time.Second)
	x.must(x.s.Begin(x.Context(), first, deadline, false))
	x.conflict(x.s.Begin(x.Context(), first, deadline.Add(1), false))
	second := *x.head(k, bridge.ToCentre)
	x.equal("begun", []any{second.Tries, second.Repeats, second.Deadline}, []any{1, 0, deadline})
	x.must(x.s.Begin(x.Context(), second, deadline.Add(time.Second), true))
	third := *x.head(k, bridge.ToCentre)
	x.equal("begun in doubt", []any{third.Tries, third.Repeats, third.Deadline}, []any{2, 1, deadline.Add(time.Second)})
	x.conflict(x.s.Postpone(x.Context(), second, storeBegin))
	x.must(x.s.Postpone(x.Context(), third, storeBegin))
	fourth := *x.head(k, bridge.ToCentre)
	x.equal("postponed", []any{fourth.Tries, fourth.Repeats, fourth.Deadline.IsZero(), fourth.NotBefore}, []any{2, 1, true, storeBegin})
	x.conflict(x.s.Begin(x.Context(), storeChat(k, "none", "", 1), deadline, false))
}

func storeResult(d bridge.Delivery, o bridge.Outcome) *bridge.Event {
	return &bridge.Event{ID: bridge.EventID("result-" + d.ID), Thread: d.Thread, Received: storeBegin,
		Result: &bridge.Result{Delivery: d.ID, Target: d.To, Outcome: o}}
}

func (x *storeTest) settle() {
	k := storeKey(1)
	x.put(opening(storeText(k, "1", "1"))...)
	x.send(k, storeChat(k, "d1", "one", 1), storeChat(k, "d2", "two", 1))
	d := *x.head(k, bridge.ToCentre)
	x.must(x.s.Begin(x.Context(), d, storeBegin, false))
	st := bridge.Settlement{Delivery: d, Outcome: bridge.Delivered, At: storeBegin, Result: storeResult(d, bridge.Delivered)}
	x.must(x.s.Settle(x.Context(), st)) // its tries are out of date: the truth wins
	x.must(x.s.Settle(x.Context(), st))
	x.equal("one result", x.queued(k), []string{"result-d1"})
	x.equal("result", x.work(k).Events[0].Event.Result.Outcome, bridge.Delivered)
	x.equal("next head", x.head(k, bridge.ToCentre).ID, "d2")
	next := *x.head(k, bridge.ToCentre)
	x.must(x.s.Settle(x.Context(), bridge.Settlement{Delivery: next, Outcome: bridge.Refused, At: storeBegin}))
	x.equal("without a result", x.queued(k), []string{"result-d1"})
	masked := next
	masked.Call = &bridge.Call{Kind: bridge.CallChat, Content: "***"}
	x.send(k, storeChat(k, "d3", "three", 1))
	x.must(x.s.Settle(x.Context(), bridge.Settlement{Delivery: *x.head(k, bridge.ToCentre), Kept: &masked, Outcome: bridge.Shadowed, At: storeBegin}))
	views, err := x.s.Shadows(x.Context(), storeBegin, true)
	x.must(err)
	x.equal("of the shadow is kept", views, "[{Thread:"+k.String()+" Calls:map[CHAT:1] Posts:map[] Refused:0 Lines:[{At:2026-07-07 09:30:00.123456789 +0000 UTC Session:1 Kind:CHAT Text:***}]}]")
	sure, possible, err := x.s.SentTexts(x.Context(), k.ID(), k.Part(), 1, "three")
	x.must(err)
	x.equal("a shadow was not sent", []int{sure, possible}, []int{0, 0})
	views, err = x.s.Shadows(x.Context(), storeBegin.Add(1), true)
	x.must(err)
	x.equal("before", len(views), 0)
	last, err := x.s.LastSent(x.Context(), k.ID(), k.Part(), 1)
	x.must(err)
	x.equal("last sent", last, bridge.ContentSum("one"))
	last, err = x.s.LastSent(x.Context(), k.ID(), k.Part(), 2)
	x.must(err)
	x.equal("last sent of another session", last, "")
}

func (x *storeTest) settleDead() {
	k := storeKey(1)
	x.put(opening(storeText(k, "1", "1"))...)
	letter := bridge.DeadLetter{Ref: "r", Thread: k, Session: 1, Direction: bridge.Up, Texts: []string{"one"}, Reason: "gone", At: storeBegin}
	lost := letter
	lost.Direction = bridge.Down
	x.step(k, func(st *bridge.Step) {
		st.Deliveries, st.Dead = []bridge.Delivery{storeChat(k, "d1", "one", 1)}, []bridge.DeadLetter{letter, lost}
	})
	d := *x.head(k, bridge.ToCentre)
	st := bridge.Settlement{Delivery: d, Outcome: bridge.GivenUp, At: storeBegin, Result: storeResult(d, bridge.GivenUp), Dead: &letter}
	x.must(x.s.Settle(x.Context(), st))
	x.must(x.s.Settle(x.Context(), st))
	stats, err := x.s.Stats(x.Context())
	x.must(err)
	x.equal("dead letters", stats.Dead, map[bridge.Direction]int{bridge.Up: 2, bridge.Down: 1})
	x.equal("result", x.queued(k), []string{"result-d1"})
}

func (x *storeTest) sentTexts() {
	k := storeKey(1)
	x.put(opening(storeText(k, "1", "1"))...)
	for i, c := range []struct {
		content        string
		begins         int // all but the first in doubt
		outcome        bridge.Outcome
		sure, possible int // of "hi", after it
	}{
		{"hi", 1, bridge.Delivered, 1, 0},
		{"other", 3, bridge.Delivered, 1, 0},
		{"hi", 3, bridge.Delivered, 2, 2},
		{"hi", 1, bridge.Refused, 2, 2},
		{"hi", 2, bridge.Refused, 2, 3},
		{"hi", 0, bridge.GivenUp, 2, 3},
		{"hi", 1, bridge.GivenUp, 2, 4},
		{"hi", 2, bridge.Unknown, 2, 6},
	} {
		x.send(k, storeChat(k, fmt.Sprint("d", i), c.content, 1))
		for b := range c.begins {
			x.must(x.s.Begin(x.Context(), *x.head(k, bridge.ToCentre), storeBegin, b > 0))
		}
		x.must(x.s.Settle(x.Context(), bridge.Settlement{Delivery: *x.head(k, bridge.ToCentre), Outcome: c.outcome, At: storeBegin}))
		sure, possible, err := x.s.SentTexts(x.Context(), k.ID(), k.Part(), 1, "hi")
		x.must(err)
		x.equal(fmt.Sprintf("after %d", i), []int{sure, possible}, []int{c.sure, c.possible})
	}
	sure, possible, err := x.s.SentTexts(x.Context(), k.ID(), k.Part(), 2, "hi")
	x.must(err)
	x.equal("another session", []int{sure, possible}, []int{0, 0})
}

func (x *storeTest) resequence() {
	k := storeKey(1)
	x.put(opening(storeText(k, "c", "3"), storeText(k, "result", ""), storeText(k, "a", "1"), storeText(k, "b1", "2"), storeText(k, "b2", "2"))...)
	w := x.work(k)
	x.must(x.s.Resequence(x.Context(), k.ID(), k.Part()))
	x.equal("order", x.queued(k), []string{"a", "result", "b1", "b2", "c"})
	x.conflict(x.s.Save(x.Context(), bridge.Step{Session: w.Session, At: storeBegin,
		Consumed: []bridge.Consumed{{Seq: w.Events[0].Seq, Body: w.Events[0].Event}}}))
	before := x.work(k).Session.Version
	x.must(x.s.Resequence(x.Context(), k.ID(), k.Part()))
	x.equal("nothing to move changes nothing", x.work(k).Session.Version, before)
}
