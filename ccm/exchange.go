package ccm

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"
)

const (
	headerToken = "Ccmessaging-Token"

	// maxBody bounds an answer; a full page of history is some 200 KiB.
	maxBody = 4 << 20
)

// errBroken stands in for errors of net/http, which may quote what the server sent.
var errBroken = errors.New("connection or answer broken")

// request is one HTTP exchange to make.
type request struct {
	op      string // for errors
	call    string // for Observe
	url     string
	body    []byte      // nil: a GET
	header  http.Header // further headers, may be nil
	timeout time.Duration
	words   bool // carries somebody's words, which the answer might quote

	tokenRefused func(response) bool // an HTTP 200 that refuses the ccmessaging-token, may be nil

	access  string // AccessToken; "": no headers of authority at all
	visitor bool   // a visitor's call: token goes along
	token   string
	secrets []string // not to appear in errors
}

// response is what came back; its status is 0 without an answer.
type response struct {
	status int
	header http.Header
	body   []byte
}

func (r request) refusesToken(a response) bool {
	return a.status == http.StatusUnauthorized ||
		a.status == http.StatusOK && r.tokenRefused != nil && r.tokenRefused(a)
}

// describe makes the server's words fit for an error. An answer to a call that carried somebody's words may quote
// them: of that only documented phrases are kept.
func (r request) describe(words string) string {
	if r.words {
		return documentedPhrase(words)
	}
	return excerpt(words, r.secrets...)
}

// exchange makes one HTTP exchange and reads the answer. Any status but 200 is an error too, and then the answer is
// returned with it. Redirects are answers: following one would show our tokens to another host.
func (c *Client) exchange(ctx context.Context, r request) (a response, err error) {
	r.secrets = []string{c.config.AppSecret, r.access, r.token}
	if c.config.Observe != nil {
		start := time.Now()
		defer func() { c.config.Observe(r.call, time.Since(start), err) }()
	}
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	if ctx.Err() != nil {
		return response{}, &Error{Op: r.op, Certainty: NotDone, Err: ctx.Err()}
	}
	var conn connection
	req, err := c.httpRequest(httptrace.WithClientTrace(ctx, conn.trace()), r)
	if err != nil {
		return response{}, &Error{Op: r.op, Certainty: NotDone, Err: errBroken}
	}
	resp, err := c.transport.RoundTrip(req)
	if err != nil {
		return response{}, conn.failure(r.op, err, safeCause(ctx, err))
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	a = response{status: resp.StatusCode, header: resp.Header, body: body}
	switch {
	case a.status != http.StatusOK:
		return a, statusError(r, a)
	case err != nil:
		return a, &Error{Op: r.op, Status: a.status, Err: safeCause(ctx, err)}
	case len(body) > maxBody:
		return a, unclear(r.op, "answer is too long")
	}
	return a, nil
}

func (c *Client) httpRequest(ctx context.Context, r request) (*http.Request, error) {
	method := http.MethodPost
	if r.body == nil {
		method = http.MethodGet
	}
	req, err := http.NewRequestWithContext(ctx, method, r.url, bytes.NewReader(r.body))
	if err != nil {
		return nil, err
	}
	if r.body == nil {
		// Without a body, or with one it can rewind, net/http repeats a GET by itself when a kept connection ends
		// after the request was written. A poll takes messages away: the answer of the first would be lost unnoticed.
		req.Body, req.GetBody = io.NopCloser(bytes.NewReader(nil)), nil
	} else {
		req.Header.Set("Content-Type", "application/json; charset=UTF-8")
	}
	for name, values := range r.header {
		req.Header[name] = values
	}
	if r.access == "" {
		return req, nil
	}
	req.Header.Set("X-App-Key", c.config.AppKey)
	req.Header.Set("Authorization", "Bearer "+r.access)
	if r.visitor {
		req.Header.Set(headerToken, r.token)
	}
	if c.config.TenantSpace != "" {
		req.Header.Set("X-TenantSpaceID", c.config.TenantSpace)
	}
	return req, nil
}

// connection notes whether a request can have been written.
type connection struct{ asked, got atomic.Bool }

// trace: net/http asks for another connection only if nothing of the request was written to the one before. (A GET
// would be the exception, see httpRequest.)
func (c *connection) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GetConn: func(string) { c.got.Store(false); c.asked.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { c.got.Store(true) },
	}
}

// failure is the error of an exchange without an answer.
func (c *connection) failure(op string, err, cause error) *Error {
	e := &Error{Op: op, Err: cause}
	var dial *net.OpError
	switch {
	case c.asked.Load():
		if c.got.Load() {
			return e
		}
	case !errors.As(err, &dial) || dial.Op != "dial": // a transport that does not report
		return e
	}
	e.Certainty = NotDone
	if !errors.Is(cause, context.Canceled) {
		e.Scope = ScopeCentre
	}
	return e
}

// safeCause keeps the errors that are known to quote nothing of an exchange.
func safeCause(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	for _, plain := range []error{context.Canceled, context.DeadlineExceeded, io.ErrUnexpectedEOF, io.EOF} {
		if errors.Is(err, plain) {
			return plain
		}
	}
	if network, ok := errors.AsType[*net.OpError](err); ok {
		return network
	}
	if certificate, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return certificate
	}
	return errBroken
}
