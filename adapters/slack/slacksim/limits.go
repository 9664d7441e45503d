package slacksim

import (
	"math"
	"strconv"
	"time"
)

// earlyCalls is how many calls are forgiven after a 429: those that were already on their way.
const earlyCalls = 3

// bucket is a token bucket: it fills at rate a second up to burst.
type bucket struct {
	rate, burst, tokens float64
	at                  time.Time
}

// wait says how long until a token is there; zero: there is one.
func (b *bucket) wait(now time.Time) time.Duration {
	if now.After(b.at) {
		b.tokens = min(b.burst, b.tokens+b.rate*now.Sub(b.at).Seconds())
		b.at = now
	}
	if b.tokens >= 1 {
		return 0
	}
	return time.Duration((1 - b.tokens) / b.rate * float64(time.Second))
}

// pause is a Retry-After the client was told.
type pause struct {
	until time.Time
	early int
}

// limit takes a token for the call from each bucket it falls under, or refuses with the seconds to wait.
// Slack: chat.postMessage 1 a second per channel and some hundred a minute per workspace, the others by tier.
func (s *Sim) limit(name string, m method, channel string) *refusal {
	s.checkPause(name, channel)
	if s.cfg.NoLimits {
		return nil
	}
	now := s.cfg.Now()
	var bs []*bucket
	switch {
	case name == "chat.postMessage":
		bs = append(bs, s.bucket("post "+channel, 1, float64(s.cfg.PostBurst)), s.bucket("posts", float64(s.cfg.PostsPerMinute)/60, float64(s.cfg.PostsPerMinute)))
	case s.cfg.Distributed && (name == "conversations.history" || name == "conversations.replies"):
		bs = append(bs, s.bucket(name, 1.0/60, 1))
	case m.perMinute > 0:
		bs = append(bs, s.bucket(name, float64(m.perMinute)/60, float64(m.perMinute)))
	}
	var longest time.Duration
	for _, b := range bs {
		longest = max(longest, b.wait(now))
	}
	if longest > 0 {
		seconds := max(1, int(math.Ceil(longest.Seconds())))
		s.notePause(name, channel, strconv.Itoa(seconds))
		return &refusal{code: "ratelimited", wait: seconds}
	}
	for _, b := range bs {
		b.tokens--
	}
	return nil
}

func (s *Sim) bucket(key string, rate, burst float64) *bucket {
	b := s.buckets[key]
	if b == nil {
		b = &bucket{rate: rate, burst: burst, tokens: burst, at: s.cfg.Now()}
		s.buckets[key] = b
	}
	return b
}

// notePause remembers what the client was told; anything but whole seconds tells it nothing. The lock is held.
func (s *Sim) notePause(name, channel, retryAfter string) {
	s.stats.Limited++
	seconds, err := strconv.Atoi(retryAfter)
	if err != nil {
		return
	}
	key := pauseKey(name, channel)
	until := s.cfg.Now().Add(time.Duration(seconds) * time.Second)
	if p := s.pauses[key]; p != nil {
		p.until = until
		return
	}
	s.pauses[key] = &pause{until: until}
}

// checkPause records a client that keeps calling although it was told to wait. The lock is held.
func (s *Sim) checkPause(name, channel string) {
	key := pauseKey(name, channel)
	p := s.pauses[key]
	if p == nil {
		return
	}
	if !s.cfg.Now().Before(p.until) {
		delete(s.pauses, key)
		return
	}
	if p.early++; p.early > earlyCalls {
		s.violate("%s called again before Retry-After was over (%d times)", key, p.early)
	}
}

// pauseKey: posting is limited per channel, everything else per method.
func pauseKey(name, channel string) string {
	if name == "chat.postMessage" {
		return name + " " + channel
	}
	return name
}
