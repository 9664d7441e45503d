package bridge

import (
	"context"
	"errors"
	"time"
)

// Console is what an operator sees and does. It is the same while the bridge runs and on a stopped one's store: what is
// to be done enters as an event, is on disk when the call returns, and is worked at once or after the next start.
// Everything may be done twice. Bridge.Console and Offline make one; cmd/ccbridge/console brings it over a socket.
type Console interface {
	// Sessions lists threads with an open session, the longest in their state first; all adds those that are over, the
	// newest first, at most MaxEnded of them.
	Sessions(ctx context.Context, all bool) ([]SessionView, error)
	// Session tells more of one thread. ErrNoThread: there is none.
	Session(ctx context.Context, t ThreadID) (SessionDetail, error)
	// Find lists the threads that a link leads to: its own thread, or those that hold the message. Nothing found is an
	// empty answer.
	Find(ctx context.Context, l Link) ([]ThreadRef, error)
	// Transcript gives what was said, oldest first per thread, one thread after the other. An error of each ends it.
	Transcript(ctx context.Context, span Span, each func(Entry) error) error
	// Shadows tells what would have been done in threads whose sessions were shadows, since then; texts adds the words.
	Shadows(ctx context.Context, since time.Time, texts bool) ([]ShadowView, error)
	// Trace tells every step of each message that a link or an id names. Nothing found is an empty answer. Steps bear no
	// words. An id without a channel may take seconds in a large store.
	Trace(ctx context.Context, l Link) ([]Trace, error)
	// Dead lists the dead letters, oldest first; texts adds what they say.
	Dead(ctx context.Context, texts bool) ([]DeadView, error)
	// Resend sends a dead letter again, as its author could; one that cannot be sent now becomes a dead letter once more.
	// Drop forgets it. ErrNoLetter: there is none, or no more.
	Resend(ctx context.Context, id DeadID) error
	Drop(ctx context.Context, id DeadID) error
	// End ends the open session of a thread as the customer's own end verb does. ErrNoThread: it has none.
	End(ctx context.Context, t ThreadID) error
	// Erase removes every word, name and file name of a person from the store: the threads that are theirs, and what
	// they wrote in others'. Their open sessions end. What happened and when stays, without words. adapter "" is every
	// adapter. It may take long in a large store. Cut short, it is to be called again.
	Erase(ctx context.Context, adapter string, who UserID) (Erased, error)
}

// Link names a message or a thread as a platform's permalink does, or by an id alone. Adapters parse theirs.
type Link struct {
	Space   string `json:"space,omitempty"`   // Discord guild; "" where the link does not tell
	Channel string `json:"channel,omitempty"` // the channel, or the Discord thread; "": not known
	Root    string `json:"root,omitempty"`    // Slack: ts of the thread's root, where the link tells it
	// ID is a message of the platform's; without a channel also an event, a delivery, or a messageCode of the centre's.
	ID string `json:"id,omitempty"`
}

// MaxEnded is how many threads without an open session Console.Sessions lists at most.
const MaxEnded = 1000

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

// SessionDetail is a SessionView with what waits in it, without anybody's words.
type SessionDetail struct {
	SessionView
	Visitor  string                  `json:"visitor,omitempty"` // userId at the centre
	Events   int                     `json:"events"`            // not yet worked
	Held     int                     `json:"held"`              // texts and wishes that wait for their turn
	Asked    int                     `json:"asked"`             // texts that wait for the customer's word
	Letters  int                     `json:"letters"`           // dead letters that can be sent again from the thread
	Timers   map[TimerKind]time.Time `json:"timers,omitempty"`
	Outgoing []Outgoing              `json:"outgoing,omitempty"` // in their order
}

// Outgoing is a delivery that is not settled.
type Outgoing struct {
	ID        DeliveryID `json:"id"`
	To        Target     `json:"to"`
	Kind      string     `json:"kind"` // of the call or the message
	Made      time.Time  `json:"made"`
	Tries     int        `json:"tries"`
	Repeats   int        `json:"repeats,omitempty"`
	Deadline  time.Time  `json:"deadline,omitzero"`   // of the call that is under way, or in doubt
	NotBefore time.Time  `json:"not_before,omitzero"` // it rests until then
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
	Who      string     `json:"who"`            // "customer", "other" (somebody else in the thread), "robot", "agent", "centre", "bridge", "operator"
	Name     string     `json:"name,omitempty"` // as shown
	Verb     VerbKind   `json:"verb,omitempty"` // what was asked of the bridge, instead of a text
	Text     string     `json:"text"`
	Files    []string   `json:"files,omitempty"`
	Edited   bool       `json:"edited,omitempty"`
	Deleted  bool       `json:"deleted,omitempty"`
	Outcome  Outcome    `json:"outcome,omitempty"` // of its delivery
	Delivery DeliveryID `json:"delivery,omitempty"`
	Message  RemoteID   `json:"message,omitempty"` // the platform's id
}

// ShadowView counts what would have been done in a thread, were its sessions no shadows.
type ShadowView struct {
	Thread ThreadKey           `json:"thread"`
	Calls  map[CallKind]int    `json:"calls"` // to the centre
	Posts  map[MessageKind]int `json:"posts"` // to the thread and, "answer", to whoever asked
	// Refused counts texts that would have been refused: too long, too many.
	Refused int          `json:"refused"`
	Lines   []ShadowLine `json:"lines,omitempty"` // in their order, as the ledger keeps them
}

// Made counts the calls and posts.
func (v ShadowView) Made() (n int) {
	for _, calls := range v.Calls {
		n += calls
	}
	for _, posts := range v.Posts {
		n += posts
	}
	return n
}

// ShadowLine is a text that would have gone out.
type ShadowLine struct {
	At      time.Time `json:"at"`
	Session int       `json:"session"`
	Kind    string    `json:"kind"` // of the call or the message
	Text    string    `json:"text"`
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
}

// Erased counts what Erase did.
type Erased struct {
	Threads int `json:"threads"` // whose customer they were
	Ended   int `json:"ended"`   // sessions that were open
	Waiting int `json:"waiting"` // texts and posts that were still to be delivered, and now are not
	Rows    int `json:"rows"`    // of the queue, the deliveries and the ledger
}

// ErrNoLetter: no such dead letter, or it can be sent no more.
var ErrNoLetter = errors.New("no such dead letter")
