package bridge

import (
	"cmp"
	"time"

	"ccbridge/ccm"
)

// State of a session. The diagram is in DESIGN.md.
type State string

// The states, how each is entered and left.
const (
	StateNew          State = ""             // thread row made; left by the first accepted message or verb
	StateOpening      State = "opening"      // CONNECT on its way, text held; left by its result
	StateRobot        State = "robot"        // CONNECT ok, or a transfer refused; left by the agent verb, an agent's message, queueFlag, end, loss
	StateTransferring State = "transferring" // TRANS2AGENT on its way, text held; left by its result or the centre's end
	StateQueued       State = "queued"       // TRANS2AGENT ok or queueFlag Y: waiting; left by the agent's first word, the queue query, end, loss
	StateAgent        State = "agent"        // an agent is there; left by either side's end, loss
	StateDormant      State = "dormant"      // the centre's DISCONNECT with isOfflineStatus true; left by a message either way, age, end
	StateEnding       State = "ending"       // DISCONNECT on its way, text held; left by its result, the centre's own end, or a bound
	StateEnded        State = "ended"        // over; an accepted new message makes session number + 1
)

// States lists every state, for tests and metrics.
var States = []State{StateNew, StateOpening, StateRobot, StateTransferring, StateQueued, StateAgent, StateDormant, StateEnding, StateEnded}

// Open reports whether the thread has a session that is not over.
func (s State) Open() bool { return s != StateNew && s != StateEnded }

// Polled reports whether the centre is asked for downlinks in this state.
func (s State) Polled() bool {
	switch s {
	case StateRobot, StateTransferring, StateQueued, StateAgent, StateDormant, StateEnding:
		return true
	}
	return false
}

// TimerKind names one of a session's timers.
type TimerKind string

// The timers.
const (
	TimerIdle    TimerKind = "idle"     // no word either way: warn
	TimerIdleEnd TimerKind = "idle-end" // still none: end
	TimerMaxWait TimerKind = "max-wait" // too long in the queue: say so
	TimerDormant TimerKind = "dormant"  // asleep for too long: end
	TimerEnding  TimerKind = "ending"   // DISCONNECT did not come through: stop
	TimerLate    TimerKind = "late"     // nothing accepted for a minute: tell the thread once
	TimerQueue   TimerKind = "queue"    // ask whether an agent is there
	TimerForget  TimerKind = "forget"   // ended for as long as transcripts are kept: forget what was written
)

// Timers lists every timer.
var Timers = []TimerKind{TimerIdle, TimerIdleEnd, TimerMaxWait, TimerDormant, TimerEnding, TimerLate, TimerQueue, TimerForget}

// Session is all that is kept of a thread. It is stored as one JSON value.
type Session struct {
	Thread   ThreadKey `json:"thread"`
	No       int       `json:"no"` // of the session at the centre, from 1; 0 before the first
	State    State     `json:"state"`
	Since    time.Time `json:"since,omitzero"`    // when the state was entered
	Customer User      `json:"customer,omitzero"` // whose thread it is
	Direct   bool      `json:"direct,omitempty"`  // a direct-message channel

	Visitor ccm.Visitor `json:"visitor,omitzero"`

	// Shadow: nothing of it goes out. Fixed from CONNECT to the end; else as the route says (shadow.go).
	Shadow bool `json:"shadow,omitempty"`

	// Version is the stored row's; Save compares it.
	Version int64 `json:"-"`
	// Cursor is the platform's time of the newest event worked. First is the order of the event that began the first
	// session: what was written in the thread before it is not the bridge's business.
	Cursor time.Time `json:"cursor,omitzero"`
	First  string    `json:"first,omitempty"`
	// Made counts deliveries; their ids hash it.
	Made int64 `json:"made"`

	// Undone is the one call to the centre that is not settled.
	Undone *Undone `json:"undone,omitempty"`
	// Held waits for Undone, in order.
	Held []Held `json:"held,omitempty"`
	// Asked is text that waits for the customer's word.
	Asked *Asked `json:"asked,omitempty"`
	// Letters can be sent again by ccb:resend; the oldest go first when there are too many.
	Letters []Letter `json:"letters,omitempty"`
	// Sent are the newest texts the centre accepted in this session: what an edit or a deletion may be about.
	Sent []Sent `json:"sent,omitempty"`

	// Timers that run.
	Timers map[TimerKind]time.Time `json:"timers,omitempty"`

	EndedAt  time.Time `json:"ended_at,omitzero"`
	EndedBy  EndedBy   `json:"ended_by,omitempty"`
	Former   State     `json:"former,omitempty"`  // before dormant
	Refused  time.Time `json:"refused,omitzero"`  // when the last transfer was refused
	Shown    []string  `json:"shown,omitempty"`   // hashes of SYSTEM texts shown in this session
	Accepted time.Time `json:"accepted,omitzero"` // when the centre last took something
	LateTold bool      `json:"late,omitempty"`    // the thread knows that the centre does not answer; until nothing waits
	FileTold bool      `json:"file,omitempty"`    // the agent knows that files do not arrive
	AgentIn  bool      `json:"agent,omitempty"`   // an agent wrote in this session
	Lost     bool      `json:"lost,omitempty"`    // the platform's thread is gone: nothing can be shown
}

