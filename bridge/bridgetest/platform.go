package bridgetest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"ccbridge/bridge"
)

// Platform is a chat platform in memory together with its adapter: people write, the bridge's posts appear, the line may
// drop, calls may fail. Its settings may be changed while it works, by Change.
type Platform struct {
	// Latency is how long a call takes. Gap and Burst are the limit of a channel; a post that comes too early is answered
	// with "too many requests".
	Latency time.Duration
	Gap     time.Duration
	Burst   int
	// Fault deals a fault to a call: "send", "find", "catch up"; nil: none.
	Fault func(call string, t bridge.ThreadKey) Fault
	// Refuse answers a post with an error; nil, or its nil: none.
	Refuse func(d bridge.Delivery) *bridge.SendError
	// BeforeRender is called at each Render, and may panic.
	BeforeRender func(bridge.Message)
	// Blind: Find cannot tell.
	Blind bool
	// GivesUp: what Put refuses is not delivered again, as by a platform whose own retries are over.
	GivesUp bool
	// Muted are channels whose messages do not come although the line is up.
	Muted []string
	// Gate, if not nil, holds back every catch-up until it is closed.
	Gate chan struct{}

	name       string
	mu         sync.Mutex
	in         bridge.Inbox // of the adapter that runs
	up         bool
	pending    []bridge.Event // on their way to the adapter
	kick       chan struct{}
	written    []bridge.Event // by people, in order
	posts      []Post
	acked      map[bridge.EventID]bool
	caught     []string // what catch-up was asked to read
	next       map[string]time.Time
	sending    map[bridge.ThreadKey]int
	last       time.Time
	violations []string
}

// Post is what the bridge has posted.
type Post struct {
	Thread   bridge.ThreadKey
	Delivery bridge.DeliveryID
	Kind     bridge.MessageKind
	Text     string
	Buttons  []bridge.Button
	At       time.Time
}

// pieceSize is how many bytes fit into one post.
const pieceSize = 200

// NewPlatform makes a platform with a limit of one post a second per channel.
func NewPlatform(name string) *Platform {
	return &Platform{name: name, Latency: 20 * time.Millisecond, Gap: time.Second, Burst: 1, kick: make(chan struct{}, 1),
		up: true, acked: map[bridge.EventID]bool{}, next: map[string]time.Time{}, sending: map[bridge.ThreadKey]int{}}
}

var (
	_ bridge.Adapter = (*Platform)(nil)
	_ bridge.Pacer   = (*Platform)(nil)
)

// Change changes settings while the platform is at work.
func (p *Platform) Change(set func(*Platform)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	set(p)
}

// Violations lists what the bridge may never do.
func (p *Platform) Violations() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.violations)
}

// Run implements bridge.Receiver. What Put refuses is delivered again after a second.
func (p *Platform) Run(ctx context.Context, in bridge.Inbox) error {
	p.mu.Lock()
	p.in = in
	up := p.up
	p.mu.Unlock()
	if up {
		in.Report(p.name, bridge.Line{State: bridge.LineUp, Gap: true})
	}
	for {
		select {
		case <-ctx.Done():
			p.mu.Lock()
			p.in, p.pending = nil, nil
			p.mu.Unlock()
			return nil
		case <-p.kick:
		}
		p.deliver(ctx, in)
	}
}

func (p *Platform) deliver(ctx context.Context, in bridge.Inbox) {
	for ctx.Err() == nil {
		p.mu.Lock()
		if len(p.pending) == 0 {
			p.mu.Unlock()
			return
		}
		ev, givesUp := p.pending[0], p.GivesUp
		p.mu.Unlock()
		stored := in.Put(ctx, ev) == nil
		if !stored && !givesUp {
			_ = travel(ctx, time.Second)
			continue
		}
		p.mu.Lock()
		p.acked[ev.ID] = stored
		if len(p.pending) > 0 && p.pending[0].ID == ev.ID {
			p.pending = p.pending[1:]
		}
		p.mu.Unlock()
	}
}

// Drop cuts the line: what is written from now on does not arrive.
func (p *Platform) Drop() {
	p.mu.Lock()
	p.up, p.pending = false, nil
	in := p.in
	p.mu.Unlock()
	if in != nil {
		in.Report(p.name, bridge.Line{State: bridge.LineDown, Detail: "dropped"})
	}
}

// Restore brings the line up again, after a gap.
func (p *Platform) Restore() {
	p.mu.Lock()
	p.up = true
	in := p.in
	p.mu.Unlock()
	if in != nil {
		in.Report(p.name, bridge.Line{State: bridge.LineUp, Gap: true, Reconnect: true})
	}
}

// stamp gives the time and the order of the next message: no two are the same.
func (p *Platform) stamp() (time.Time, string) {
	at := time.Now()
	if !at.After(p.last) {
		at = p.last.Add(time.Microsecond)
	}
	p.last = at
	return at, fmt.Sprintf("%020d", at.UnixNano())
}

