package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"ccbridge/bridge"
)

const (
	selectHoldingLedger = `SELECT DISTINCT ` + refColumns + ` FROM ledger l CROSS JOIN thread t
		WHERE (l.item = $1 OR l.remote = $1 OR l.item LIKE '%:' || $2) AND t.part = l.part AND t.id = l.thread`
	// selectHoldingQueue is coarse: the bodies are looked at afterwards.
	selectHoldingQueue = `SELECT DISTINCT ` + refColumns + ` FROM queue q CROSS JOIN thread t
		WHERE q.body LIKE '%' || $1 || '%' AND t.part = q.part AND t.id = q.thread`
	selectHoldingDelivery = `SELECT ` + refColumns + ` FROM parts p CROSS JOIN delivery d CROSS JOIN thread t
		WHERE d.part = p.part AND d.id = $1 AND t.part = d.part AND t.id = d.thread`
)

// threadsHolding lists the threads that hold what a link names by its id.
func (s *Store) threadsHolding(ctx context.Context, l bridge.Link) ([]bridge.ThreadRef, error) {
	var refs []bridge.ThreadRef
	add := func(r *rows) error {
		var ref bridge.ThreadRef
		err := scanRef(r, &ref)
		inChannel := l.Channel == "" || ref.Key.Channel == l.Channel || ref.Key.Root == l.Channel
		if inChannel && !slices.Contains(refs, ref) {
			refs = append(refs, ref)
		}
		return err
	}
	err := s.each(ctx, selectHoldingLedger, []any{l.ID, bridge.CodeHash(l.ID)}, add)
	if err == nil {
		err = s.each(ctx, selectHoldingQueue, []any{l.ID}, add)
	}
	if err == nil {
		err = s.each(ctx, selectHoldingDelivery, []any{l.ID}, add)
	}
	return refs, err
}

// Trace implements bridge.ConsoleStore.
func (s *Store) Trace(ctx context.Context, l bridge.Link) ([]bridge.Trace, error) {
	if l.ID == "" {
		return nil, nil
	}
	exact, direct, err := s.linked(ctx, l)
	refs := append(exact, direct...)
	if err == nil && (l.Channel == "" || len(refs) == 0) {
		var holding []bridge.ThreadRef
		holding, err = s.threadsHolding(ctx, l)
		refs = append(exact, holding...)
	}
	if err != nil {
		return nil, fmt.Errorf("find a message: %w", err)
	}
	var traces []bridge.Trace
	for i, ref := range refs {
		if slices.Contains(refs[:i], ref) {
			continue
		}
		list, err := s.thread(ctx, ref)
		if err != nil {
			return nil, fmt.Errorf("trace: %w", err)
		}
		v, err := s.view(ctx, ref.ID)
		if err != nil {
			return nil, fmt.Errorf("trace: %w", err)
		}
		traces = append(traces, tracesOf(list, v, l.ID)...)
	}
	return traces, nil
}

// names says whether id means this row.
func (k kept) names(id string) bool {
	if k.item == id || string(k.remote) == id {
		return true
	}
	switch ev := k.event; {
	case ev == nil:
		return false
	case ev.Text != nil && string(ev.Text.Message) == id, ev.Verb != nil && string(ev.Verb.Message) == id:
		return true
	case ev.Downlink != nil && ev.Downlink.MessageCode == id:
		return true
	default:
		return string(ev.ID) == id
	}
}

// origin is what a message and all that follows from it share: the message's id, else the event's; "" for what is neither
// caused by anything nor causes anything.
func (k kept) origin() string {
	switch ev := k.event; {
	case ev != nil && ev.Text != nil:
		return cmp.Or(string(ev.Text.Message), string(ev.ID))
	case ev != nil && ev.Verb != nil:
		return cmp.Or(string(ev.Verb.Message), string(ev.ID))
	case ev != nil && ev.Downlink != nil:
		return string(ev.ID)
	case k.delivery != nil:
		return cmp.Or(k.delivery.Cause, string(k.delivery.ID))
	}
	return ""
}

// tracesOf follows every message of a thread that id names.
func tracesOf(list []kept, v view, id string) []bridge.Trace {
	origins := map[string]string{} // what an event is known by → its origin
	for _, k := range list {
		if o := k.origin(); o != "" && k.event != nil {
			origins[o], origins[string(k.event.ID)] = o, o
		}
	}
	root := func(cause string) string { return cmp.Or(origins[cause], cause) }
	var wanted []string
	for _, k := range list {
		if o := root(k.origin()); o != "" && k.names(id) && !slices.Contains(wanted, o) {
			wanted = append(wanted, o)
		}
	}
	var traces []bridge.Trace
	for _, w := range wanted {
		t := bridge.Trace{Thread: v.Thread}
		for _, k := range list {
			switch {
			case k.letter != nil && slices.ContainsFunc(k.letter.Causes, func(c string) bool { return root(c) == w }):
				t.Steps = append(t.Steps, k.deadStep())
			case k.letter == nil && root(k.origin()) == w:
				if len(t.Steps) == 0 {
					t.Direction, t.Session = k.directionOf(), k.session
				}
				t.Session = max(t.Session, k.session)
				t.Steps = append(t.Steps, k.steps(list)...)
			}
		}
		t.Steps = append(t.Steps, waits(v.session, func(cause string) bool { return root(cause) == w })...)
		slices.SortStableFunc(t.Steps, func(a, b bridge.TraceStep) int { return a.At.Compare(b.At) })
		traces = append(traces, t)
	}
	return traces
}

