package admin

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// maxFaults is how many warnings and errors are kept, maxDetails and maxDetail how many attributes of each and how many
// bytes of an attribute.
const (
	maxFaults  = 100
	maxDetails = 16
	maxDetail  = 400
)

// Faults keeps the newest warnings and errors of the log, as they were logged. The zero value is empty and ready.
type Faults struct {
	mu    sync.Mutex
	ring  []Fault // the oldest is at next once it is full
	next  int
	total int
}

// Fault is one warning or error of the log.
type Fault struct {
	At      time.Time `json:"at"`
	Level   string    `json:"level"` // "WARN" or "ERROR"
	What    string    `json:"what"`
	Details []Detail  `json:"details,omitempty"`
}

// Detail is one attribute of a line of the log.
type Detail struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Last gives what is kept, the newest first, and how many there were since the start.
func (f *Faults) Last() (last []Fault, total int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	last = slices.Concat(f.ring[f.next:], f.ring[:f.next])
	slices.Reverse(last)
	return last, f.total
}

func (f *Faults) keep(fault Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.total++
	if len(f.ring) < maxFaults {
		f.ring = append(f.ring, fault)
		return
	}
	f.ring[f.next] = fault
	f.next = (f.next + 1) % maxFaults
}

// Tee is a handler that passes everything on to next, and keeps warnings and errors.
func (f *Faults) Tee(next slog.Handler) slog.Handler { return tee{next: next, faults: f} }

// tee is a handler with the attributes that a logger was given.
type tee struct {
	next    slog.Handler
	faults  *Faults
	details []Detail
	group   string // prefix of the names
}

// Enabled implements slog.Handler, like the methods below.
func (t tee) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn || t.next.Enabled(ctx, level)
}

func (t tee) Handle(ctx context.Context, r slog.Record) error {
	if r.Level >= slog.LevelWarn {
		fault := Fault{At: r.Time, Level: r.Level.String(), What: cut(r.Message), Details: slices.Clone(t.details)}
		r.Attrs(func(a slog.Attr) bool {
			fault.Details = add(fault.Details, t.group, a)
			return len(fault.Details) < maxDetails
		})
		t.faults.keep(fault)
	}
	if r.Level >= slog.LevelWarn && !t.next.Enabled(ctx, r.Level) { // it came for the faults alone
		return nil
	}
	return t.next.Handle(ctx, r)
}

func (t tee) WithAttrs(attrs []slog.Attr) slog.Handler {
	t.next = t.next.WithAttrs(attrs)
	t.details = slices.Clone(t.details)
	for _, a := range attrs {
		t.details = add(t.details, t.group, a)
	}
	return t
}

func (t tee) WithGroup(name string) slog.Handler {
	t.next = t.next.WithGroup(name)
	t.group += name + "."
	return t
}

// add adds an attribute, of a group each of its members.
func add(details []Detail, prefix string, a slog.Attr) []Detail {
	value := a.Value.Resolve()
	if value.Kind() == slog.KindGroup {
		if a.Key != "" {
			prefix += a.Key + "."
		}
		for _, member := range value.Group() {
			details = add(details, prefix, member)
		}
		return details
	}
	if len(details) >= maxDetails {
		return details
	}
	return append(details, Detail{Name: prefix + a.Key, Value: cut(value.String())})
}

// cut shortens what is too long to be looked at.
func cut(text string) string {
	if len(text) <= maxDetail {
		return text
	}
	return text[:maxDetail] + "…"
}
