// Package bridgetest holds what the tests of the bridge's parts share: suites that every implementation of an interface
// must pass.
package bridgetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"ccbridge/bridge"
)

// ExerciseStore is what every bridge.Store must pass. open gives an empty store that is closed when its test ends.
func ExerciseStore(t *testing.T, open func(t *testing.T) bridge.Store) {
	for name, exercise := range map[string]func(*storeTest){
		"Ingest":        (*storeTest).ingest,
		"NoThread":      (*storeTest).noThread,
		"Downlinks":     (*storeTest).downlinks,
		"Load":          (*storeTest).load,
		"Save":          (*storeTest).save,
		"SaveConflict":  (*storeTest).saveConflict,
		"Lanes":         (*storeTest).lanes,
		"Begin":         (*storeTest).begin,
		"Settle":        (*storeTest).settle,
		"SettleDead":    (*storeTest).settleDead,
		"SentTexts":     (*storeTest).sentTexts,
		"Resequence":    (*storeTest).resequence,
		"OpenElsewhere": (*storeTest).openElsewhere,
		"Due":           (*storeTest).due,
		"Listings":      (*storeTest).listings,
		"Cursors":       (*storeTest).cursors,
		"Stats":         (*storeTest).stats,
		"PruneSeen":     (*storeTest).pruneSeen,
		"PruneLedger":   (*storeTest).pruneLedger,
		"Concurrent":    (*storeTest).concurrent,
		"Sessions":      (*storeTest).consoleSessions,
		"Dead":          (*storeTest).consoleDead,
		"Transcript":    (*storeTest).consoleTranscript,
		"Trace":         (*storeTest).consoleTrace,
		"Instance":      (*storeTest).instance,
		"Context":       (*storeTest).context,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			exercise(&storeTest{T: t, s: open(t)})
		})
	}
}

// storeBegin is a time with nanoseconds and without a monotonic clock.
var storeBegin = time.Date(2026, 7, 7, 9, 30, 0, 123456789, time.UTC)

// storeTest is a store under test with short forms of its calls.
type storeTest struct {
	*testing.T
	s bridge.Store
}

func (x *storeTest) must(err error) {
	x.Helper()
	if err != nil {
		x.Fatal(err)
	}
}

// equal fails the test unless got prints like want.
func (x *storeTest) equal(what string, got, want any) {
	x.Helper()
	if g, w := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want); g != w {
		x.Fatalf("%s:\n got %s\nwant %s", what, g, w)
	}
}

func (x *storeTest) conflict(err error) {
	x.Helper()
	if !errors.Is(err, bridge.ErrConflict) {
		x.Fatalf("error %v, want ErrConflict", err)
	}
}

func storeKey(n int) bridge.ThreadKey {
	return bridge.ThreadKey{Adapter: "acme", Space: "T1", Channel: fmt.Sprintf("C%d", n%3), Root: fmt.Sprintf("root-%d", n)}
}

// storeText is a platform event; order "" makes it one that comes from elsewhere.
func storeText(k bridge.ThreadKey, id, order string) bridge.Event {
	return bridge.Event{ID: bridge.EventID(id), Thread: k, Order: order, At: storeBegin, Received: storeBegin.Add(time.Second),
		Text: &bridge.Text{Author: bridge.User{ID: "U1"}, Message: bridge.RemoteID(id), Body: "text of " + id}}
}

func opening(events ...bridge.Event) []bridge.Incoming {
	in := make([]bridge.Incoming, len(events))
	for i, ev := range events {
		in[i] = bridge.Incoming{Event: ev, Opens: true, Dedupe: true}
	}
	return in
}

func (x *storeTest) put(in ...bridge.Incoming) []bridge.Ingested {
	x.Helper()
	became, err := x.s.Ingest(x.Context(), in)
	x.must(err)
	return became
}

func (x *storeTest) work(k bridge.ThreadKey) bridge.Work {
	x.Helper()
	w, err := x.s.Load(x.Context(), k.ID(), k.Part(), 100, false)
	x.must(err)
	return w
}

func (x *storeTest) queued(k bridge.ThreadKey) (ids []bridge.EventID) {
	x.Helper()
	for _, q := range x.work(k).Events {
		ids = append(ids, q.Event.ID)
	}
	return ids
}

// step consumes all that waits and saves the session as change leaves it.
func (x *storeTest) step(k bridge.ThreadKey, change func(*bridge.Step)) {
	x.Helper()
	w := x.work(k)
	st := bridge.Step{Session: w.Session, At: storeBegin}
	for _, q := range w.Events {
		st.Consumed = append(st.Consumed, bridge.Consumed{Seq: q.Seq, Body: q.Event})
	}
	change(&st)
	x.must(x.s.Save(x.Context(), st))
}

// session brings a thread into a session.
func (x *storeTest) session(k bridge.ThreadKey, no int, state bridge.State) {
	x.Helper()
	x.put(opening(storeText(k, fmt.Sprintf("open-%s-%d-%s", k.Root, no, state), "1"))...)
	x.step(k, func(st *bridge.Step) {
		st.Session.No, st.Session.State, st.Session.Customer.ID = no, state, "U1"
	})
}

func storeChat(k bridge.ThreadKey, id, content string, session int) bridge.Delivery {
	return bridge.Delivery{ID: bridge.DeliveryID(id), Thread: k, To: bridge.ToCentre, Session: session, Made: storeBegin,
		Call: &bridge.Call{Kind: bridge.CallChat, Content: content}}
}

func storePost(k bridge.ThreadKey, id string) bridge.Delivery {
	return bridge.Delivery{ID: bridge.DeliveryID(id), Thread: k, To: bridge.ToThread, Session: 1, Made: storeBegin.Add(time.Minute),
		Message: &bridge.Message{Kind: bridge.MessageAgent, Text: "hello", Thread: k}, Post: &bridge.Post{Body: []byte(`{"text":"hello"}`)}}
}

func (x *storeTest) send(k bridge.ThreadKey, out ...bridge.Delivery) {
	x.Helper()
	x.step(k, func(st *bridge.Step) { st.Deliveries = out })
}

func (x *storeTest) head(k bridge.ThreadKey, to bridge.Target) *bridge.Delivery {
	x.Helper()
	d, err := x.s.Head(x.Context(), k.ID(), k.Part(), to)
	x.must(err)
	return d
}
