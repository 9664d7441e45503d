package discord

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/bwmarrin/discordgo"
)

const (
	// maxAnswer bounds what is read of one answer.
	maxAnswer = 16 << 20
	// restTime bounds calls whose caller set no shorter deadline.
	restTime = 20 * time.Second
	// banned is how long to stay away after an answer that is not Discord's but Cloudflare's.
	banned = time.Minute
	// limitPause is the least wait after a 429; it doubles while they go on.
	limitPause = 50 * time.Millisecond
	// unnamedWait is for a 429 that names no time.
	unnamedWait = time.Second
)

// rest calls Discord's REST API. It never retries.
type rest struct {
	client *http.Client
	token  string
	limits *limits
}

// apiError is a clear failure told by Discord, or by Cloudflare in front of it (code 0).
type apiError struct {
	status     int
	code       int // Discord: opcodes and status codes, "JSON"
	retryAfter time.Duration
	global     bool // the limit is the whole bot's
	// held: the call was not made, because a limit is known.
	held bool
}

func (e *apiError) Error() string {
	if e.held {
		return fmt.Sprintf("held back for %s", e.retryAfter)
	}
	return fmt.Sprintf("HTTP %d code %d", e.status, e.code)
}

// errAnswer: the call may have been done, but the answer cannot be read.
var errAnswer = errors.New("answer is not readable")

// request is one call.
type request struct {
	method string
	url    string // as the SDK names it; the transport turns it to the configured address
	body   any    // nil: none
	// free: the call is outside the global limit and authorized by its URL (interactions).
	free bool
}

// route is what Discord's limits apply to: method and path, of which only the first id counts, the channel's or guild's.
func (q request) route() string {
	if q.free {
		return "" // the path holds a token, and is used once
	}
	path, _, _ := strings.Cut(q.url, "?")
	parts := strings.Split(path, "/")
	first := true
	for i, part := range parts {
		if part == "" || strings.Trim(part, "0123456789") != "" {
			continue // no id
		}
		if !first {
			parts[i] = "{id}"
		}
		first = false
	}
	return q.method + " " + strings.Join(parts, "/")
}

// patientGet reads url into out, waiting for limits as long as ctx allows.
func (r *rest) patientGet(ctx context.Context, url string, out any) error {
	for pause := limitPause; ; {
		err := r.call(ctx, request{method: http.MethodGet, url: url}, out)
		var ae *apiError
		if !errors.As(err, &ae) || ae.retryAfter <= 0 {
			return err
		}
		wait := ae.retryAfter
		if !ae.held { // told again and again: the time named is not true
			wait, pause = max(wait, pause), min(2*pause, banned)
		}
		if end, ok := ctx.Deadline(); ok && time.Until(end) < wait {
			return err
		}
		if err := sleep(ctx, wait); err != nil {
			return fmt.Errorf("wait for a limit: %w", err)
		}
	}
}

// call makes one call and decodes the answer into out, unless that is nil. It fails with *apiError, with errAnswer, or
// with the transport's error, freed of the URL.
func (r *rest) call(ctx context.Context, q request, out any) error {
	if !q.free {
		if d, shared := r.limits.wait(q.route()); d > 0 {
			return &apiError{retryAfter: d, global: shared, held: true}
		}
	}
	ctx, cancel := context.WithTimeout(ctx, restTime)
	defer cancel()
	resp, err := r.do(ctx, q)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	r.limits.note(resp, q.route())
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if resp.StatusCode >= 300 {
		return r.failure(resp, answer, q.route())
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errAnswer, err)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(answer, out); err != nil && !tolerable(err) {
		return errAnswer
	}
	return nil
}

// tolerable: one field was of another type than expected; the rest is decoded.
func tolerable(err error) bool {
	var wrongType *json.UnmarshalTypeError
	return errors.As(err, &wrongType) && wrongType.Field != ""
}

