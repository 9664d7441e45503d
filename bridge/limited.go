package bridge

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Limit is something that the bridge leaves alone for a while.
type Limit struct {
	Part  string    `json:"part"`            // the adapter's configured name, or "centre"
	Place string    `json:"place,omitempty"` // what shares the limit, a channel or thread id; "": the whole part
	Until time.Time `json:"until"`
	Why   LimitKind `json:"why"`
}

// LimitKind is why something is left alone.
type LimitKind string

// The kinds.
const (
	LimitAsked   LimitKind = "asked"    // the outside told the bridge to wait until then
	LimitBackOff LimitKind = "back-off" // it failed: it is tried again then, and waited for a little longer each time
	LimitRefused LimitKind = "refused"  // it takes no call until the operator acts; tried again then
)

// Limited lists what is limited now: the longest last, at most maxLimits of them. The ordinary gap between two posts is no limit.
func (b *Bridge) Limited() []Limit {
	now := time.Now()
	limits := b.outbox.limited(now)
	slices.SortFunc(limits, func(x, y Limit) int {
		return cmp.Or(x.Until.Compare(y.Until), cmp.Compare(x.Part, y.Part), cmp.Compare(x.Place, y.Place))
	})
	return limits[max(0, len(limits)-maxLimits):]
}

// maxLimits bounds what Limited gives.
const maxLimits = 200

// limited lists the outsides that are paused and the places whose platform asked to wait.
func (o *outbox) limited(now time.Time) []Limit {
	o.mu.Lock()
	defer o.mu.Unlock()
	var limits []Limit
	for name, out := range o.outside {
		switch {
		case out.asked.After(now) && !out.paused.After(out.asked):
			limits = append(limits, Limit{Part: name, Until: out.asked, Why: LimitAsked})
		case out.paused.After(now) && out.refused:
			limits = append(limits, Limit{Part: name, Until: out.paused, Why: LimitRefused})
		case out.paused.After(now):
			limits = append(limits, Limit{Part: name, Until: out.paused, Why: LimitBackOff})
		}
	}
	for key, p := range o.places {
		if !p.asked.After(now) {
			continue
		}
		part, place, _ := strings.Cut(key, "\x00")
		limits = append(limits, Limit{Part: part, Place: strings.TrimPrefix(place, part+"/"), Until: p.asked, Why: LimitAsked})
	}
	return limits
}