// Open has a person begin a thread in a channel.
func (p *Platform) Open(channel, who, text string) bridge.ThreadKey {
	p.mu.Lock()
	defer p.mu.Unlock()
	at, order := p.stamp()
	t := bridge.ThreadKey{Adapter: p.name, Space: "T1", Channel: channel, Root: order}
	p.write(t, at, order, who, text, true)
	return t
}

// Say has a person write into a thread.
func (p *Platform) Say(t bridge.ThreadKey, who, text string) bridge.EventID {
	p.mu.Lock()
	defer p.mu.Unlock()
	at, order := p.stamp()
	return p.write(t, at, order, who, text, false)
}

func (p *Platform) write(t bridge.ThreadKey, at time.Time, order, who, text string, top bool) bridge.EventID {
	ev := bridge.Event{ID: bridge.EventID(p.name + ":m:" + order), Thread: t, Order: order, At: at, Text: &bridge.Text{
		Author: bridge.User{ID: bridge.UserID("U-" + who), Name: who}, Message: bridge.RemoteID(order), Body: text, TopLevel: top}}
	p.written = append(p.written, ev)
	p.send(ev)
	return ev.ID
}

// send puts an event on its way, if the line is up.
func (p *Platform) send(ev bridge.Event) {
	if !p.up || p.in == nil || slices.Contains(p.Muted, ev.Thread.Channel) {
		return
	}
	p.pending = append(p.pending, ev)
	select {
	case p.kick <- struct{}{}:
	default:
	}
}

// Press has a person use a verb in a thread.
func (p *Platform) Press(t bridge.ThreadKey, who string, kind bridge.VerbKind, ref string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at, order := p.stamp()
	p.send(bridge.Event{ID: bridge.EventID(p.name + ":i:" + order), Thread: t, Order: order, At: at, Verb: &bridge.Verb{
		Kind: kind, Ref: ref, By: bridge.User{ID: bridge.UserID("U-" + who), Name: who}}})
}

// Written is the newest event a person made, for tests that put it themselves.
func (p *Platform) Written() bridge.Event {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.written[len(p.written)-1]
}

// Put hands events to the bridge past the line, as a second socket or a late retry would.
func (p *Platform) Put(ctx context.Context, evs ...bridge.Event) error {
	p.mu.Lock()
	in := p.in
	p.mu.Unlock()
	return in.Put(ctx, evs...)
}

// Acknowledged reports whether the bridge took an event for good.
func (p *Platform) Acknowledged(id bridge.EventID) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.acked[id]
}

// CatchUpThread implements bridge.Receiver.
func (p *Platform) CatchUpThread(ctx context.Context, t bridge.ThreadKey, since time.Time, in bridge.Inbox) error {
	return p.catchUp(ctx, "thread "+t.Root, t, since, in, func(ev bridge.Event) bool { return ev.Thread == t })
}

// CatchUpChannel implements bridge.Receiver.
func (p *Platform) CatchUpChannel(ctx context.Context, channel string, since time.Time, in bridge.Inbox) error {
	roots := map[string]bool{}
	return p.catchUp(ctx, "channel "+channel, bridge.ThreadKey{Adapter: p.name, Channel: channel}, since, in, func(ev bridge.Event) bool {
		if ev.Thread.Channel != channel && channel != "*" {
			return false
		}
		roots[ev.Thread.Root] = roots[ev.Thread.Root] || ev.Text.TopLevel
		return roots[ev.Thread.Root]
	})
}

func (p *Platform) catchUp(ctx context.Context, what string, t bridge.ThreadKey, since time.Time, in bridge.Inbox, belongs func(bridge.Event) bool) error {
	p.mu.Lock()
	gate, latency, fault := p.Gate, p.Latency, NoFault
	if p.Fault != nil {
		fault = p.Fault("catch up", t)
	}
	p.caught = append(p.caught, what)
	p.mu.Unlock()
	if gate != nil {
		select {
		case <-gate:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if err := travel(ctx, latency); err != nil {
		return err
	}
	switch fault {
	case NoFault:
	case Panic:
		panic("a defect of catch-up")
	default:
		return &bridge.SendError{Scope: bridge.ScopeAdapter, Code: "lost", Err: errLost}
	}
	p.mu.Lock()
	var found []bridge.Event
	for _, ev := range p.written {
		if ev.At.After(since) && belongs(ev) {
			found = append(found, ev)
		}
	}
	p.mu.Unlock()
	if len(found) == 0 {
		return nil
	}
	return in.Put(ctx, found...)
}

// CaughtUp lists what catch-up was asked to read, in order: "channel …" and "thread …".
func (p *Platform) CaughtUp() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.caught)
}

// Render implements bridge.Sender.
func (p *Platform) Render(m bridge.Message) []bridge.Post {
	p.mu.Lock()
	before := p.BeforeRender
	p.mu.Unlock()
	if before != nil {
		before(m)
	}
	if m.Kind == bridge.MessageMake {
		return nil
	}
	text := m.Text
	if m.Speaker != "" {
		text = m.Speaker + ": " + text
	}
	var posts []bridge.Post
	for {
		piece := Post{Kind: m.Kind, Text: text[:min(len(text), pieceSize)]}
		text = text[len(piece.Text):]
		if text == "" {
			piece.Buttons = m.Buttons
		}
		body, err := json.Marshal(piece)
		if err != nil {
			return nil
		}
		posts = append(posts, bridge.Post{Body: body})
		if text == "" {
			return posts
		}
	}
}

