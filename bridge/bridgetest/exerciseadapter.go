package bridgetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ccbridge/bridge"
)

// AdapterRig is an adapter together with a simulated platform, which has one thread in which a person writes. Whoever
// makes it cleans up when its test ends.
type AdapterRig struct {
	Adapter bridge.Adapter // does not run yet
	Thread  bridge.ThreadKey
	Say     func(text string) // the person writes in the thread
	Shown   func() []string   // what stands in the thread, oldest first
	Drop    func()            // the line is cut, without a word
	Limit   func()            // the next post is refused: too many
	Lose    func()            // the next post is done, and its answer lost
	Log     func() string     // all that was logged
	Secrets []string          // the adapter's tokens
}

// ExerciseAdapter is what every bridge.Adapter must pass. open makes a rig for one test.
func ExerciseAdapter(t *testing.T, open func(t *testing.T) AdapterRig) {
	for name, exercise := range map[string]func(*adapterTest){
		"Order":        (*adapterTest).order,
		"NotStored":    (*adapterTest).notStored,
		"SameID":       (*adapterTest).sameID,
		"OwnPosts":     (*adapterTest).ownPosts,
		"DroppedLine":  (*adapterTest).droppedLine,
		"Limited":      (*adapterTest).limited,
		"LostAnswer":   (*adapterTest).lostAnswer,
		"NotDone":      (*adapterTest).notDone,
		"LongText":     (*adapterTest).longText,
		"RenderIsPure": (*adapterTest).pure,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := &adapterTest{T: t, AdapterRig: open(t), in: NewInbox()}
			defer x.stop()
			exercise(x)
			x.stop()
			for _, secret := range append(x.Secrets, adapterSecret) {
				if strings.Contains(x.Log(), secret) {
					t.Errorf("%q stands in the log:\n%s", secret, x.Log())
				}
			}
		})
	}
}

// adapterSecret stands in texts; it must not be found in any log.
const adapterSecret = "xylophone"

// adapterPatience is how long something may take that must happen on a loopback line.
const adapterPatience = 20 * time.Second

type adapterTest struct {
	*testing.T
	AdapterRig
	in     *Inbox
	cancel context.CancelFunc
	ended  chan error
}

// run brings the line up.
func (x *adapterTest) run() {
	x.Helper()
	ctx, cancel := context.WithCancel(x.Context())
	x.cancel, x.ended = cancel, make(chan error, 1)
	go func() { x.ended <- x.Adapter.Run(ctx, x.in) }()
	x.until("the line is up", func() bool { return x.in.ups() == 1 })
}

// stop ends Run, which must return nil soon.
func (x *adapterTest) stop() {
	x.Helper()
	if x.cancel == nil {
		return
	}
	x.cancel()
	x.cancel = nil
	select {
	case err := <-x.ended:
		if err != nil {
			x.Errorf("Run returned %v", err)
		}
	case <-time.After(adapterPatience):
		x.Error("Run did not return")
	}
}

func (x *adapterTest) until(what string, done func() bool) {
	x.Helper()
	timeout := time.After(adapterPatience)
	for {
		changed := x.in.Changed()
		if done() {
			return
		}
		select {
		case <-changed:
		case <-timeout:
			x.Fatalf("%s: did not happen; events %q", what, x.in.Texts())
		}
	}
}

func (x *adapterTest) arrive(want ...string) {
	x.Helper()
	x.until(fmt.Sprintf("%q arrive", want), func() bool { return len(x.in.Texts()) >= len(want) })
	if got := x.in.Texts(); !slices.Equal(got, want) {
		x.Errorf("arrived %q, want %q", got, want)
	}
}

