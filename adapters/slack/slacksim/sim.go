package slacksim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Config says what the workspace is like. The zero value is useful: see the defaults.
type Config struct {
	Addr     string // default "127.0.0.1:0"
	BotToken string // default "xoxb-sim"
	AppToken string // default "xapp-sim"
	TeamID   string // default "T0SIM"
	BotUser  string // the bot's user id, default "U0BRIDGE"
	BotID    string // default "B0BRIDGE"
	BotName  string // default "bridge"
	AppID    string // default "A0BRIDGE"

	Scopes      []string // of the bot token; default: those of the bridge's manifest
	AppMentions bool     // app_mention is subscribed too, beside message.*

	UserToken    bool // BotToken is a person's: auth.test names no bot
	HeaderTokens bool // a token counts only in the header Authorization, where Slack recommends it

	NoLimits       bool // no rate limits at all
	Distributed    bool // history and replies: 1 call a minute and 15 objects (commercially distributed apps)
	PageSize       int  // messages on a page of a history at most; 0: as many as asked for
	PostBurst      int  // messages at once in a channel before 1 a second applies, default 3
	PostsPerMinute int  // of the whole workspace, default 400

	AckTimeout   time.Duration   // from sending an envelope, default 3 s
	Retries      []time.Duration // waits before the retries of an event; nil: 0, 1 min, 5 min
	PingInterval time.Duration   // default 10 s
	Parting      time.Duration   // from a disconnect message to the cut, default 10 s

	Seed      uint64           // of everything drawn by lot
	Now       func() time.Time // clock of ts, limits and response_urls; default time.Now
	KeepCalls int              // how many calls Calls remembers, default 20,000
}

// Sim is a running workspace. All methods may be called at any time from any goroutine.
type Sim struct {
	cfg    Config
	base   string // http://host:port
	server *http.Server
	quit   chan struct{}
	tasks  sync.WaitGroup // requests and socket writers

	mu      sync.Mutex // guards everything below
	closed  bool
	run     string // makes ids unique over runs
	serial  int64
	lastTS  int64 // microseconds
	rand    *rand.Rand
	waiters map[chan struct{}]struct{}

	scopes    map[string]bool
	appScopes map[string]bool   // of the app token
	settings  *settings         // nil: everything is sent
	revoked   map[string]string // token to error code
	users     map[string]*User
	channels  map[string]*channel
	order     []string // channel ids as they were added
	typing    map[string]string
	readLag   time.Duration

	tickets map[string]bool
	sockets []*socket
	door    Door
	flights map[string]*flight
	landed  []string // envelopes no longer awaited, oldest first
	held    []*delivery
	deaf    int // acknowledgements still to be ignored

	faults       []*Fault
	eventFaults  []*EventFault
	buckets      map[string]*bucket
	pauses       map[string]*pause
	interactions map[string]*Interaction // by id
	links        map[string]*Interaction // by the last part of the response_url
	ephemerals   []Message
	calls        []Call
	violations   []string
	lost         []string
	stats        Stats
}

// Start opens the port and serves until Close.
func Start(cfg Config) (*Sim, error) {
	cfg.setDefaults()
	ln, err := net.Listen("tcp", cfg.Addr)
	if err != nil {
		return nil, fmt.Errorf("listen for the simulated Slack: %w", err)
	}
	s := &Sim{
		cfg:          cfg,
		base:         "http://" + ln.Addr().String(),
		quit:         make(chan struct{}),
		run:          strconv.FormatInt(time.Now().UnixNano(), 36),
		rand:         rand.New(rand.NewPCG(cfg.Seed, 1)),
		waiters:      map[chan struct{}]struct{}{},
		scopes:       set(cfg.Scopes),
		appScopes:    set([]string{"connections:write"}),
		revoked:      map[string]string{},
		users:        map[string]*User{},
		channels:     map[string]*channel{},
		typing:       map[string]string{},
		tickets:      map[string]bool{},
		door:         DoorOpen,
		flights:      map[string]*flight{},
		buckets:      map[string]*bucket{},
		pauses:       map[string]*pause{},
		interactions: map[string]*Interaction{},
		links:        map[string]*Interaction{},
	}
	s.users[cfg.BotUser] = &User{ID: cfg.BotUser, Name: cfg.BotName, RealName: cfg.BotName, Bot: true}
	s.server = &http.Server{Handler: s.routes(), ReadHeaderTimeout: 10 * time.Second}
	s.tasks.Go(func() { _ = s.server.Serve(ln) }) // ends with ErrServerClosed
	return s, nil
}

