package bridgetest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"ccbridge/bridge"
	"ccbridge/ccm"
)

// The names of calls that are not sent with a control type.
const (
	CallPoll    = "poll"
	CallHistory = "history"
	CallQueue   = "queue"
)

// Centre is a contact centre in memory: sessions, a robot that answers each text, a queue, an agent whom the test plays,
// and a history. Its settings may be changed while it works, by Change.
type Centre struct {
	// Latency is how long a call takes, PollWait how long a poll without an answer lasts.
	Latency, PollWait time.Duration
	// Fault deals a fault to a call (a control type, or one of the Call… constants); nil: none.
	Fault func(call string, v ccm.Visitor) Fault
	// Refuse answers a call with a refusal; nil, or its nil: none.
	Refuse func(call string, v ccm.Visitor) *ccm.Error
	// Answer is what the robot says to a text; nil: "re: " and the text.
	Answer func(text string) []string
	// HistoryLag is how long after it was said a text shows in the history.
	HistoryLag time.Duration
	// WithoutIDs: history shows no messageId, and downlinks have no messageCode.
	WithoutIDs bool
	// CodelessHistory: downlinks have a messageCode, their records in the history have not.
	CodelessHistory bool

	mu         sync.Mutex
	sessions   map[string]*centreSession
	order      []*centreSession
	codes      int
	violations []string
}

type centreSession struct {
	visitor  ccm.Visitor
	state    ccm.QueueState
	records  []ccm.Record
	said     []Said
	pending  []ccm.Downlink
	wake     chan struct{} // closed when something is pending
	sending  int
	polling  int
	sentIDs  map[string]int
	connects int
}

// Said is a call that a session at the centre received.
type Said struct {
	Control ccm.ControlType
	Text    string
	At      time.Time
}

// NewCentre makes a centre that works well.
func NewCentre() *Centre {
	return &Centre{Latency: 20 * time.Millisecond, PollWait: 30 * time.Second, sessions: map[string]*centreSession{}}
}

var _ bridge.Centre = (*Centre)(nil)

// Change changes settings while the centre is at work.
func (c *Centre) Change(set func(*Centre)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	set(c)
}

// Violations lists what the bridge may never do.
func (c *Centre) Violations() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.violations)
}

func (c *Centre) violation(format string, args ...any) {
	c.violations = append(c.violations, fmt.Sprintf(format, args...))
}

// Refusal is a clear no of the centre.
func Refusal(call, code, desc string) *ccm.Error {
	return &ccm.Error{Op: "send " + call, Status: 200, Code: code, Desc: desc, Certainty: ccm.NotDone, Refused: true}
}

// Throttle is the centre's wish for fewer calls.
func Throttle(call string, wait time.Duration) *ccm.Error {
	return &ccm.Error{Op: "send " + call, Status: 429, Certainty: ccm.NotDone, Scope: ccm.ScopeCentre, RetryAfter: wait}
}

// call plays the fault that a call gets. do runs under the lock, unless the fault spares it.
func (c *Centre) call(ctx context.Context, call string, v ccm.Visitor, do func(*centreSession) error) error {
	c.mu.Lock()
	latency, fault := c.Latency, NoFault
	if c.Fault != nil {
		fault = c.Fault(call, v)
	}
	c.mu.Unlock()
	lost := &ccm.Error{Op: "send " + call, Err: errLost}
	switch fault {
	case Panic:
		panic("a defect of the centre's client")
	case Unreached:
		return &ccm.Error{Op: "send " + call, Certainty: ccm.NotDone, Scope: ccm.ScopeCentre, Err: errLost}
	}
	if err := travel(ctx, latency); err != nil {
		return &ccm.Error{Op: "send " + call, Err: err}
	}
	var err error
	if fault.done() {
		err = c.locked(call, v, do)
	}
	switch fault {
	case LostBefore, LostAfter:
		return lost
	case Hang, HangAfter:
		<-ctx.Done()
		return &ccm.Error{Op: "send " + call, Err: ctx.Err()}
	}
	return err
}