func (x *adapterTest) deliveries(id string, text string) []bridge.Delivery {
	x.Helper()
	m := bridge.Message{Kind: bridge.MessageRobot, Text: text, Thread: x.Thread}
	var out []bridge.Delivery
	for i, p := range x.Adapter.Render(m) {
		full := id + fmt.Sprint(i) + strings.Repeat("a", 24)
		full = strings.NewReplacer("0", "b", "1", "c", "8", "d", "9", "e").Replace(full)
		out = append(out, bridge.Delivery{ID: bridge.DeliveryID(full[:24]), Thread: x.Thread, To: bridge.ToThread, Post: &p, Message: &m, Piece: i, Session: 1, Made: time.Now()})
	}
	if len(out) == 0 {
		x.Fatalf("nothing rendered of %d characters", len(text))
	}
	return out
}

// send posts a delivery as the outbox would: after a wait that was asked for it is sent again.
func (x *adapterTest) send(d bridge.Delivery) bridge.RemoteID {
	x.Helper()
	for {
		id, err := x.Adapter.Send(x.Context(), d)
		var se *bridge.SendError
		if errors.As(err, &se) && se.Certainty == bridge.NotDone && se.RetryAfter > 0 && se.RetryAfter < adapterPatience {
			<-time.After(se.RetryAfter)
			continue
		}
		if err != nil || id == "" {
			x.Fatalf("send: %q, %v", id, err)
		}
		return id
	}
}

func (x *adapterTest) shown(text string) (n int) {
	for _, s := range x.Shown() {
		if strings.Contains(s, text) {
			n++
		}
	}
	return n
}

// What a person writes arrives with an Order that says in which order it was written, and a time. A platform with
// several lines may deliver it in another order.
func (x *adapterTest) order() {
	x.run()
	var want []string
	for i := range 5 {
		want = append(want, fmt.Sprint(adapterSecret, " ", i))
		x.Say(want[i])
	}
	x.until(fmt.Sprintf("%q arrive", want), func() bool { return len(x.in.Texts()) == len(want) })
	events := x.in.Events()
	slices.SortFunc(events, func(a, b bridge.Event) int { return strings.Compare(a.Order, b.Order) })
	for i, ev := range events {
		if ev.Thread != x.Thread || ev.Text.Author.ID == "" || ev.Text.Message == "" || time.Since(ev.At).Abs() > time.Hour {
			x.Errorf("event %d: %+v of %s", i, ev, ev.At)
		}
		if ev.Text.Body != want[i] {
			x.Errorf("%q has place %d in the order of %q", ev.Text.Body, i, want)
		}
		if i > 0 && (ev.Order <= events[i-1].Order || ev.At.Before(events[i-1].At)) {
			x.Errorf("%q is not after %q, or %s is before %s", ev.Order, events[i-1].Order, ev.At, events[i-1].At)
		}
	}
}

// What could not be stored comes again: by the platform's own retries, or by catch-up.
func (x *adapterTest) notStored() {
	x.run()
	x.in.Fail(errors.New("disk full"))
	x.Say("kept")
	x.until("Put is tried", func() bool { return x.in.Failed() > 0 })
	x.in.Fail(nil)
	if err := x.Adapter.CatchUpThread(x.Context(), x.Thread, time.Now().Add(-time.Minute), x.in); err != nil {
		x.Fatal(err)
	}
	x.until("it comes again", func() bool { return slices.Contains(x.in.Texts(), "kept") })
}

// An event that comes live and by catch-up has one id and one place in the order.
func (x *adapterTest) sameID() {
	x.run()
	x.Say("one")
	x.Say("two")
	x.arrive("one", "two")
	again := NewInbox()
	if err := x.Adapter.CatchUpThread(x.Context(), x.Thread, x.in.Events()[0].At.Add(-time.Millisecond), again); err != nil {
		x.Fatal(err)
	}
	for i, ev := range x.in.Events() {
		found := slices.ContainsFunc(again.Events(), func(e bridge.Event) bool {
			return e.ID == ev.ID && e.Order == ev.Order && e.Thread == ev.Thread && e.Text.Body == ev.Text.Body
		})
		if !found {
			x.Errorf("event %d %+v is not among %+v", i, ev, again.Events())
		}
	}
}