// EndedBy says who ended a session.
type EndedBy string

// Who may end one.
const (
	EndedByCustomer EndedBy = "customer"
	EndedByCentre   EndedBy = "centre"
	EndedByLoss     EndedBy = "lost" // the centre forgot it
	EndedByIdle     EndedBy = "idle"
	EndedByRefusal  EndedBy = "refused" // CONNECT did not come through
	EndedByGone     EndedBy = "gone"    // the thread was deleted
)

// EndedBys lists them, for metrics.
var EndedBys = []EndedBy{EndedByCustomer, EndedByCentre, EndedByLoss, EndedByIdle, EndedByRefusal, EndedByGone}

// Undone is a call to the centre on its way.
type Undone struct {
	ID   DeliveryID `json:"id"`
	Kind CallKind   `json:"kind"`
	// What is what the call carries, also while a queue query asks why it was refused: the text of a CHAT, the wish of
	// a TRANS2AGENT. It is replaced, never changed in place.
	What    *Held   `json:"what,omitempty"`
	EndedBy EndedBy `json:"ended_by,omitempty"` // of a DISCONNECT
}

// HeldKind is what waits.
type HeldKind string

// The kinds.
const (
	HeldText     HeldKind = "text"
	HeldTransfer HeldKind = "transfer" // the wish for an agent
	HeldEnd      HeldKind = "end"      // the wish, or the reason, to end the session
)

// Held is one thing that waits for its turn at the centre.
type Held struct {
	Kind HeldKind `json:"kind"`
	Text string   `json:"text,omitempty"` // at most ccm.MaxContent bytes
	// Message is the platform's message it came from; "" for a letter sent again and for lines of the bridge's own.
	Message RemoteID `json:"message,omitempty"`
	// At is the platform's time, Received ours.
	At       time.Time `json:"at"`
	Received time.Time `json:"received"`
	EndedBy  EndedBy   `json:"ended_by,omitempty"` // of HeldEnd
	// Hash is of the whole text this is a piece of; "" for what is no piece of the message's text (the line for a file).
	Hash string `json:"hash,omitempty"`
	// Own: a line of the bridge's own, of no use beyond its session.
	Own bool `json:"own,omitempty"`
	// Deleted: its writer took it back while it was on its way.
	Deleted bool `json:"deleted,omitempty"`
	// From is as Delivery.Cause, where Message is "".
	From string `json:"from,omitempty"`
	// Along: it waited when its session ended by itself, so it goes into the next one (design §3).
	Along bool `json:"along,omitempty"`
	// Refusals counts how often a session refused it or ended over it; see maxRefusals.
	Refusals int `json:"refusals,omitempty"`
}

// cause is the Delivery.Cause of what carries it.
func (h Held) cause() string { return cmp.Or(string(h.Message), h.From) }

// Asked is text that goes nowhere until the customer says so.
type Asked struct {
	Ref   string   `json:"ref"`
	Verb  VerbKind `json:"verb"` // VerbAgain or VerbRobot
	Texts []Held   `json:"texts,omitempty"`
}

// Letter is a dead letter that its author may send again.
type Letter struct {
	Ref   string   `json:"ref"`
	Texts []string `json:"texts"`
	// Agents is how many of the texts, at their end, were meant for an agent: sent again, the wish for one comes before them.
	Agents int `json:"agents,omitempty"`
	// Causes are as Delivery.Cause, one for each text.
	Causes []string `json:"causes,omitempty"`
}

// Sent is a text the centre accepted.
type Sent struct {
	Message RemoteID `json:"message"`
	Head    string   `json:"head"` // its first characters, for a retraction line
	Hash    string   `json:"hash"`
}

// Due is the earliest of the timers, zero if none runs.
func (s Session) Due() time.Time {
	var due time.Time
	for _, t := range s.Timers {
		if due.IsZero() || t.Before(due) {
			due = t
		}
	}
	return due
}
