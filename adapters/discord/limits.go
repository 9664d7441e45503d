package discord

import (
	"net/http"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	// globalRate is below Discord's 50 requests a second and bot.
	globalRate = 45
	// maxInvalid answers (401, 403, 429) in invalidWindow: far below the 10,000 for which Cloudflare bans an address.
	maxInvalid    = 2000
	invalidWindow = 10 * time.Minute
	maxHolds      = 10_000
)

// limits says when the next request may go. Nothing here waits.
type limits struct {
	global *rate.Limiter
	now    func() time.Time
	holds  *cache[string, time.Time] // calls of this route do not go before

	mu      sync.Mutex
	all     time.Time // nothing goes before
	invalid [10]int   // invalid answers per tenth of the window
	tenth   int64     // which tenth invalid[tenth%10] counts
}

func newLimits(now func() time.Time) *limits {
	return &limits{global: rate.NewLimiter(globalRate, globalRate), now: now, holds: newCache[string, time.Time](maxHolds)}
}

// wait tells how long a request of route must wait and, if not at all, counts it. shared says that the wait concerns
// the whole adapter.
func (l *limits) wait(route string) (d time.Duration, shared bool) {
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if d := l.all.Sub(now); d > 0 {
		return d, true
	}
	if l.invalidCount(now) >= maxInvalid {
		return invalidWindow / 10, true
	}
	if until, ok := l.holds.find(route); ok {
		if d := until.Sub(now); d > 0 {
			return d, false
		}
	}
	r := l.global.ReserveN(now, 1)
	if d := r.DelayFrom(now); d > 0 {
		r.CancelAt(now)
		return d, true
	}
	return 0, false
}

// holdAll keeps every request back.
func (l *limits) holdAll(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if until := l.now().Add(d); until.After(l.all) {
		l.all = until
	}
}

// hold keeps calls of route back.
func (l *limits) hold(route string, d time.Duration) {
	if d > 0 && route != "" {
		l.holds.put(route, l.now().Add(d))
	}
}

// note learns from an answer of route.
func (l *limits) note(resp *http.Response, route string) {
	h := resp.Header
	switch resp.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests:
		if h.Get("X-RateLimit-Scope") != "shared" {
			now := l.now()
			l.mu.Lock()
			l.invalidCount(now)
			l.invalid[l.tenth%10]++
			l.mu.Unlock()
		}
	}
	if h.Get("X-RateLimit-Remaining") == "0" {
		l.hold(route, seconds(h.Get("X-RateLimit-Reset-After")))
	}
}

// invalidCount is how many invalid answers there were in the window; l.mu is held.
func (l *limits) invalidCount(now time.Time) int {
	tenth := now.Unix() / int64(invalidWindow.Seconds()/10)
	if tenth-l.tenth >= 10 {
		l.invalid = [10]int{}
	} else {
		for t := l.tenth + 1; t <= tenth; t++ {
			l.invalid[t%10] = 0
		}
	}
	l.tenth = max(l.tenth, tenth)
	sum := 0
	for _, n := range l.invalid {
		sum += n
	}
	return sum
}

// seconds reads a decimal number of seconds; zero if it is none.
func seconds(s string) time.Duration {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || !(f > 0 && f < 1e6) {
		return 0
	}
	return time.Duration(f * float64(time.Second))
}
