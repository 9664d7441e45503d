package bridgetest

import (
	"fmt"
	"time"

	"ccbridge/bridge"
	"ccbridge/ccm"
)

func (x *storeTest) ingest() {
	a, b := storeKey(1), storeKey(2)
	x.equal("first", x.put(opening(storeText(a, "1", "1"), storeText(a, "2", "2"), storeText(a, "1", "1"), storeText(b, "3", "1"))...),
		[]bridge.Ingested{bridge.Fresh, bridge.Fresh, bridge.Repeated, bridge.Fresh})
	x.equal("again", x.put(opening(storeText(a, "2", "2"), storeText(a, "4", "0"))...), []bridge.Ingested{bridge.Repeated, bridge.Fresh})
	x.equal("order of arrival", x.queued(a), []string{"1", "2", "4"})
	x.equal("other thread", x.queued(b), []string{"3"})
	free := bridge.Incoming{Event: storeText(a, "5", "")}
	x.equal("without dedupe", x.put(free, free), []bridge.Ingested{bridge.Fresh, bridge.Fresh})
	x.equal("nothing", len(x.put()), 0)
	w := x.work(a)
	x.equal("new row", []any{w.Session.Thread, w.Session.No, w.Session.State}, []any{a, 0, bridge.StateNew})
	x.equal("event", w.Events[0].Event.Received.Equal(storeBegin.Add(time.Second)) && w.Events[0].Event.Text.Body == "text of 1", true)
}

func (x *storeTest) noThread() {
	k := storeKey(1)
	reply := bridge.Incoming{Event: storeText(k, "2", "2"), Dedupe: true}
	x.equal("no row", x.put(reply), []bridge.Ingested{bridge.NoThread})
	x.equal("not seen; after its root", x.put(append(opening(storeText(k, "1", "1")), reply)...), []bridge.Ingested{bridge.Fresh, bridge.Fresh})
	x.equal("queue", x.queued(k), []string{"1", "2"})
}

func (x *storeTest) downlinks() {
	k := storeKey(1)
	x.session(k, 2, bridge.StateRobot)
	down := func(id string, session int, heard string, history bool) bridge.Incoming {
		return bridge.Incoming{Dedupe: true, Session: session, Heard: heard, FromHistory: history, Event: bridge.Event{
			ID: bridge.EventID(id), Thread: k, Received: storeBegin, Downlink: &ccm.Downlink{Content: "words", MessageCode: id}}}
	}
	x.equal("became", x.put(down("a", 2, "hi", false), down("a", 2, "hi", false), down("b", 1, "hi", false), down("c", 2, "hi", false),
		down("d", 2, "there", false)), []bridge.Ingested{bridge.Fresh, bridge.Repeated, bridge.NoThread, bridge.Fresh, bridge.Fresh})
	heard := func() (map[string]int, map[string]bool) {
		counts, fromHistory, err := x.s.Heard(x.Context(), k.ID(), k.Part(), 2)
		x.must(err)
		return counts, fromHistory
	}
	counts, fromHistory := heard()
	x.equal("heard", counts, map[string]int{"hi": 2, "there": 1})
	x.equal("from history", fromHistory, map[string]bool{})
	x.put(down("e", 2, "hi", true), down("f", 2, "hi", false))
	counts, fromHistory = heard()
	x.equal("heard", counts, map[string]int{"hi": 4, "there": 1})
	x.equal("from history", fromHistory, map[string]bool{"hi": true})
	x.equal("past session is not seen", x.put(down("b", 2, "", false)), []bridge.Ingested{bridge.Fresh})
	x.equal("content", x.work(k).Events[0].Event.Downlink.Content, "words")
	other, _, err := x.s.Heard(x.Context(), k.ID(), k.Part(), 1)
	x.must(err)
	x.equal("other session", len(other), 0)
}

func (x *storeTest) load() {
	k := storeKey(1)
	in := opening(storeText(k, "1", "1"), storeText(k, "2", ""), storeText(k, "3", "3"), storeText(k, "4", ""))
	x.put(in...)
	for _, c := range []struct {
		limit int
		held  bool
		ids   string
		more  bool
	}{
		{4, false, "[1 2 3 4]", false}, {3, false, "[1 2 3]", true}, {2, true, "[2 4]", false}, {1, true, "[2]", true},
	} {
		w, err := x.s.Load(x.Context(), k.ID(), k.Part(), c.limit, c.held)
		x.must(err)
		var ids []bridge.EventID
		for _, q := range w.Events {
			ids = append(ids, q.Event.ID)
		}
		x.equal(fmt.Sprintf("limit %d held %t", c.limit, c.held), []any{ids, w.More}, []any{c.ids, c.more})
	}
	if _, err := x.s.Load(x.Context(), storeKey(9).ID(), storeKey(9).Part(), 1, false); err == nil {
		x.Fatal("a thread without a row was loaded")
	}
}

func (x *storeTest) save() {
	k := storeKey(1)
	x.put(opening(storeText(k, "1", "1"), storeText(k, "2", "2"))...)
	due := storeBegin.Add(time.Hour)
	w := x.work(k)
	session := w.Session
	session.No, session.State, session.Customer = 1, bridge.StateOpening, bridge.User{ID: "U1", Name: "Ada"}
	session.Cursor, session.Timers = storeBegin, map[bridge.TimerKind]time.Time{bridge.TimerIdle: due}
	x.must(x.s.Save(x.Context(), bridge.Step{Session: session, At: storeBegin,
		Consumed:   []bridge.Consumed{{Seq: w.Events[0].Seq, Body: w.Events[0].Event, Note: "ignored"}},
		Deliveries: []bridge.Delivery{storeChat(k, "d1", "one", 1), storePost(k, "d2"), storeChat(k, "d3", "three", 1)},
	}))
	after := x.work(k)
	x.equal("queue", x.queued(k), []string{"2"})
	x.equal("version", after.Session.Version, session.Version+1)
	session.Version = after.Session.Version
	x.equal("session", after.Session, session)
	d := x.head(k, bridge.ToCentre)
	x.equal("head", []any{d.ID, d.Call.Content, d.Thread, d.Made.Equal(storeBegin), d.Tries, d.Deadline.IsZero(), d.NotBefore.IsZero()},
		[]any{"d1", "one", k, true, 0, true, true})
	later := x.head(k, bridge.ToThread)
	x.equal("post", []any{later.ID, string(later.Post.Body), later.Seq > d.Seq}, []any{"d2", `{"text":"hello"}`, true})
	x.equal("no head", x.head(k, bridge.ToPerson) == nil, true)
}

func (x *storeTest) saveConflict() {
	k := storeKey(1)
	x.put(opening(storeText(k, "1", "1"))...)
	w := x.work(k)
	st := bridge.Step{Session: w.Session, At: storeBegin, Consumed: []bridge.Consumed{{Seq: w.Events[0].Seq, Body: w.Events[0].Event}},
		Deliveries: []bridge.Delivery{storeChat(k, "d1", "one", 1)}}
	x.must(x.s.Save(x.Context(), st))
	st.Deliveries = []bridge.Delivery{storeChat(k, "d2", "two", 1)}
	x.conflict(x.s.Save(x.Context(), st))
	x.equal("nothing of the loser", x.head(k, bridge.ToCentre).ID, "d1")
	missing := st
	missing.Session = x.work(k).Session
	if err := x.s.Save(x.Context(), missing); err == nil {
		x.Fatal("an event was consumed twice")
	}
	x.equal("nothing of it", x.work(k).Session.Version, missing.Session.Version)
}
