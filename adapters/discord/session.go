package discord

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/bwmarrin/discordgo"
	"github.com/gorilla/websocket"
)

// intents: guilds, guild messages, message content, direct messages (37377).
const intents = discordgo.IntentsGuilds | discordgo.IntentsGuildMessages | discordgo.IntentMessageContent | discordgo.IntentsDirectMessages

const (
	// maxStuck is how many sessions of the SDK may hang before the adapter gives up.
	maxStuck = 5
	// maxUnopened is how many connections in a row may not open a session before a new one is begun.
	maxUnopened = 3
)

// gateway keeps one session with Discord's gateway. Calls to its methods do not overlap.
type gateway interface {
	// Serve connects to address, resuming the last session if there is one, and hands over what comes until the line
	// is down. It always returns an error that says why.
	Serve(ctx context.Context, address string) *lineError
	// Resume says whether the next Serve resumes, and at which address; "" if Discord named none.
	Resume() (address string, ok bool)
}

// dispatch is one event of the gateway.
type dispatch struct {
	kind string // Discord's name: MESSAGE_CREATE
	seq  int64
	data json.RawMessage
}

// sdkGateway is the gateway by means of discordgo. Its SDK session only ever speaks with a relay.
type sdkGateway struct {
	token string
	sink  func(dispatch) // must not block
	waits Waits
	relay relayConfig

	session  *discordgo.Session
	down     chan struct{} // of session: the SDK has closed its connection
	stuck    int           // sessions that never came back
	unopened int           // connections in a row that were made but did not open session

	mu        sync.Mutex // below: used by the SDK's goroutines too
	line      *relay
	dial      func() (net.Conn, error)
	ready     bool   // session had its READY: the next Serve resumes
	resumeURL string // as READY told
}

var _ gateway = (*sdkGateway)(nil)

func init() {
	// The SDK's logger is global to the process and writes tokens and people's words.
	discordgo.Logger = func(int, int, string, ...any) {}
}

func (g *sdkGateway) Resume() (string, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.resumeURL, g.session != nil && g.ready
}

func (g *sdkGateway) Serve(ctx context.Context, address string) *lineError {
	if g.session == nil {
		if err := g.renew(); err != nil {
			return err
		}
	}
	serving, cancel := context.WithCancelCause(ctx)
	defer cancel(errKeepSession)
	g.prepare(serving, address)
	if err := g.open(cancel); err != nil {
		return g.conclude(err)
	}
	line := g.current()
	<-line.done
	// The SDK sends its close frame nowhere, waits for a second, and tells.
	if !within(g.down, g.waits.Stuck) {
		return g.abandon()
	}
	return g.conclude(line.cause)
}

func (g *sdkGateway) current() *relay {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.line
}