// directionOf is where a thing goes: also of what is not in the ledger yet.
func (k kept) directionOf() bridge.Direction {
	switch {
	case k.event != nil && k.event.Downlink != nil, k.delivery != nil && k.delivery.To != bridge.ToCentre:
		return bridge.Down
	}
	return bridge.Up
}

// steps tells what happened to an event or a delivery.
func (k kept) steps(list []kept) (steps []bridge.TraceStep) {
	add := func(at time.Time, what, detail string) {
		if !at.IsZero() {
			steps = append(steps, bridge.TraceStep{At: at, What: what, ID: k.item, Detail: detail})
		}
	}
	if ev := k.event; ev != nil {
		k.item = string(ev.ID)
		switch {
		case ev.Downlink == nil:
			add(ev.At, "written", eventKind(*ev))
		default:
			add(ev.Downlink.Timestamp, "written", "by the "+strings.ToLower(cmp.Or(ev.Downlink.Source, "centre")))
		}
		add(ev.Received, "stored", "")
		if k.at.IsZero() {
			add(ev.Received, "waits", bridge.WaitsInQueue)
		}
		add(k.at, "stepped", k.detail)
		return steps
	}
	d := k.delivery
	add(d.Made, "made", describe(*d))
	add(k.begun, "begun", "")
	if !k.at.IsZero() {
		add(k.at, "settled", k.settled())
		return steps
	}
	add(d.Made, "waits", k.waitsFor(list))
	return steps
}

// eventKind says what a person did.
func eventKind(ev bridge.Event) string {
	switch {
	case ev.Verb != nil:
		return "the verb " + string(ev.Verb.Kind)
	case ev.Text.Deleted:
		return "taken back"
	case ev.Text.Edited:
		return "changed"
	}
	return "a message"
}

// describe says what a delivery is and where it goes.
func describe(d bridge.Delivery) string {
	switch {
	case d.Call != nil:
		return string(d.Call.Kind) + " to the centre"
	case d.Message == nil:
		return "a private answer"
	case d.To == bridge.ToPerson:
		return "a private answer to one person"
	case d.Piece > 0:
		return fmt.Sprintf("a post (%s, piece %d) to the thread", d.Message.Kind, d.Piece+1)
	}
	return fmt.Sprintf("a post (%s) to the thread", d.Message.Kind)
}

// settled says how a delivery ended.
func (k kept) settled() string {
	text := string(k.outcome)
	if k.detail != "" {
		text += ", " + k.detail
	}
	if k.remote != "" {
		text += ", as " + string(k.remote)
	}
	return text + k.counts()
}

// counts says how often a delivery was tried, where that is worth a word.
func (k kept) counts() string {
	switch {
	case k.repeats > 0:
		return fmt.Sprintf("; %d tries, of which %d in doubt: it may have been done twice", k.tries, k.repeats)
	case k.tries > 1:
		return fmt.Sprintf("; %d tries", k.tries)
	}
	return ""
}

// waitsFor says why a delivery is not settled.
func (k kept) waitsFor(list []kept) string {
	d, now := k.delivery, time.Now()
	for _, other := range list {
		if o := other.delivery; o != nil && other.at.IsZero() && o.To == d.To && other.seq < k.seq {
			return "behind delivery " + string(o.ID)
		}
	}
	switch {
	case !d.Deadline.IsZero() && now.Before(d.Deadline):
		return "the call is under way, at most until " + clock(d.Deadline) + k.counts()
	case !d.Deadline.IsZero():
		return "in doubt: whether it was done is being looked up" + k.counts()
	case now.Before(d.NotBefore):
		return "it rests until " + clock(d.NotBefore) + k.counts()
	}
	return "for its turn" + k.counts()
}

func clock(t time.Time) string { return t.Format(time.RFC3339) }

// deadStep tells of a dead letter.
func (k kept) deadStep() bridge.TraceStep {
	step := bridge.TraceStep{At: k.at, What: "dead", ID: string(deadID(ledgerKey{k.place, k.seq})), Detail: k.detail}
	if !k.dead {
		step.Detail += "; sent again or dropped since"
	}
	return step
}

// waits tells what of a message waits in its session.
func waits(s bridge.Session, of func(cause string) bool) (steps []bridge.TraceStep) {
	cause := func(h bridge.Held) string { return cmp.Or(string(h.Message), h.From) }
	for _, h := range s.Held {
		if h.Kind != bridge.HeldText && h.Kind != bridge.HeldTransfer || !of(cause(h)) {
			continue
		}
		step := bridge.TraceStep{At: h.Received, What: "waits", Detail: "for its turn"}
		if s.Undone != nil {
			step.Detail = fmt.Sprintf("behind %s, delivery %s", s.Undone.Kind, s.Undone.ID)
		}
		steps = append(steps, step)
	}
	if s.Asked == nil {
		return steps
	}
	for _, h := range s.Asked.Texts {
		if of(cause(h)) {
			steps = append(steps, bridge.TraceStep{At: h.Received, What: "waits", Detail: "for the customer's word on a question"})
		}
	}
	return steps
}
