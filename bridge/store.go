package bridge

import (
	"context"
	"errors"
	"time"
)

// ErrConflict: somebody else changed the row first. The caller loads again.
var ErrConflict = errors.New("changed by another worker")

// ErrUnreadable: a row cannot be decoded. Trying again does not help.
var ErrUnreadable = errors.New("unreadable row")

// Store is the durable half of the core; package store implements it. Every method is one transaction, on disk (fsync)
// when it returns nil. After an error nothing of it happened.
type Store interface {
	InboxStore
	WorkStore
	DeliveryStore
	CentreStore
	WatchStore
	ConsoleStore
	// Instance is a random id made with the store: visitors' ids hash it, so that a lost database does not meet the
	// history of its old visitors.
	Instance() string
}

// InboxStore takes events in.
type InboxStore interface {
	// Ingest stores each event in its thread's queue unless its id is in seen or its thread's row is missing and it
	// may not make one. For each it says what became of it, in order. Thread rows are made with state StateNew.
	Ingest(ctx context.Context, events []Incoming) ([]Ingested, error)
	// OpenThreads lists threads of a customer with a state that is neither StateNew nor StateEnded, newest first.
	// channel "" means all.
	OpenThreads(ctx context.Context, adapter, channel string, customer UserID) ([]ThreadKey, error)
}

// Incoming is an event on its way into the store.
type Incoming struct {
	Event Event
	// Opens: the thread's row is made if it is missing. Otherwise a missing row means NoThread.
	Opens bool
	// Dedupe: the id enters seen. Results carry ids of their own and need none.
	Dedupe bool
	// Heard, if not "", is the key (§9.9) under which a downlink is counted for its session: hash of source, media and
	// content. Counted in the same transaction, only if the event is new.
	Heard string
	// FromHistory marks the session as one where history decides how often a text is shown.
	FromHistory bool
	// Session, if not 0, is the session the event belongs to: with another number than the thread's it is NoThread (too late).
	Session int
}

// Ingested is what became of an event.
type Ingested int

// What may become of an event.
const (
	Fresh    Ingested = iota // stored now
	Repeated                 // its id was seen before
	NoThread                 // no row, and it may not make one; or a downlink of a past session
)

func (i Ingested) result() EventResult {
	return [...]EventResult{Fresh: EventStored, Repeated: EventRepeated, NoThread: EventNoThread}[i]
}

// Work is what a worker needs to step a thread.
type Work struct {
	Session Session // Session.Version is what Step compares
	Events  []Queued
	// More: there are more events than were loaded.
	More bool
	// Elsewhere is set if the session is not open.
	Elsewhere
}

// Elsewhere counts the customer's other open threads of the same adapter: those that are shadows apart from the others.
type Elsewhere struct{ OpenElsewhere, ShadowsElsewhere int }

// of counts the threads that are shadows, or that are not.
func (e Elsewhere) of(shadow bool) int {
	if shadow {
		return e.ShadowsElsewhere
	}
	return e.OpenElsewhere
}

// Queued is an event with its place in the queue.
type Queued struct {
	Seq   int64
	Event Event
}

// Step is one transaction of a worker: the session as it is now, the events it consumed, what goes out.
type Step struct {
	Session    Session // saved if the stored version equals Session.Version, which then grows by one; else ErrConflict
	Consumed   []Consumed
	Deliveries []Delivery
	Dead       []DeadLetter
	// Revived are refs of dead letters that are none any more: they go out again.
	Revived []string
	// Settled, if not nil, is a delivery that ended with this step: its result went through Apply already. It is settled
	// in the same transaction; that it was settled before is ErrConflict.
	Settled *Settlement
	// Opens: the step opened a session, for a customer who had OpenElsewhere others of its kind, shadows or not. With
	// another number by now it is ErrConflict: the limit was judged by what is no longer true.
	Opens         bool
	OpenElsewhere int
	// At is the time of the step, for the ledger.
	At time.Time
}

// Consumed is an event that leaves the queue for the ledger.
type Consumed struct {
	Seq  int64
	Body Event
	// Note says what was done with it when that is not plain: "panic", "ignored".
	Note string
}

