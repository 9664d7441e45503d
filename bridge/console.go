package bridge

import (
	"context"
	"errors"
	"time"
)

// Console is what an operator sees and does. It is the same while the bridge runs and on a stopped one's store: what is
// to be done enters as an event, is on disk when the call returns, and is worked at once or after the next start.
type Console interface {
	// Sessions lists threads with an open session, the longest in their state first; all adds those that are over, the
	// newest first.
	Sessions(ctx context.Context, all bool) ([]SessionView, error)
	// Transcript gives what was said, oldest first per thread.
	Transcript(ctx context.Context, span Span, each func(Entry) error) error
	// Trace tells every step of each message that id names: an id of the platform's, an event's, a delivery's.
	// Nothing found is an empty answer. Steps bear no words.
	Trace(ctx context.Context, id string) ([]Trace, error)
	// Dead lists the dead letters, oldest first.
	Dead(ctx context.Context) ([]DeadView, error)
	// Resend sends a dead letter again, as its author could; Drop forgets it. ErrNoLetter: there is none, or no more.
	Resend(ctx context.Context, id DeadID) error
	Drop(ctx context.Context, id DeadID) error
	// End ends the open session of a thread as the customer's own end verb does. ErrNoThread: it has none.
	End(ctx context.Context, t ThreadID) error
	// Erase removes every word, name and file name of a person from the store: the threads that are theirs, and what
	// they wrote in others'. What happened and when stays, without words.
	Erase(ctx context.Context, adapter string, who UserID) (Erased, error)
}

// SessionView is a thread and its session as an operator sees them.
type SessionView struct {
	ID       ThreadID  `json:"id"`
	Thread   ThreadKey `json:"thread"`
	No       int       `json:"no"`
	State    State     `json:"state"`
	Since    time.Time `json:"since"` // when the state was entered
	Customer User      `json:"customer"`
	Direct   bool      `json:"direct,omitempty"`
	Shadow   bool      `json:"shadow,omitempty"` // nothing of it goes out
	EndedBy  EndedBy   `json:"ended_by,omitempty"`
	// Waiting counts events and deliveries under way; Oldest is since when the oldest waits, zero if none does.
	Waiting int       `json:"waiting"`
	Oldest  time.Time `json:"oldest,omitzero"`
}

// Span says whose and which transcript: a thread's or, with "", everybody's; from From on, before To, either of which may be zero.
type Span struct {
	Thread   ThreadID
	From, To time.Time
}

// Entry is one line of a transcript.
type Entry struct {
	At       time.Time  `json:"at"`
	Thread   ThreadKey  `json:"thread"`
	Session  int        `json:"session"`
	Who      string     `json:"who"`            // "customer", "staff", "bystander", "robot", "agent", "centre", "bridge"
	Name     string     `json:"name,omitempty"` // as shown
	Text     string     `json:"text"`
	Files    []string   `json:"files,omitempty"`
	Edited   bool       `json:"edited,omitempty"`
	Deleted  bool       `json:"deleted,omitempty"`
	Outcome  Outcome    `json:"outcome,omitempty"` // of its delivery
	Delivery DeliveryID `json:"delivery,omitempty"`
	Message  RemoteID   `json:"message,omitempty"` // the platform's id
}

// Trace is the way of one message, either direction.
type Trace struct {
	Thread    ThreadKey   `json:"thread"`
	Session   int         `json:"session"`
	Direction Direction   `json:"direction"`
	Steps     []TraceStep `json:"steps"`
}

// TraceStep is one thing that happened to a message.
type TraceStep struct {
	At     time.Time `json:"at"`
	What   string    `json:"what"`             // "written", "stored", "stepped", "waits", "begun", "settled", "dead", …
	ID     string    `json:"id,omitempty"`     // of the event or delivery
	Detail string    `json:"detail,omitempty"` // outcome, tries, the outside's code; nobody's words
}

// DeadID names a dead letter among all: made and parsed by the store.
type DeadID string

// DeadView is a dead letter as an operator sees it.
type DeadView struct {
	ID        DeadID    `json:"id"`
	Thread    ThreadKey `json:"thread"`
	Session   int       `json:"session"`
	Direction Direction `json:"direction"`
	Reason    string    `json:"reason"`
	At        time.Time `json:"at"`
	Texts     []string  `json:"texts,omitempty"` // only where the operator asked for them
	// Resendable: its author's button, or Resend, can still send it.
	Resendable bool `json:"resendable"`
}

// Erased counts what Erase did.
type Erased struct {
	Threads int `json:"threads"` // whose customer they were
	Rows    int `json:"rows"`    // of the queue, the deliveries and the ledger
}

// ErrNoLetter: no such dead letter, or it can be sent no more.
var ErrNoLetter = errors.New("no such dead letter")
