package bridge

import (
	"context"
	"slices"
)

// Finding is one thing that was looked at, and what it means.
type Finding struct {
	// Check names what was looked at, the same whatever was found: "slack.token", "discord.permission.send".
	Check string `json:"check"`
	// Subject is which of several it was: the id of a channel, a guild or a person, a scope, a permission; "" if there is one.
	Subject string `json:"subject,omitempty"`
	// Part is the adapter's configured name, "centre", "store", "server", "machine" or "configuration".
	Part  string       `json:"part"`
	Level FindingLevel `json:"level"`
	// Found is what is the case, in one plain sentence without secrets and without anybody's words.
	Found string `json:"found"`
	// Means is what follows for customers, and Fix exactly what to do; both "" when all is well.
	Means string `json:"means,omitempty"`
	Fix   string `json:"fix,omitempty"`
}

// FindingLevel is how bad it is.
type FindingLevel string

// The levels.
const (
	FindingOK      FindingLevel = "ok"
	FindingWarning FindingLevel = "warning" // works, but not everything or not for long
	FindingFault   FindingLevel = "fault"   // customers are not served
)

// Examiner is an optional ability of an adapter: it looks at its platform from outside, without changing anything.
type Examiner interface {
	// Examine looks at everything that routes, all of them of this adapter, need. quick leaves out what takes more than a
	// few calls. It opens no line that would take events from a running bridge. An outside that cannot be reached is one
	// finding; apart from that, what fails hides nothing else. Each call has a deadline of its own, and ctx ends it early.
	Examine(ctx context.Context, routes []Route, quick bool) []Finding
}

// Findings gathers what is found in one part.
type Findings struct {
	Part string
	List []Finding
}

// Add keeps a finding, as one of this part.
func (f *Findings) Add(one Finding) {
	one.Part = f.Part
	f.List = append(f.List, one)
}

// Forget drops what was found of check so far: something later says otherwise.
func (f *Findings) Forget(check string) {
	f.List = slices.DeleteFunc(f.List, func(one Finding) bool { return one.Check == check })
}

// OK keeps that all is well with what check names.
func (f *Findings) OK(check, subject, found string) {
	f.Add(Finding{Check: check, Subject: subject, Level: FindingOK, Found: found})
}

// Warn keeps that something works, but not everything or not for long.
func (f *Findings) Warn(check, subject, found, means, fix string) {
	f.Add(Finding{Check: check, Subject: subject, Level: FindingWarning, Found: found, Means: means, Fix: fix})
}

// Fault keeps that customers are not served.
func (f *Findings) Fault(check, subject, found, means, fix string) {
	f.Add(Finding{Check: check, Subject: subject, Level: FindingFault, Found: found, Means: means, Fix: fix})
}
