package bridge

import (
	"slices"
	"time"

	"ccbridge/bridge/mask"
)

// Route says which channels of an adapter are carried, and how. The first that matches wins.
type Route struct {
	Adapter  string
	Channels []string // ids, "dm", or "*" (every channel, direct messages not included)
	Open     Opening
	Speakers Speakers
	Staff    []string // user ids, or "role:ID"
	Reopen   Reopening
	Channel  string // channelId at the centre
	Locale   string
	// MaskCentre is applied to what people write before the centre gets it, MaskLedger to all words before the ledger
	// keeps them (masking.go).
	MaskCentre, MaskLedger mask.Mask
	// Shadow: nothing goes out. Sessions that open under it are shadows until their end (shadow.go).
	Shadow bool
}

// Opening says what opens a session.
type Opening string

// The ways.
const (
	OpenMessage Opening = "message" // every top-level message
	OpenMention Opening = "mention"
	OpenCommand Opening = "command" // only the agent command
)

// Speakers says whose words go to the centre.
type Speakers string

// The choices.
const (
	SpeakersCustomer Speakers = "customer"
	SpeakersEveryone Speakers = "everyone" // others too, with their name before the text
)

// Reopening says what a message after the end does.
type Reopening string

// The choices.
const (
	ReopenAsk    Reopening = "ask"
	ReopenAlways Reopening = "always"
	ReopenNever  Reopening = "never"
)

// Limits are the bridge's bounds, all set by the configuration.
type Limits struct {
	OpenPerCustomer int
	Idle            time.Duration
	CatchUp         time.Duration
	MaxWait         time.Duration
	Dormant         time.Duration
	CallTimeout     time.Duration
	LookGap         time.Duration
	GiveUp          time.Duration
	SilentAfter     time.Duration // a place from which nothing came for so long is read, though the line is up; zero: never
	Ledger          time.Duration // how long transcripts are kept; zero: for ever
	Held            int           // texts that may wait in one session
	Parts           int           // pieces one text may have
	// Late is how long nothing may be accepted before the thread is told; QueueGap how often the centre is asked about
	// a waiting session. Zero: the defaults of a minute and 10 s.
	Late, QueueGap time.Duration
}

// routeFor finds the route of a channel.
func routeFor(routes []Route, adapter, channel string, direct bool) (Route, bool) {
	for _, r := range routes {
		if r.Adapter != adapter {
			continue
		}
		if direct && slices.Contains(r.Channels, "dm") || slices.Contains(r.Channels, channel) || !direct && slices.Contains(r.Channels, "*") {
			return r, true
		}
	}
	return Route{}, false
}

// staff reports whether the person may use verbs in others' threads.
func (r Route) staff(u User) bool {
	if slices.Contains(r.Staff, string(u.ID)) {
		return true
	}
	return slices.ContainsFunc(u.Roles, func(role string) bool { return slices.Contains(r.Staff, "role:"+role) })
}
