package bridge

import "time"

// Meter counts what happens. Its methods must not block; any goroutine may call them.
type Meter interface {
	DeliveryMeter
	SessionMeter
	LineMeter
}

// DeliveryMeter counts calls and what became of them.
type DeliveryMeter interface {
	Delivered(to Target, result string)
	Repeated() // a call was repeated in doubt
	DeadLetter(Direction)
	PossibleLoss()
	CallTook(to, call string, took time.Duration)
	Limited(adapter string, wait time.Duration)
	Looked(to string, found Certainty) // an outside was asked whether a call was done
	PollFailed()
	Defect() // a panic cost an event or a round of work
}

// SessionMeter counts sessions.
type SessionMeter interface {
	Opened(adapter string)
	Ended(adapter string, by EndedBy)
	Transferred(result TransferResult)
	AgentCame(after time.Duration) // since the session began to wait
}

// TransferResult is what came of the wish for an agent.
type TransferResult string

// The results.
const (
	TransferQueued  TransferResult = "queued"  // it waits
	TransferAgent   TransferResult = "agent"   // an agent was there at once
	TransferRefused TransferResult = "refused" // out of hours, nobody there, given up
)

// TransferResults lists them, for metrics.
var TransferResults = []TransferResult{TransferQueued, TransferAgent, TransferRefused}

// LineMeter counts what the adapters' lines bring.
type LineMeter interface {
	Event(adapter string, result EventResult)
	Reconnected(adapter string)
	Gap(adapter string)      // events may have been missed; a catch-up follows
	CaughtUp(adapter string) // an event came by a catch-up only
	Missed(adapter string)   // the same while the line was up: it had not brought it
}

// EventResult is what became of an event.
type EventResult string

// The results.
const (
	EventStored   EventResult = "stored"
	EventRepeated EventResult = "repeated"  // known already
	EventNoThread EventResult = "no-thread" // nothing of ours: no route, no conversation
	EventRefused  EventResult = "refused"   // the store failed; not acknowledged
)

// EventResults lists them, for metrics.
var EventResults = []EventResult{EventStored, EventRepeated, EventNoThread, EventRefused}