// The adapter's own posts come back neither live nor by catch-up.
func (x *adapterTest) ownPosts() {
	x.run()
	x.Say("before")
	x.arrive("before")
	x.send(x.deliveries("own", "own words")[0])
	x.Say("after")
	x.arrive("before", "after")
	again := NewInbox()
	if err := x.Adapter.CatchUpThread(x.Context(), x.Thread, time.Now().Add(-time.Minute), again); err != nil {
		x.Fatal(err)
	}
	for _, text := range append(x.in.Texts(), again.Texts()...) {
		if strings.Contains(text, "own words") {
			x.Errorf("an own post came back: %q", text)
		}
	}
}

// A dropped line comes up again, and what is written then arrives, live or by the catch-up that Gap asks for.
func (x *adapterTest) droppedLine() {
	x.run()
	x.Say("before")
	x.arrive("before")
	x.Drop()
	x.Say("meanwhile")
	x.until("the line is up again, or what was missed arrived", func() bool { return x.in.ups() > 1 || len(x.in.Texts()) > 1 })
	if err := x.Adapter.CatchUpThread(x.Context(), x.Thread, time.Now().Add(-time.Minute), x.in); err != nil {
		x.Fatal(err)
	}
	x.until("what was missed arrives", func() bool { return slices.Contains(x.in.Texts(), "meanwhile") })
	// A hello may have been read late, from a connection that was cut meanwhile: then the line comes up once more.
	for arrived, n := false, 0; !arrived; n++ {
		later, ups := fmt.Sprint("later ", n), x.in.ups()
		x.Say(later)
		x.until("the line works", func() bool {
			arrived = slices.Contains(x.in.Texts(), later)
			return arrived || x.in.ups() > ups
		})
	}
}

// A limit is a clear no with the time to wait, and concerns the channel.
func (x *adapterTest) limited() {
	d := x.deliveries("limited", adapterSecret)[0]
	x.Limit()
	_, err := x.Adapter.Send(x.Context(), d)
	var se *bridge.SendError
	if !errors.As(err, &se) || se.Certainty != bridge.NotDone || se.Scope != bridge.ScopeChannel || se.RetryAfter <= 0 || se.Final {
		x.Fatalf("limited: %v", err)
	}
	if strings.Contains(err.Error(), adapterSecret) {
		x.Errorf("a text stands in the error: %v", err)
	}
	x.send(d)
	if n := x.shown(adapterSecret); n != 1 {
		x.Errorf("shown %d times", n)
	}
}

// A post whose answer was lost is in doubt. Looking and, if the adapter says so, sending again leaves it shown once.
func (x *adapterTest) lostAnswer() {
	began := time.Now()
	d := x.deliveries("lost", adapterSecret)[0]
	x.Lose()
	_, err := x.Adapter.Send(x.Context(), d)
	var se *bridge.SendError
	if !errors.As(err, &se) || se.Certainty != bridge.InDoubt {
		x.Fatalf("lost: %v", err)
	}
	switch id, certainty, err := x.Adapter.Find(x.Context(), d, began); {
	case err != nil || certainty == bridge.InDoubt:
		x.Fatalf("find: %s, %v", certainty, err)
	case certainty == bridge.Done && id == "":
		x.Error("found without an id")
	case certainty == bridge.NotDone:
		x.send(d)
	}
	if n := x.shown(adapterSecret); n != 1 {
		x.Errorf("shown %d times", n)
	}
}

// What was never sent is not found, whatever else stands there.
func (x *adapterTest) notDone() {
	x.send(x.deliveries("other", "the same words")[0])
	d := x.deliveries("never", "the same words")[0]
	if _, certainty, err := x.Adapter.Find(x.Context(), d, time.Now()); certainty != bridge.NotDone || err != nil {
		x.Errorf("found: %s, %v", certainty, err)
	}
}

