package discordsim

import (
	"encoding/json"
	"hash/fnv"
	"math"
	"net/http"
	"strconv"
	"time"
)

const (
	globalPerSecond = 50
	banThreshold    = 10_000 // invalid answers per 10 minutes
	inFlight        = 250 * time.Millisecond
	rounding        = 10 * time.Millisecond // clients cut retry_after to whole milliseconds
	renames         = 2                     // of a channel, per 10 minutes
	keptBuckets     = 10_000
)

// tally counts what happened within a period.
type tally struct {
	per   time.Duration
	times []time.Time
}

func (t *tally) add(now time.Time) { t.times = append(t.times, now) }

func (t *tally) within(now time.Time) int {
	i := 0
	for i < len(t.times) && now.Sub(t.times[i]) >= t.per {
		i++
	}
	t.times = t.times[i:]
	return len(t.times)
}

type bucket struct {
	remaining    int
	reset        time.Time
	refusedAt    time.Time // the last 429
	refusedUntil time.Time
}

type limits struct {
	buckets map[string]*bucket
	global  bucket
	invalid tally
	renamed map[string]*tally
}

func newLimits() limits {
	return limits{
		buckets: map[string]*bucket{}, renamed: map[string]*tally{},
		invalid: tally{per: 10 * time.Minute},
	}
}

// take uses one call of the bucket; ok is false when there is none left.
func (b *bucket) take(now time.Time, l limit) (ok bool) {
	if !now.Before(b.reset) {
		b.remaining, b.reset = l.calls, now.Add(l.per)
	}
	if b.remaining == 0 {
		return false
	}
	b.remaining--
	return true
}

func (s *Sim) bucket(r route, req *http.Request) *bucket {
	key := r.pattern + " " + req.PathValue(r.limit.major)
	b := s.limits.buckets[key]
	if b == nil {
		if len(s.limits.buckets) >= keptBuckets {
			for k, old := range s.limits.buckets {
				if s.now().After(old.reset) && s.now().After(old.refusedUntil) {
					delete(s.limits.buckets, k)
				}
			}
		}
		b = &bucket{}
		s.limits.buckets[key] = b
	}
	return b
}

// checkLimits answers in place of the route when a limit is reached.
func (s *Sim) checkLimits(r route, c *call, a *answer) (blocked bool) {
	now := s.now()
	b := s.bucket(r, c.Request)
	s.checkPatience(r, b, now)
	if s.cfg.NoLimits {
		return false
	}
	if s.limits.invalid.within(now) > banThreshold {
		s.violate("%s: called while banned for too many invalid requests", r.pattern)
		a.status = http.StatusTooManyRequests
		a.header.Set("Content-Type", "text/html")
		a.header.Set("Retry-After", "600")
		a.body = []byte(cloudflarePage)
		return true
	}
	if !r.open && !s.limits.global.take(now, limit{globalPerSecond, time.Second, ""}) {
		s.limited(a, &s.limits.global, now, s.limits.global.reset, "global")
		return true
	}
	ok := b.take(now, r.limit)
	name := fnv.New64a()
	_, _ = name.Write([]byte(r.pattern))
	a.header.Set("X-RateLimit-Bucket", strconv.FormatUint(name.Sum64(), 16))
	a.header.Set("X-RateLimit-Limit", strconv.Itoa(r.limit.calls))
	a.header.Set("X-RateLimit-Remaining", strconv.Itoa(b.remaining))
	a.header.Set("X-RateLimit-Reset", seconds(time.Duration(b.reset.UnixNano())))
	a.header.Set("X-RateLimit-Reset-After", seconds(b.reset.Sub(now)))
	if !ok {
		s.limited(a, b, now, b.reset, "user")
	}
	return !ok
}

// checkPatience notes a call made before the time a 429 named. Calls that may have been under way then are excused.
func (s *Sim) checkPatience(r route, b *bucket, now time.Time) {
	for _, x := range []*bucket{b, &s.limits.global} {
		if x == &s.limits.global && r.open {
			continue
		}
		if x.refusedUntil.Sub(now) > rounding && now.Sub(x.refusedAt) > inFlight {
			s.violate("%s: called again %s before retry_after was over", r.pattern, x.refusedUntil.Sub(now).Round(time.Millisecond))
		}
	}
}

// limited writes Discord's 429.
func (s *Sim) limited(a *answer, b *bucket, now, until time.Time, scope string) {
	if !now.Before(b.refusedUntil) {
		b.refusedAt = now
	}
	b.refusedUntil = until
	wait := until.Sub(now)
	a.status = http.StatusTooManyRequests
	a.header.Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	a.header.Set("X-RateLimit-Scope", scope)
	if scope == "global" {
		a.header.Set("X-RateLimit-Global", "true")
	}
	a.body, _ = json.Marshal(object{
		"message": "You are being rate limited.", "retry_after": math.Ceil(wait.Seconds()*1000) / 1000, "global": scope == "global",
	})
}

// seconds rounds up to milliseconds, so that who waits as told is not early.
func seconds(d time.Duration) string {
	return strconv.FormatFloat(math.Ceil(d.Seconds()*1000)/1000, 'f', 3, 64)
}

// mayRename counts a change of name; the wait is over zero when there were too many.
func (s *Sim) mayRename(channel string) (wait time.Duration) {
	if s.cfg.NoLimits {
		return 0
	}
	t := s.limits.renamed[channel]
	if t == nil {
		t = &tally{per: 10 * time.Minute}
		s.limits.renamed[channel] = t
	}
	now := s.now()
	if t.within(now) >= renames {
		return t.times[0].Add(t.per).Sub(now)
	}
	t.add(now)
	return 0
}

// countInvalid keeps the account that leads to a ban.
func (s *Sim) countInvalid(status int, header http.Header) {
	if status != 401 && status != 403 && status != 429 || header.Get("X-RateLimit-Scope") == "shared" {
		return
	}
	s.limits.invalid.add(s.now())
	n := s.limits.invalid.within(s.now())
	if s.cfg.InvalidBudget > 0 && n == s.cfg.InvalidBudget+1 {
		s.violate("more than %d invalid requests (401, 403, 429) in 10 minutes", s.cfg.InvalidBudget)
	}
}
