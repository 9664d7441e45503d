package slack

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"
)

const (
	ackBudget = 2 * time.Second // handing an acknowledgement to the socket's writer
	maxFrame  = 16 << 20        // bytes of one envelope
)

var (
	errNoHello      = errors.New("no hello")
	errSocketClosed = errors.New("socket closed")
)

// keepSocket keeps one socket up until ctx ends. slack-go would reconnect by itself, at once and for ever (a storm when
// Slack cuts each new socket), so each of its clients serves one connection only and the waiting is done here.
func (a *Adapter) keepSocket(ctx context.Context, r *receiver, l *line) {
	reconnect := false // a connection after this socket's first
	for tries := 0; ctx.Err() == nil; {
		lived, err := a.serveSocket(ctx, r, l, reconnect)
		if ctx.Err() != nil {
			return
		}
		if lived > 0 {
			reconnect = true
		}
		if lived >= a.cfg.Waits.Stable {
			tries = 0
			continue // Slack refreshes sockets every few hours
		}
		l.trouble(err)
		pause := a.cfg.Waits.pause(tries, err)
		a.log.Debug("socket will be opened again", "in", pause, "why", errorCode(err))
		if !sleep(ctx, pause) {
			return
		}
		tries++
	}
}

// serveSocket opens one connection and serves it until it ends. lived is the time since its hello, zero without one.
func (a *Adapter) serveSocket(ctx context.Context, r *receiver, l *line, reconnect bool) (lived time.Duration, err error) {
	ctx, cancel := context.WithCancel(ctx)
	client := socketmode.New(a.client(&openOnce{client: a.http}),
		socketmode.OptionPingInterval(a.cfg.Waits.Ping), socketmode.OptionReadLimit(maxFrame))
	done := make(chan error, 1)
	go func() { done <- client.RunContext(ctx) }()
	defer cancel()

	s := &socket{client: client, receiver: r, line: l, reconnect: reconnect, cancel: cancel}
	hello := time.NewTimer(a.cfg.Waits.Hello)
	defer hello.Stop()
	for {
		select {
		case ev := <-client.Events:
			s.handle(ctx, ev)
		case <-hello.C:
			if s.since.IsZero() {
				s.end(errNoHello)
			}
		case runErr := <-done:
			s.rest(ctx)
			if s.why == nil {
				s.why = runErr
			}
			if s.since.IsZero() {
				return 0, s.why
			}
			l.down(errorCode(s.why))
			return max(time.Since(s.since), 1), s.why
		}
	}
}

// openOnce lets a client ask for one connection. When that is lost slack-go asks for the next at once, before anybody
// can stop it.
type openOnce struct {
	client doer
	opened atomic.Bool
}

func (o *openOnce) Do(req *http.Request) (*http.Response, error) {
	if o.opened.Swap(true) {
		return nil, errSocketClosed
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded") // the library says JSON and sends nothing
	return o.client.Do(req)
}

// socket is one connection.
type socket struct {
	client    *socketmode.Client
	receiver  *receiver
	line      *line
	reconnect bool // not this socket's first
	cancel    context.CancelFunc
	since     time.Time // of the hello
	why       error     // it ends
}

// end lets the connection end; the first reason counts.
func (s *socket) end(why error) {
	if s.why == nil {
		s.why = why
	}
	s.cancel()
}

// handle takes one event of the client. It must not block: a reader that waits misses pings.
func (s *socket) handle(ctx context.Context, ev socketmode.Event) {
	switch ev.Type {
	case socketmode.EventTypeHello: // has no envelope to acknowledge
		if s.since.IsZero() {
			s.since = time.Now()
			s.line.up(s.reconnect)
		}
	case socketmode.EventTypeConnecting:
		if c, ok := ev.Data.(*slack.ConnectingEvent); ok && c.ConnectionCount >= 1 {
			s.end(errSocketClosed) // it lost its connection and is about to reconnect
		}
	case socketmode.EventTypeConnectionError:
		if c, ok := ev.Data.(*slack.ConnectionErrorEvent); ok {
			s.end(c.ErrorObj)
		}
	case socketmode.EventTypeEventsAPI, socketmode.EventTypeSlashCommand, socketmode.EventTypeInteractive:
		if ev.Request != nil {
			s.take(ctx, *ev.Request)
		}
	case socketmode.EventTypeErrorBadMessage:
		// The library could not read it, or does not know its type. It has an envelope like any other.
		var req socketmode.Request
		if bad, ok := ev.Data.(*socketmode.ErrorBadMessage); ok && json.Unmarshal(bad.Message, &req) == nil && req.EnvelopeID != "" {
			s.take(ctx, req)
		}
	}
}

// take hands an envelope to the receiver, with the way to acknowledge it on this connection.
func (s *socket) take(ctx context.Context, req socketmode.Request) {
	s.receiver.take(envelope{
		kind:    req.Type,
		payload: req.Payload,
		accepts: req.AcceptsResponsePayload,
		ack: func(payload any) error {
			// Bound to the connection: the library would send a late acknowledgement on the next one, or block.
			ctx, cancel := context.WithTimeout(ctx, ackBudget)
			defer cancel()
			return s.client.AckCtx(ctx, req.EnvelopeID, payload)
		},
	})
}

// rest takes what the ended connection still had. It cannot be acknowledged any more, but it need not wait for Slack
// to send it again.
func (s *socket) rest(ctx context.Context) {
	for {
		select {
		case ev := <-s.client.Events:
			s.handle(ctx, ev)
		default:
			return
		}
	}
}
