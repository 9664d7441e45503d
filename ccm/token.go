package ccm

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// renewMargin is how long before its end the AccessToken is renewed, at least; a tenth of its life if that is more.
	renewMargin = 60 * time.Second
	// renewPause is how long a token that could not be renewed ahead of time is used before the next attempt.
	renewPause = 10 * time.Second
	// maxLifetime bounds what we believe of Expires.
	maxLifetime = 24 * time.Hour
	// maxVisitors bounds the kept visitors' tokens; dropping one costs its visitor an applyToken.
	maxVisitors = 100_000
)

// token is a token's value and when it ends; zero times mean that only the server knows.
type token struct {
	value     string
	renewAt   time.Time
	expiresAt time.Time
}

// usable reports whether the token may be sent without renewing it first. While somebody renews it ahead of time it
// serves until its end.
func (t token) usable(now time.Time, renewing bool) bool {
	switch {
	case t.value == "":
		return false
	case t.renewAt.IsZero() || now.Before(t.renewAt):
		return true
	default:
		return renewing && now.Before(t.expiresAt)
	}
}

// holder keeps one token. Concurrent callers share one fetch.
type holder struct {
	mu     sync.Mutex
	token  token
	flight *flight // the fetch under way, or nil
}

// flight is a fetch that others wait for. Its fields are set before done is closed.
type flight struct {
	done      chan struct{}
	value     string
	err       error
	abandoned bool // the fetching caller's context ended: somebody else should try
}

type fetchFunc func(ctx context.Context) (token, error)

// get returns a token, fetching one if there is none, if it is due, or if it is the refused one.
func (h *holder) get(ctx context.Context, refused string, fetch fetchFunc) (string, error) {
	for {
		h.mu.Lock()
		if refused != "" && h.token.value == refused {
			h.token = token{}
		}
		if h.token.usable(time.Now(), h.flight != nil) {
			value := h.token.value
			h.mu.Unlock()
			return value, nil
		}
		f := h.flight
		if f == nil {
			f = &flight{done: make(chan struct{}), abandoned: true}
			h.flight = f
			h.mu.Unlock()
			h.fly(ctx, f, fetch)
			return f.value, f.err
		}
		h.mu.Unlock()
		select {
		case <-f.done:
			if !f.abandoned {
				return f.value, f.err
			}
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
}

// fly fetches a token for itself and all who wait for f.
func (h *holder) fly(ctx context.Context, f *flight, fetch fetchFunc) {
	defer func() { // also on a panic of a foreign transport: nobody may wait for ever
		h.mu.Lock()
		h.flight = nil
		h.mu.Unlock()
		close(f.done)
	}()
	fresh, err := fetch(ctx)
	f.abandoned = err != nil && ctx.Err() != nil

	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	switch {
	case err == nil:
		h.token = fresh
	case h.token.value != "" && now.Before(h.token.expiresAt): // the old one serves for a while
		h.token.renewAt = now.Add(renewPause)
		err = nil
	default:
		f.err = err
		return
	}
	f.value, f.abandoned = h.token.value, false
}

// adopt takes the newer token that came with the answer to a call made with sent. If another token was obtained
// meanwhile, that one stays: the answer may be older.
func (h *holder) adopt(sent, fresh string) {
	if fresh == "" {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.token.value == sent {
		h.token.value = fresh
	}
}

// fetchAccess asks for an AccessToken (tokenByAkSk, cec_07_0002).
func (c *Client) fetchAccess(ctx context.Context) (token, error) {
	body, err := json.Marshal(map[string]string{"app_key": c.config.AppKey, "app_secret": c.config.AppSecret})
	if err != nil {
		return token{}, err
	}
	asked := c.config.TokenLifetime
	r := request{op: "tokenByAkSk", call: "tokenByAkSk", url: c.config.AuthURL + tokenPath, body: body, timeout: c.config.CallTimeout,
		header: http.Header{"X-Token-Expire": {strconv.Itoa(int(asked / time.Second))}}}
	a, err := c.exchange(ctx, r)
	if err != nil {
		return token{}, forCentre(err)
	}
	var answer struct {
		AccessToken text
		Expires     text
	}
	if decode(a.body, &answer) != nil || !sendable(string(answer.AccessToken)) {
		return token{}, forCentre(unclear(r.op, "answer holds no AccessToken"))
	}
	return newAccess(string(answer.AccessToken), string(answer.Expires), asked, time.Now()), nil
}

// newAccess works out when to renew. It counts from the receipt: the server's clock may differ.
func newAccess(value, expires string, asked time.Duration, now time.Time) token {
	lifetime := asked
	if seconds, err := strconv.ParseFloat(strings.TrimSpace(expires), 64); err == nil && seconds >= 0 {
		lifetime = time.Duration(min(seconds, maxLifetime.Seconds()) * float64(time.Second))
	}
	margin := max(renewMargin, lifetime/10)
	if margin >= lifetime { // a very short life: use at least half of it
		margin = lifetime / 2
	}
	return token{value: value, renewAt: now.Add(lifetime - margin), expiresAt: now.Add(lifetime)}
}

// applyToken asks for a visitor's ccmessaging-token (cec_07_0103). used is the calling operation's.
func (c *Client) applyToken(ctx context.Context, v Visitor, used *renewals) (token, error) {
	body, err := json.Marshal(map[string]string{
		"userId": v.UserID, "userName": v.name(), "channelId": v.ChannelID, "locale": v.language(),
	})
	if err != nil {
		return token{}, err
	}
	r := request{op: "applyToken", call: "applyToken", url: c.config.BaseURL + messagingPath + "applyToken", body: body,
		timeout: c.config.CallTimeout}
	a, err := c.callApp(ctx, r, used)
	if err != nil {
		return token{}, err
	}
	var answer struct {
		result
		Token text `json:"token"`
	}
	if decode(a.body, &answer) != nil {
		return token{}, unclear(r.op, errUndecodable.Error())
	}
	if code := answer.code(); code != codeOK && code != "" {
		return token{}, refusal(r, a, answer.result)
	}
	value := unquote(string(answer.Token))
	if !sendable(value) {
		return token{}, unclear(r.op, "answer holds no token")
	}
	return token{value: value}, nil
}

// unquote takes off one pair of quotes: the service puts them inside the string (cec_05_2012).
func unquote(s string) string {
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		return s[1 : len(s)-1]
	}
	return s
}

// sendable reports whether a token is there and can be a header's value.
func sendable(token string) bool {
	return token != "" && !strings.ContainsFunc(token, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// forCentre marks an error as everybody's, unless the caller gave up: without an AccessToken nobody gets anywhere.
func forCentre(err error) error {
	if e, ok := err.(*Error); ok && !errors.Is(err, context.Canceled) {
		e.Scope = ScopeCentre
	}
	return err
}

// visitors keeps the visitors' tokens.
type visitors struct {
	mu      sync.Mutex
	holders map[visitorKey]*holder
}

// visitorKey is what the centre binds a token to.
type visitorKey struct{ channelID, userID string }

func (vs *visitors) holder(v Visitor) *holder {
	key := visitorKey{v.ChannelID, v.UserID}
	vs.mu.Lock()
	defer vs.mu.Unlock()
	h := vs.holders[key]
	if h == nil {
		if len(vs.holders) >= maxVisitors {
			for other := range vs.holders {
				delete(vs.holders, other)
				break
			}
		}
		h = new(holder)
		vs.holders[key] = h
	}
	return h
}

func (vs *visitors) forget(v Visitor) {
	vs.mu.Lock()
	defer vs.mu.Unlock()
	delete(vs.holders, visitorKey{v.ChannelID, v.UserID})
}