// Send implements bridge.Sender.
func (p *Platform) Send(ctx context.Context, d bridge.Delivery) (bridge.RemoteID, error) {
	p.mu.Lock()
	latency, fault := p.Latency, NoFault
	if p.Fault != nil {
		fault = p.Fault("send", d.Thread)
	}
	if p.sending[d.Thread]++; d.To == bridge.ToThread && p.sending[d.Thread] > 1 {
		p.violations = append(p.violations, fmt.Sprintf("two posts at once to %s", d.Thread))
	}
	p.mu.Unlock()
	defer p.Change(func(p *Platform) { p.sending[d.Thread]-- })
	switch fault {
	case Panic:
		panic("a defect of Send")
	case Unreached:
		return "", &bridge.SendError{Certainty: bridge.NotDone, Scope: bridge.ScopeAdapter, Code: "refused", Err: errLost}
	}
	if err := travel(ctx, latency); err != nil {
		return "", &bridge.SendError{Scope: bridge.ScopeDelivery, Code: "timeout", Err: err}
	}
	var id bridge.RemoteID
	var err error
	if fault.done() {
		id, err = p.post(d)
	}
	switch fault {
	case LostBefore, LostAfter:
		return "", &bridge.SendError{Scope: bridge.ScopeDelivery, Code: "lost", Err: errLost}
	case Hang, HangAfter:
		<-ctx.Done()
		return "", &bridge.SendError{Scope: bridge.ScopeDelivery, Code: "timeout", Err: ctx.Err()}
	}
	return id, err
}

func (p *Platform) post(d bridge.Delivery) (bridge.RemoteID, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.Refuse != nil {
		if e := p.Refuse(d); e != nil {
			return "", e
		}
	}
	var post Post
	if err := json.Unmarshal(d.Post.Body, &post); err != nil {
		return "", &bridge.SendError{Certainty: bridge.NotDone, Scope: bridge.ScopeDelivery, Final: true, Code: "invalid"}
	}
	now := time.Now()
	if wait := p.next[d.Thread.Channel].Sub(now); p.Gap > 0 && d.To == bridge.ToThread {
		if wait > 0 {
			return "", &bridge.SendError{Certainty: bridge.NotDone, Scope: bridge.ScopeChannel, RetryAfter: wait, Code: "ratelimited"}
		}
		earliest := now.Add(-time.Duration(p.Burst) * p.Gap)
		if p.next[d.Thread.Channel].Before(earliest) {
			p.next[d.Thread.Channel] = earliest
		}
		p.next[d.Thread.Channel] = p.next[d.Thread.Channel].Add(p.Gap)
	}
	post.Thread, post.Delivery, post.At = d.Thread, d.ID, now
	p.posts = append(p.posts, post)
	return bridge.RemoteID(fmt.Sprintf("r%d", len(p.posts))), nil
}

// Find implements bridge.Sender.
func (p *Platform) Find(ctx context.Context, d bridge.Delivery, _ time.Time) (bridge.RemoteID, bridge.Certainty, error) {
	p.mu.Lock()
	latency, fault, blind := p.Latency, NoFault, p.Blind
	if p.Fault != nil {
		fault = p.Fault("find", d.Thread)
	}
	p.mu.Unlock()
	if fault == Panic {
		panic("a defect of Find")
	}
	if err := travel(ctx, latency); err != nil || fault != NoFault {
		return "", bridge.InDoubt, &bridge.SendError{Scope: bridge.ScopeAdapter, Code: "lost", Err: errLost}
	}
	if blind {
		return "", bridge.InDoubt, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, post := range p.posts {
		if post.Delivery == d.ID {
			return bridge.RemoteID(fmt.Sprintf("r%d", i+1)), bridge.Done, nil
		}
	}
	return "", bridge.NotDone, nil
}

// Pace implements bridge.Pacer.
func (p *Platform) Pace(t bridge.ThreadKey) (place string, gap time.Duration, burst int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return t.Channel, p.Gap, p.Burst
}

// Posts lists what the bridge posted in a thread, in order.
func (p *Platform) Posts(t bridge.ThreadKey) []Post {
	p.mu.Lock()
	defer p.mu.Unlock()
	var posts []Post
	for _, post := range p.posts {
		if post.Thread == t {
			posts = append(posts, post)
		}
	}
	return posts
}

// Shown lists the texts of one kind that the bridge posted in a thread, in order.
func (p *Platform) Shown(t bridge.ThreadKey, kind bridge.MessageKind) []string {
	var texts []string
	for _, post := range p.Posts(t) {
		if post.Kind == kind {
			texts = append(texts, post.Text)
		}
	}
	return texts
}