// Long text is split into posts that show all of it, in order.
func (x *adapterTest) longText() {
	var words []string
	for i := range 1000 {
		words = append(words, fmt.Sprintf("word%d", i))
	}
	before := len(x.Shown())
	posts := x.deliveries("long", strings.Join(words, " "))
	if len(posts) < 2 {
		x.Fatalf("%d posts", len(posts))
	}
	for _, d := range posts {
		x.send(d)
	}
	if got := strings.Fields(strings.Join(x.Shown()[before:], " ")); !slices.Equal(got, words) {
		x.Errorf("%d words shown, want %d", len(got), len(words))
	}
}

// Render gives the same for the same, and nothing for nothing.
func (x *adapterTest) pure() {
	m := bridge.Message{Kind: bridge.MessageNotice, Text: "choose", Thread: x.Thread, Buttons: []bridge.Button{{Verb: bridge.VerbEnd, Label: "End"}}}
	a, b := x.Adapter.Render(m), x.Adapter.Render(m)
	if len(a) != 1 || len(b) != 1 || string(a[0].Body) != string(b[0].Body) {
		x.Errorf("rendered %s and %s", a, b)
	}
	if !strings.Contains(string(a[0].Body), m.Buttons[0].Action()) {
		x.Errorf("no button in %s", a[0].Body)
	}
}

// Inbox is a bridge.Inbox that remembers each event once and may fail.
type Inbox struct {
	mu      sync.Mutex
	changed chan struct{} // closed and replaced at each change
	seen    map[bridge.EventID]bool
	events  []bridge.Event
	lines   []bridge.Line
	err     error
	failed  int
}

var _ bridge.Inbox = (*Inbox)(nil)

// NewInbox makes an empty inbox.
func NewInbox() *Inbox {
	return &Inbox{changed: make(chan struct{}), seen: map[bridge.EventID]bool{}}
}

func (in *Inbox) change(do func()) {
	in.mu.Lock()
	defer in.mu.Unlock()
	do()
	close(in.changed)
	in.changed = make(chan struct{})
}

// Changed is closed at the next change.
func (in *Inbox) Changed() <-chan struct{} {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.changed
}

// Fail has Put fail with err from now on; nil: not any more.
func (in *Inbox) Fail(err error) { in.change(func() { in.err = err }) }

// Failed counts the Puts that failed.
func (in *Inbox) Failed() int {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.failed
}

// Put implements bridge.Inbox.
func (in *Inbox) Put(_ context.Context, evs ...bridge.Event) (err error) {
	in.change(func() {
		if err = in.err; err != nil {
			in.failed++
			return
		}
		for _, ev := range evs {
			if !in.seen[ev.ID] {
				in.seen[ev.ID] = true
				in.events = append(in.events, ev)
			}
		}
	})
	return err
}

// OpenThreads implements bridge.Inbox.
func (in *Inbox) OpenThreads(context.Context, string, string, bridge.UserID) ([]bridge.ThreadKey, error) {
	return nil, nil
}

// Report implements bridge.Inbox.
func (in *Inbox) Report(_ string, l bridge.Line) {
	in.change(func() { in.lines = append(in.lines, l) })
}

func (in *Inbox) ups() (n int) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, l := range in.lines {
		if l.State == bridge.LineUp {
			n++
		}
	}
	return n
}

// Events lists the events, each once, in the order of their arrival.
func (in *Inbox) Events() []bridge.Event {
	in.mu.Lock()
	defer in.mu.Unlock()
	return slices.Clone(in.events)
}

// Texts lists the bodies of the texts among them.
func (in *Inbox) Texts() []string {
	var texts []string
	for _, ev := range in.Events() {
		if ev.Text != nil {
			texts = append(texts, ev.Text.Body)
		}
	}
	return texts
}