func (c *Centre) locked(call string, v ccm.Visitor, do func(*centreSession) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.Refuse != nil {
		if e := c.Refuse(call, v); e != nil {
			return e
		}
	}
	return do(c.sessions[v.UserID])
}

// Send implements bridge.Centre.
func (c *Centre) Send(ctx context.Context, v ccm.Visitor, r ccm.SendRequest) error {
	c.underway(v, 1)
	defer c.underway(v, -1)
	return c.call(ctx, string(r.Control), v, func(s *centreSession) error { return c.take(s, v, r) })
}

func (c *Centre) underway(v ccm.Visitor, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.sessions[v.UserID]; s != nil {
		if s.sending += n; s.sending > 1 {
			c.violation("two calls at once for %s", v.UserName)
		}
	}
}

func (c *Centre) take(s *centreSession, v ccm.Visitor, r ccm.SendRequest) error {
	if r.Control == ccm.Connect && s == nil {
		s = &centreSession{visitor: v, state: ccm.WithRobot, wake: make(chan struct{}), sentIDs: map[string]int{}, sending: 1}
		c.sessions[v.UserID] = s
		c.order = append(c.order, s)
	}
	if s == nil || s.state == ccm.Over {
		return Refusal(string(r.Control), "13", "session keep touch failed")
	}
	s.sentIDs[r.MessageID]++
	s.said = append(s.said, Said{r.Control, r.Content, time.Now()})
	switch r.Control {
	case ccm.Connect:
		if s.connects++; s.connects > 1 {
			return nil
		}
	case ccm.Chat:
		id := r.MessageID
		if c.WithoutIDs {
			id = ""
		}
		s.records = append(s.records, ccm.Record{Source: "USER", Control: ccm.Chat, Media: "TEXT", Content: r.Content, MessageID: id, At: time.Now()})
		if s.state == ccm.WithRobot {
			c.robot(s, r.Content)
		}
	case ccm.TransferToAgent:
		if s.state == ccm.Queuing {
			c.violation("%s stands in the queue twice", v.UserName)
		}
		if s.state == ccm.WithAgent {
			return Refusal(string(r.Control), "13", "it has been agent service")
		}
		s.state = ccm.Queuing
	case ccm.Disconnect:
		s.state = ccm.Over
	}
	return nil
}

func (c *Centre) robot(s *centreSession, text string) {
	answers := []string{"re: " + text}
	if c.Answer != nil {
		answers = c.Answer(text)
	}
	for _, a := range answers {
		c.say(s, ccm.Downlink{Control: ccm.Chat, Source: "ROBOT", Media: "TEXT", Content: a, Nickname: "Robo"})
	}
}

// say puts a message on its way to the visitor.
func (c *Centre) say(s *centreSession, d ccm.Downlink) {
	if !c.WithoutIDs {
		c.codes++
		d.MessageCode = fmt.Sprintf("code-%d", c.codes)
	}
	d.Timestamp = time.Now()
	s.pending = append(s.pending, d)
	if d.Control == ccm.Chat {
		s.records = append(s.records, ccm.Record{Source: d.Source, Control: d.Control, Media: d.Media, Content: d.Content,
			Nickname: d.Nickname, MessageCode: d.MessageCode, At: d.Timestamp})
	}
	close(s.wake)
	s.wake = make(chan struct{})
}

// Poll implements bridge.Centre.
func (c *Centre) Poll(ctx context.Context, v ccm.Visitor) (downs []ccm.Downlink, err error) {
	c.mu.Lock()
	patience := c.PollWait
	c.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, patience+10*time.Second) // as the client does
	defer cancel()
	wait := c.pollBegins(v)
	defer c.pollEnds(v)
	if wait != nil {
		timer := time.NewTimer(patience)
		defer timer.Stop()
		select {
		case <-wait:
		case <-timer.C:
		case <-ctx.Done():
			return nil, &ccm.Error{Op: CallPoll, Err: ctx.Err()}
		}
	}
	err = c.call(ctx, CallPoll, v, func(s *centreSession) error {
		if s == nil {
			return nil
		}
		downs, s.pending = s.pending, nil
		return nil
	})
	if err != nil {
		return nil, err
	}
	return downs, nil
}

