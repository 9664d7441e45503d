package bridge

import (
	"errors"
	"fmt"
	"time"
)

// Certainty says whether a call was done.
type Certainty int

// The certainties. The zero value is the careful one.
const (
	InDoubt Certainty = iota
	NotDone
	Done
)

func (c Certainty) String() string {
	switch c {
	case NotDone:
		return "not done"
	case Done:
		return "done"
	}
	return "in doubt"
}

// Scope says what a failure concerns, and so what to pause.
type Scope int

// The scopes.
const (
	ScopeDelivery Scope = iota // this delivery alone: refused for what it is
	ScopeThread                // the thread is gone or closed to us
	ScopeChannel               // the channel's limit
	ScopeAdapter               // the whole platform: limit, outage, bad token
	ScopeCentre                // the whole centre
)

func (s Scope) String() string {
	return [...]string{"delivery", "thread", "channel", "adapter", "centre"}[s]
}

// SendError is how a call fails, at a platform or at the centre.
type SendError struct {
	Certainty Certainty
	Scope     Scope
	// RetryAfter is how long the outside asked to wait; zero if it did not.
	RetryAfter time.Duration
	// Final: repeating is of no use. With ScopeThread the thread is gone, with ScopeDelivery the post is refused for
	// what it is, with ScopeAdapter the credentials are no good: the adapter is paused until the operator acts.
	Final bool
	// Code is the outside's own code: never a person's text.
	Code string
	Err  error
}

func (e *SendError) Error() string {
	what := e.Code
	switch {
	case e.Err != nil && what != "":
		what = fmt.Sprintf("%s: %v", e.Code, e.Err)
	case e.Err != nil:
		what = e.Err.Error()
	}
	return fmt.Sprintf("%s (%s, scope %s)", what, e.Certainty, e.Scope)
}

func (e *SendError) Unwrap() error { return e.Err }

// sendError takes err as a *SendError; anything else is in doubt and concerns its delivery.
func sendError(err error) *SendError {
	var se *SendError
	if errors.As(err, &se) {
		return se
	}
	return &SendError{Certainty: InDoubt, Scope: ScopeDelivery, Code: "unclassified", Err: err}
}