func (r *rest) do(ctx context.Context, q request) (*http.Response, error) {
	var body io.Reader
	if q.body != nil {
		b, err := json.Marshal(q.body)
		if err != nil {
			return nil, fmt.Errorf("encode request: %w", err)
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, q.method, q.url, body)
	if err != nil {
		return nil, errors.New("request cannot be made") // the text would show the URL
	}
	req.Header.Set("User-Agent", "DiscordBot (https://github.com/bwmarrin/discordgo, v"+discordgo.VERSION+")")
	if !q.free {
		req.Header.Set("Authorization", r.token)
	}
	if q.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := r.client.Do(req)
	if err != nil {
		return nil, bare(err)
	}
	return resp, nil
}

// failure reads an answer that is not 2xx.
func (r *rest) failure(resp *http.Response, answer []byte, route string) error {
	var body struct {
		Code       int     `json:"code"`
		RetryAfter float64 `json:"retry_after"`
		Global     bool    `json:"global"`
	}
	isJSON := json.Unmarshal(answer, &body) == nil
	e := &apiError{status: resp.StatusCode, code: body.Code}
	e.retryAfter = max(time.Duration(body.RetryAfter*float64(time.Second)), seconds(resp.Header.Get("Retry-After")))
	switch {
	case resp.StatusCode == http.StatusTooManyRequests:
		e.global = body.Global || resp.Header.Get("X-RateLimit-Global") == "true" ||
			resp.Header.Get("X-RateLimit-Scope") == "global" || !isJSON
		if e.retryAfter <= 0 {
			e.retryAfter = unnamedWait
			if !isJSON {
				e.retryAfter = banned
			}
		}
		if e.global {
			r.limits.holdAll(e.retryAfter)
		} else {
			r.limits.hold(route, e.retryAfter)
		}
	case resp.StatusCode == http.StatusForbidden && !isJSON: // Cloudflare's ban
		e.global, e.retryAfter = true, max(e.retryAfter, banned)
		r.limits.holdAll(e.retryAfter)
	}
	return e
}

// bare takes the URL out of an error of net/http: it may hold an interaction's token.
func bare(err error) error {
	var ue *url.Error
	if errors.As(err, &ue) {
		return ue.Err
	}
	return err
}

// rewrite sends what is meant for Discord's own address to the configured one.
type rewrite struct {
	to   *url.URL // scheme, host, path prefix
	next http.RoundTripper
}

func (t rewrite) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.URL.Scheme, req.URL.Host = t.to.Scheme, t.to.Host
	req.URL.Path = strings.TrimSuffix(t.to.Path, "/") + req.URL.Path
	req.URL.RawPath = ""
	req.Host = ""
	return t.next.RoundTrip(req)
}

// sleep waits for d or until ctx ends.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// hasStatus says whether err is Discord's answer with that status.
func hasStatus(err error, status int) bool {
	var ae *apiError
	return errors.As(err, &ae) && !ae.held && ae.status == status
}

// hasCode says whether err is Discord's answer with that code of its own.
func hasCode(err error, code int) bool {
	var ae *apiError
	return errors.As(err, &ae) && ae.code == code
}

// passing: the call failed, but not for what it is, so that the same may succeed in a moment.
func passing(err error) bool {
	var ae *apiError
	if errors.As(err, &ae) {
		return ae.retryAfter > 0 || ae.status >= http.StatusInternalServerError
	}
	return err != nil
}

// notFound: there is no such channel or message.
func notFound(err error) bool { return hasStatus(err, http.StatusNotFound) }

// Endpoints, as the SDK names them.

func endpointChannel(id snowflake) string { return discordgo.EndpointChannel(id.String()) }

func endpointMessages(id snowflake) string { return discordgo.EndpointChannelMessages(id.String()) }

func endpointMember(guild, user snowflake) string {
	return discordgo.EndpointGuildMember(guild.String(), user.String())
}