// pollBegins gives a channel that is closed when there is something to tell; nil if there is already.
func (c *Centre) pollBegins(v ccm.Visitor) <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.sessions[v.UserID]
	if s == nil {
		return make(chan struct{})
	}
	if s.polling++; s.polling > 1 {
		c.violation("two polls at once for %s", v.UserName)
	}
	if len(s.pending) > 0 {
		return nil
	}
	return s.wake
}

func (c *Centre) pollEnds(v ccm.Visitor) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.sessions[v.UserID]; s != nil && s.polling > 0 {
		s.polling--
	}
}

// History implements bridge.Centre.
func (c *Centre) History(ctx context.Context, v ccm.Visitor) (records []ccm.Record, err error) {
	err = c.call(ctx, CallHistory, v, func(s *centreSession) error {
		if s == nil {
			return nil
		}
		for _, r := range s.records {
			if time.Since(r.At) >= c.HistoryLag {
				if c.CodelessHistory {
					r.MessageCode = ""
				}
				records = append(records, r)
			}
		}
		return nil
	})
	return records, err
}

// QueueInfo implements bridge.Centre.
func (c *Centre) QueueInfo(ctx context.Context, v ccm.Visitor) (info ccm.QueueInfo, err error) {
	err = c.call(ctx, CallQueue, v, func(s *centreSession) error {
		info.Code = "160004"
		if s != nil {
			info.Code = map[ccm.QueueState]string{ccm.Queuing: "0", ccm.WithAgent: "160021", ccm.WithRobot: "160022", ccm.Over: "5"}[s.state]
		}
		return nil
	})
	return info, err
}

// Forget implements bridge.Centre.
func (c *Centre) Forget(ccm.Visitor) {}

// live is the newest session of a person, by name.
func (c *Centre) live(name string) *centreSession {
	for _, s := range slices.Backward(c.order) {
		if s.visitor.UserName == name {
			return s
		}
	}
	return &centreSession{wake: make(chan struct{})} // none: the words go nowhere
}

// AgentSays has the agent say something to a person; the session is the agent's from then on.
func (c *Centre) AgentSays(name, text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.live(name)
	s.state = ccm.WithAgent
	c.say(s, ccm.Downlink{Control: ccm.Chat, Source: "AGENT", Media: "TEXT", Content: text, Nickname: "Grace"})
}

// AgentEnds ends a person's session; asleep: the centre lets the person go on writing (isOfflineStatus).
func (c *Centre) AgentEnds(name string, asleep bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.live(name)
	if !asleep {
		s.state = ccm.Over
	}
	c.say(s, ccm.Downlink{Control: ccm.Disconnect, Source: "AGENT", Offline: asleep})
}

// Lose has the centre forget a person's session without a word.
func (c *Centre) Lose(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.live(name).state = ccm.Over
}

// Said lists what a person's sessions received, in order.
func (c *Centre) Said(name string) []Said {
	c.mu.Lock()
	defer c.mu.Unlock()
	var said []Said
	for _, s := range c.order {
		if s.visitor.UserName == name {
			said = append(said, s.said...)
		}
	}
	return said
}

// Texts lists the texts that a person's sessions received, in order.
func (c *Centre) Texts(name string) []string {
	var texts []string
	for _, s := range c.Said(name) {
		if s.Control == ccm.Chat {
			texts = append(texts, s.Text)
		}
	}
	return texts
}

// Calls counts the calls of one kind that a person's sessions received.
func (c *Centre) Calls(name string, control ccm.ControlType) (n int) {
	for _, s := range c.Said(name) {
		if s.Control == control {
			n++
		}
	}
	return n
}