// DeadLetter is text that could not be delivered.
type DeadLetter struct {
	Ref       string // what ccb:resend carries; "" where there is no button
	Thread    ThreadKey
	Session   int
	Direction Direction
	Texts     []string
	Reason    string // a Code… or the outside's code
	At        time.Time
	// Agents is as in Letter. Causes are as Delivery.Cause, one for each text. Kind and Speaker are those of a
	// message that could not be shown.
	Agents  int
	Causes  []string
	Kind    MessageKind
	Speaker string
	// Shadow: it is kept, but is none to be sent again: nothing of its session went out.
	Shadow bool
}

// Direction of a text.
type Direction string

// The directions.
const (
	Up   Direction = "up"   // customer to centre
	Down Direction = "down" // centre to customer
)

// WorkStore serves the workers that step threads.
type WorkStore interface {
	// Load reads a thread and up to limit events of its queue, oldest first. held: events from the platform (Order not
	// "") are left where they are, because the thread is catching up. An event that cannot be decoded comes as an Event
	// with nothing set; a session that cannot be is ErrUnreadable.
	Load(ctx context.Context, t ThreadID, part, limit int, held bool) (Work, error)
	// Queue reads the events alone, for a worker that remembers the session.
	Queue(ctx context.Context, t ThreadID, part, limit int, held bool) (events []Queued, more bool, err error)
	// Save makes one step.
	Save(ctx context.Context, s Step) error
	// Resequence puts the queued platform events of a thread into platform order, among the places they have.
	Resequence(ctx context.Context, t ThreadID, part int) error
}

// DeliveryStore serves the outbox.
type DeliveryStore interface {
	// Head is the oldest delivery of a thread to a target, or nil.
	Head(ctx context.Context, t ThreadID, part int, to Target) (*Delivery, error)
	// Begin stores the intent: tries must still be d.Tries, and grows by one; deadline is stored. repeat counts one
	// more begin in doubt. Else ErrConflict.
	Begin(ctx context.Context, d Delivery, deadline time.Time, repeat bool) error
	// Postpone notes that nothing was done by the intent that stood (tries compared): deadline goes, not_before is set.
	Postpone(ctx context.Context, d Delivery, notBefore time.Time) error
	// Settle removes the delivery by its id alone, writes the ledger, and queues result as an event if it is not nil.
	// dead, if not nil, is written as a dead letter. Settling what is settled is nil and changes nothing.
	Settle(ctx context.Context, s Settlement) error
}

// Settlement is the end of a delivery.
type Settlement struct {
	Delivery Delivery
	Remote   RemoteID
	Outcome  Outcome
	Detail   string
	At       time.Time
	Result   *Event
	Dead     *DeadLetter
	// Kept, if not nil, is what the ledger keeps of the delivery in its place.
	Kept *Delivery
}

// CentreStore serves polls and looks.
type CentreStore interface {
	// Heard tells how often each key was ingested for a session, and of which any came from history.
	Heard(ctx context.Context, t ThreadID, part, session int) (counts map[string]int, fromHistory map[string]bool, err error)
	// SentTexts tells how often content was settled as delivered in a session: sure, and how many more are possible
	// because an earlier one was repeated in doubt.
	SentTexts(ctx context.Context, t ThreadID, part, session int, content string) (sure, possible int, err error)
	// LastSent is the ContentSum of the newest text settled as delivered in a session, or "".
	LastSent(ctx context.Context, t ThreadID, part, session int) (sum string, err error)
	// LastPost is the newest post settled as delivered in a thread, or "".
	LastPost(ctx context.Context, t ThreadID, part int) (RemoteID, error)
}

