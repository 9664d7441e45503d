package bridge

import (
	"context"
	"time"
)

// Adapter is one configured platform.
type Adapter interface {
	Receiver
	Sender
}

// Receiver brings in what people write. It acknowledges to its platform only after Put returned nil.
type Receiver interface {
	// Run keeps the platform's line up until ctx ends, then returns nil. An error means that the adapter can never work
	// as configured (bad token, forbidden intent); the others go on. It must tell in.Report about its line, and report
	// Up with Gap set before it puts the first event after a gap.
	Run(ctx context.Context, in Inbox) error
	// CatchUpThread puts what was written in t after since, oldest first, in as few Puts as possible. Messages at or
	// before since must not be put. Duplicates of live events are welcome: they have the same id.
	// No right to read the history is an error, not an empty answer.
	CatchUpThread(ctx context.Context, t ThreadKey, since time.Time, in Inbox) error
	// CatchUpChannel puts threads begun and mentions made in channel after since; what else was written in its threads
	// may come along. channel is an entry of a route: an id, "dm" or "*". A new root and all its replies go into one Put.
	CatchUpChannel(ctx context.Context, channel string, since time.Time, in Inbox) error
}

// Sender posts to the platform. The core calls it from several goroutines, never twice at once for one delivery.
type Sender interface {
	// Render is pure: no clock, no network. Each Post becomes one delivery. Nothing to show gives nil.
	Render(m Message) []Post
	// Send makes the call and fails with *SendError. It never retries and never waits for a limit: it says how long to wait.
	Send(ctx context.Context, d Delivery) (RemoteID, error)
	// Find looks whether a delivery in doubt was done. With an error the certainty is InDoubt. Absent is NotDone only
	// if the answer was complete; the core asks twice. after is when d was first begun.
	Find(ctx context.Context, d Delivery, after time.Time) (RemoteID, Certainty, error)
}

// Pacer is an optional ability: the platform limits how fast one place may be posted to.
type Pacer interface {
	// Pace names the place that shares a limit with t, and its least gap between posts with how many may go at once.
	// A zero gap means no limit.
	Pace(t ThreadKey) (place string, gap time.Duration, burst int)
}

// Inbox is what a Receiver sees of the core.
type Inbox interface {
	// Put stores events. nil: all of them that a route accepts are on disk, now or before. Any error: nothing may be
	// acknowledged; ErrNoThread: whoever asked is to be told so. It blocks for one commit; any goroutine may call it.
	Put(ctx context.Context, evs ...Event) error
	// OpenThreads lists the threads in channel ("" = all channels) of adapter whose session is not ended and whose
	// customer is who, the newest first.
	OpenThreads(ctx context.Context, adapter, channel string, who UserID) ([]ThreadKey, error)
	// Report tells the state of the adapter's line. It never blocks.
	Report(adapter string, l Line)
}

// Line is the state of an adapter's connection to its platform.
type Line struct {
	State LineState
	// Gap, with LineUp: events may have been missed since the line was last up; the core catches up.
	Gap bool
	// Detail is for the operator: no secret, nobody's words.
	Detail string
	// Reconnect counts one more connection made after the first.
	Reconnect bool
}

// LineState is up, down or failed.
type LineState string

// The states of a line.
const (
	LineUp     LineState = "up"
	LineDown   LineState = "down"   // trying again by itself
	LineFailed LineState = "failed" // needs the operator: bad token, switched off
)
