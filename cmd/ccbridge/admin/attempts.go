package admin

import (
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// How often a password may be tried: from one address perAddress times at once and then once in addressPause, from all
// together overall times at once and then once in overallPause. maxAddresses are remembered.
const (
	perAddress   = 5
	addressPause = 20 * time.Second
	overall      = 20
	overallPause = 3 * time.Second
	maxAddresses = 1000
)

// attempts limits how often somebody may try to get in.
type attempts struct {
	mu  sync.Mutex
	all *rate.Limiter
	by  map[string]*caller
}

// caller is an address that tried.
type caller struct {
	limit *rate.Limiter
	last  time.Time
	told  bool // the log has that it tries too often
}

func newAttempts() *attempts {
	return &attempts{all: rate.NewLimiter(rate.Every(overallPause), overall), by: map[string]*caller{}}
}

// take counts a try. If it comes too early, wait is how long to wait; news tells whether the address was not told so
// since its last good try.
func (a *attempts) take(address string, now time.Time) (wait time.Duration, news bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	c := a.by[address]
	if c == nil {
		a.makeRoom()
		c = &caller{limit: rate.NewLimiter(rate.Every(addressPause), perAddress)}
		a.by[address] = c
	}
	c.last = now
	switch {
	case !c.limit.AllowN(now, 1):
		wait = addressPause
	case !a.all.AllowN(now, 1):
		wait = overallPause
	default:
		c.told = false
		return 0, false
	}
	news, c.told = !c.told, true
	return wait, news
}

// makeRoom forgets who has not tried for the longest time, if there are too many. The caller holds a.mu.
func (a *attempts) makeRoom() {
	if len(a.by) < maxAddresses {
		return
	}
	oldest := ""
	for address, c := range a.by {
		if oldest == "" || c.last.Before(a.by[oldest].last) {
			oldest = address
		}
	}
	delete(a.by, oldest)
}

// forgive forgets the tries of an address that got in.
func (a *attempts) forgive(address string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.by, address)
}

// addressOf is whom a request comes from. A web server before the page is believed only if it is on this machine:
// otherwise everybody could name an address of their own choice. In IPv6 a whole network of 64 bits counts as one, as
// it belongs to one customer of a provider.
func addressOf(r *http.Request) string {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	addr := peer.Addr().Unmap()
	if forwarded := r.Header.Values("X-Forwarded-For"); addr.IsLoopback() && len(forwarded) > 0 {
		all := strings.Split(forwarded[len(forwarded)-1], ",")
		if said, err := netip.ParseAddr(strings.TrimSpace(all[len(all)-1])); err == nil {
			addr = said.Unmap().WithZone("")
		}
	}
	if addr.Is6() && !addr.IsLoopback() {
		if network, err := addr.Prefix(64); err == nil {
			return network.String()
		}
	}
	return addr.String()
}