func (c *Config) setDefaults() {
	text := func(p *string, v string) {
		if *p == "" {
			*p = v
		}
	}
	text(&c.Addr, "127.0.0.1:0")
	text(&c.BotToken, "xoxb-sim")
	text(&c.AppToken, "xapp-sim")
	text(&c.TeamID, "T0SIM")
	text(&c.BotUser, "U0BRIDGE")
	text(&c.BotID, "B0BRIDGE")
	text(&c.BotName, "bridge")
	text(&c.AppID, "A0BRIDGE")
	wait := func(p *time.Duration, v time.Duration) {
		if *p == 0 {
			*p = v
		}
	}
	wait(&c.AckTimeout, 3*time.Second)
	wait(&c.PingInterval, 10*time.Second)
	wait(&c.Parting, 10*time.Second)
	count := func(p *int, v int) {
		if *p == 0 {
			*p = v
		}
	}
	count(&c.PostBurst, 3)
	count(&c.PostsPerMinute, 400)
	count(&c.KeepCalls, 20_000)
	if c.Retries == nil {
		c.Retries = []time.Duration{0, time.Minute, 5 * time.Minute}
	}
	if c.Scopes == nil {
		c.Scopes = defaultScopes
	}
	if c.Now == nil {
		c.Now = time.Now
	}
}

// URL is the address of the Web API, with a slash at the end as clients need it.
func (s *Sim) URL() string { return s.base + "/api/" }

// Close cuts all connections and returns when everything has stopped. A second call does nothing.
func (s *Sim) Close() {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.closed = true
	close(s.quit)
	for _, so := range s.sockets {
		so.cut()
	}
	for _, f := range s.flights {
		f.timer.Stop()
	}
	s.mu.Unlock()
	_ = s.server.Close()
	s.tasks.Wait()
}

// Until waits until cond is true. It is asked now and after each change in the workspace, without any lock held, so
// it may call the simulator's methods.
func (s *Sim) Until(ctx context.Context, cond func() bool) error {
	wake := make(chan struct{}, 1)
	s.mu.Lock()
	s.waiters[wake] = struct{}{}
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.waiters, wake)
		s.mu.Unlock()
	}()
	for !cond() {
		select {
		case <-wake:
		case <-ctx.Done():
			return fmt.Errorf("wait for the simulated Slack: %w", ctx.Err())
		case <-s.quit:
			return errors.New("wait for the simulated Slack: it was closed")
		}
	}
	return nil
}

// changed wakes those who wait in Until. The lock is held.
func (s *Sim) changed() {
	for w := range s.waiters {
		select {
		case w <- struct{}{}:
		default:
		}
	}
}

// violate records a rule the client broke. The lock is held.
func (s *Sim) violate(format string, args ...any) {
	s.violations = append(s.violations, fmt.Sprintf(format, args...))
	s.changed()
}

// after calls f with the lock held when d is over, unless the simulator is closed by then.
func (s *Sim) after(d time.Duration, f func()) *time.Timer {
	return time.AfterFunc(d, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if !s.closed {
			f()
		}
	})
}

// id makes an id that no other run has used.
func (s *Sim) id(prefix string) string {
	s.serial++
	return fmt.Sprintf("%s%s%06d", prefix, s.run, s.serial)
}

// nextTS gives the time of a new message: unique in the workspace and rising.
func (s *Sim) nextTS() string {
	s.lastTS = max(s.lastTS+1, s.cfg.Now().UnixMicro())
	return tsOf(s.lastTS)
}

func set(words []string) map[string]bool {
	m := make(map[string]bool, len(words))
	for _, w := range words {
		m[w] = true
	}
	return m
}

// encode is json.Marshal for values that cannot fail to encode; raw JSON from clients was checked before it was kept.
func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		return []byte("null")
	}
	return b
}