// WatchStore serves start, timers, catch-up, metrics and upkeep.
type WatchStore interface {
	// Waiting lists the threads that have queued events, and the deliveries' threads and targets.
	Waiting(ctx context.Context) (events []ThreadRef, deliveries []Lane, err error)
	// DueBy lists threads whose due_at is not after t, the earliest first, at most limit; next is the earliest due_at
	// after those, zero if there is none.
	DueBy(ctx context.Context, t time.Time, limit int) (due []ThreadRef, next time.Time, err error)
	// Live lists the threads whose session is polled, of all adapters.
	Live(ctx context.Context) ([]ThreadRef, error)
	// Open lists the open threads of an adapter with their cursors, the most recently active first.
	Open(ctx context.Context, adapter string) ([]OpenThread, error)
	// Ended lists threads of an adapter that are over and were active at since or later, in the same order, at most limit.
	Ended(ctx context.Context, adapter string, since time.Time, limit int) ([]OpenThread, error)
	// SetUnread notes since when a thread could not be read, so that live events do not move its cursor over what was
	// missed; zero: it was read.
	SetUnread(ctx context.Context, t ThreadID, part int, since time.Time) error
	// Cursor is how far a channel entry was read; zero if never. SetCursor moves it forward only.
	Cursor(ctx context.Context, adapter, channel string) (time.Time, error)
	SetCursor(ctx context.Context, adapter, channel string, at time.Time) error
	// Stats reads what /metrics shows of the store.
	Stats(ctx context.Context) (Stats, error)
	// Prune drops seen ids older than seenBefore and ledger rows older than ledgerBefore, not of open sessions; dead
	// letters with the ledger. It does a bounded amount of work and says whether there is more.
	Prune(ctx context.Context, seenBefore, ledgerBefore time.Time) (more bool, err error)
	// Healthy tries a small durable write.
	Healthy(ctx context.Context) error
}

// ThreadRef names a thread's row.
type ThreadRef struct {
	ID   ThreadID
	Part int
	// Adapter is the configured name.
	Adapter string
	// Key is the whole key.
	Key ThreadKey
}

// Lane is a thread and a target: deliveries in it go out one after the other.
type Lane struct {
	ThreadRef
	To Target
	// NotBefore is when its head may go, or when the deadline of the head's intent ends.
	NotBefore time.Time
}

// OpenThread is a thread that catch-up reads.
type OpenThread struct {
	ThreadRef
	Cursor time.Time // the platform's time of the newest event worked, or since when it is unread; zero if none
	Unread bool      // it could not be read before
}

// Stats are counts of the store's rows.
type Stats struct {
	Queue         int       // events not yet stepped
	OldestEvent   time.Time // when the oldest of them was received
	Deliveries    map[Target]int
	OldestWaiting map[Target]time.Time
	InDoubt       int // deliveries with an intent whose deadline is over
	Sessions      map[State]int
	Dead          map[Direction]int // dead letters kept
}

// ConsoleStore serves the console. What it lists it reads in short pieces, so that nothing waits for a slow reader.
type ConsoleStore interface {
	// Sessions, Session, Find, Transcript, Shadows, Trace and Dead are those of Console.
	Shadows(ctx context.Context, since time.Time, texts bool) ([]ShadowView, error)
	Sessions(ctx context.Context, all bool) ([]SessionView, error)
	Session(ctx context.Context, t ThreadID) (SessionDetail, error)
	Find(ctx context.Context, l Link) ([]ThreadRef, error)
	Transcript(ctx context.Context, span Span, each func(Entry) error) error
	Trace(ctx context.Context, l Link) ([]Trace, error)
	Dead(ctx context.Context, texts bool) ([]DeadView, error)
	// Undead finds a dead letter and does as decide says, in one transaction: it takes the mark from the row, and stores an
	// event if there is one. inSession: its thread's session still has it, for its button. decide may be called twice.
	// ErrNoLetter: no row of that name is marked.
	Undead(ctx context.Context, id DeadID, decide func(d DeadLetter, inSession bool) Undeath) (ThreadKey, error)
	// Theirs lists the threads that are a person's, or hold what they wrote or asked. adapter "" is every adapter.
	Theirs(ctx context.Context, adapter string, who UserID) ([]ThreadRef, error)
	// EraseThread removes a person's words from a thread in one transaction, and changes its version. Is the thread theirs,
	// the session becomes what end says, which may be called twice, nothing that waits is delivered any more but what end
	// adds, and everybody's words go.
	EraseThread(ctx context.Context, t ThreadRef, who UserID, end func(Session) (Session, []Delivery)) (Erased, error)
	// Wipe removes what was erased since the last Wipe from the store's files, also of an earlier process: until then
	// copies may be left in them. It holds up writes while it works.
	Wipe(ctx context.Context) error
}

// Undeath is what becomes of a dead letter.
type Undeath struct {
	Event  *Event // to be queued, or nil
	Unmark bool   // it is no dead letter any more
}