// prepare says where the SDK's next dial goes to.
func (g *sdkGateway) prepare(ctx context.Context, address string) {
	dialer := &websocket.Dialer{Proxy: http.ProxyFromEnvironment, HandshakeTimeout: g.waits.Handshake}
	select { // a late word from the former connection
	case <-g.down:
	default:
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.line = nil
	g.dial = func() (net.Conn, error) {
		line, conn, err := startRelay(ctx, address, g.relay, dialer)
		if err != nil {
			return nil, err
		}
		g.mu.Lock()
		g.line = line
		g.mu.Unlock()
		return conn, nil
	}
}

// open lets the SDK connect, identify or resume, within a limit. nil: the line is up.
func (g *sdkGateway) open(cancel context.CancelCauseFunc) *lineError {
	opened := make(chan error, 1)
	session := g.session
	go func() { opened <- session.Open() }()
	limit := time.NewTimer(g.waits.Open)
	defer limit.Stop()
	var err error
	select {
	case err = <-opened:
	case <-limit.C:
		if line := g.current(); line != nil {
			line.stop(&lineError{detail: "no session in time"}, closeResumable) // what the SDK waits for fails
		}
		cancel(errKeepSession)
		grace := time.NewTimer(g.waits.Stuck)
		defer grace.Stop()
		select {
		case err = <-opened:
		case <-grace.C:
			return g.abandon()
		}
	}
	if err == nil {
		g.unopened = 0
		return nil
	}
	return g.notOpened()
}

// notOpened says why the line did not come up. Whoever is behind an address may be silent there for ever: the next try goes
// to another, and at last for a new session.
func (g *sdkGateway) notOpened() *lineError {
	line := g.current()
	if line == nil {
		return &lineError{detail: "gateway not reached", refused: true}
	}
	line.stop(&lineError{detail: "the SDK could not open the session"}, closeResumable)
	<-line.done
	cause := *line.cause
	g.unopened++
	cause.refused, cause.forget = true, cause.forget || g.unopened >= maxUnopened
	return &cause
}

// conclude drops the session if cause says that it cannot go on.
func (g *sdkGateway) conclude(cause *lineError) *lineError {
	g.mu.Lock()
	defer g.mu.Unlock()
	if cause.forget || cause.fatal {
		g.session, g.ready = nil, false
	}
	if cause.forget || cause.fatal || cause.refused {
		g.resumeURL = "" // also where nothing came about: the general address may do better
	}
	return cause
}

// abandon leaves a session behind that holds its own lock for ever. It costs a goroutine or two.
func (g *sdkGateway) abandon() *lineError {
	g.stuck++
	detail := fmt.Sprintf("the SDK's session hangs (%d so far)", g.stuck)
	return g.conclude(&lineError{detail: detail, forget: true, fatal: g.stuck >= maxStuck})
}

// renew makes a session of the SDK, which will identify.
func (g *sdkGateway) renew() *lineError {
	s, err := discordgo.New(g.token)
	if err != nil {
		return &lineError{detail: "make session", fatal: true}
	}
	s.Identify.Intents = intents
	s.Identify.Compress, s.Compress = false, false
	s.ShouldReconnectOnError, s.ShouldReconnectVoiceOnSessionError = false, false
	s.ShouldRetryOnRateLimit, s.MaxRestRetries = false, 0
	s.StateEnabled = false
	s.SyncEvents = true
	s.LogLevel = discordgo.LogError
	s.Client = &http.Client{Transport: gatewayAnswer{}}
	dial := func(context.Context, string, string) (net.Conn, error) {
		g.mu.Lock()
		dial := g.dial
		g.mu.Unlock()
		return dial()
	}
	s.Dialer = &websocket.Dialer{NetDialContext: dial, HandshakeTimeout: g.waits.Handshake}
	down := make(chan struct{}, 1)
	s.AddHandler(func(_ *discordgo.Session, e *discordgo.Event) { g.event(e) })
	s.AddHandler(func(*discordgo.Session, *discordgo.Disconnect) {
		select {
		case down <- struct{}{}:
		default:
		}
	})
	g.session, g.down, g.unopened = s, down, 0
	return nil
}

// event takes one event from the SDK, which makes new memory for each.
func (g *sdkGateway) event(e *discordgo.Event) {
	if e == nil || e.Operation != opDispatch {
		return
	}
	if e.Type == "READY" {
		var r ready
		if decode(e.RawData, &r) == nil {
			g.mu.Lock()
			g.ready, g.resumeURL = true, r.ResumeURL
			g.mu.Unlock()
		}
	}
	g.sink(dispatch{kind: strings.TrimPrefix(e.Type, disguise), seq: e.Sequence, data: e.RawData})
}

// gatewayAnswer answers the SDK's question for the gateway's address, without a call: the SDK could not be stopped
// while it waits for one, and the relay connects to where it is told anyway.
type gatewayAnswer struct{}

func (gatewayAnswer) RoundTrip(req *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(discordgo.EndpointGateway, req.URL.Path) {
		return nil, errors.New("the SDK makes no calls of its own here")
	}
	return &http.Response{
		Status: "200 OK", StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{}, Request: req,
		Body: io.NopCloser(strings.NewReader(`{"url":"ws://relay/"}`)),
	}, nil
}

// within waits for c, but not longer than d.
func within(c <-chan struct{}, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-c:
		return true
	case <-t.C:
		return false
	}
}
