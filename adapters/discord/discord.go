package discord

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"ccbridge/bridge"
)

// Config is what an adapter needs. New fills in what has a default.
type Config struct {
	// Name is the adapter's configured name.
	Name string
	// APIURL is scheme, host and an optional path prefix of the REST API; default https://discord.com.
	APIURL   string
	BotToken string // without "Bot "
	// Guilds are the ids of the guilds to serve; messages of others are ignored. Direct messages are always served.
	Guilds []string
	// Commands names the slash commands; default agent and end.
	Commands struct{ Agent, End string }
	// PostGap is the least time between posts in one channel once a burst of five is used up; default 1 s, negative
	// for none.
	PostGap time.Duration
	Log     *slog.Logger // default: none
	// Former is an adapter of this application that has run before, in whose place this one comes; nil: there is none.
	Former *Adapter
	Waits  Waits
}

// Waits are the times the gateway's supervision works with; zero means the default. Tests shorten them.
type Waits struct {
	Open        time.Duration // for a connection to be up; 60 s
	Idle        time.Duration // longest silence of the gateway; 100 s
	Write       time.Duration // longest write to the gateway; 10 s
	Handshake   time.Duration // longest WebSocket handshake; 15 s
	Room        time.Duration // longest wait for the inbox before the line is closed; 10 s
	Stuck       time.Duration // for the SDK to notice a closed line; 5 s
	Backoff     time.Duration // first pause between connections; 1 s
	BackoffMax  time.Duration // longest; 60 s
	IdentifyGap time.Duration // between two Identify; 5.5 s: Discord's 5 s, and what the former was under way
}

const (
	standardURL = "https://discord.com"
	standardGap = time.Second
	postBurst   = 5
	// maxSent is how many of our own messages' nonces are remembered.
	maxSent = 20_000
	// maxBackground calls beside the lanes may be under way.
	maxBackground = 256
	maxIdle       = 64 // connections kept
)

// Adapter carries one Discord application's conversations.
type Adapter struct {
	cfg      Config
	log      *slog.Logger
	guilds   []snowflake
	commands struct{ agent, end string }
	client   *http.Client
	rest     *rest
	dir      *directory
	lanes    *lanes
	sent     *cache[snowflake, string] // our own messages: id → nonce
	directs  *cache[snowflake, int64]  // direct-message channels that were read → gaps then
	register chan struct{}             // the commands may have to be registered
	slots    chan struct{}             // of background calls
	tasks    sync.WaitGroup            // background calls under way

	up          atomic.Bool // READY or RESUMED came on this connection
	connections atomic.Int64
	gaps        atomic.Int64           // times that something may have been missed
	session     atomic.Pointer[string] // the gateway's session id
	identified  atomic.Int64           // when the last Identify went out, Unix nanoseconds; 0: none
	lastGap     atomic.Int64           // when askCatchUp last did, Unix nanoseconds
	warnEmpty   sync.Once
}

var (
	_ bridge.Adapter = (*Adapter)(nil)
	_ bridge.Pacer   = (*Adapter)(nil)
)

// New checks cfg and makes an adapter. It opens nothing. All faults are told at once.
func New(cfg Config) (*Adapter, error) {
	var faults []error
	if cfg.Name == "" {
		faults = append(faults, errors.New("name is missing"))
	}
	if cfg.BotToken == "" {
		faults = append(faults, errors.New("bot token is missing"))
	}
	if cfg.APIURL == "" {
		cfg.APIURL = standardURL
	}
	base, err := url.Parse(cfg.APIURL)
	if err != nil || base.Host == "" || (base.Scheme != "http" && base.Scheme != "https") {
		faults = append(faults, errors.New("API URL is no http or https address"))
	}
	a := &Adapter{
		cfg: cfg, log: cfg.Log, dir: newDirectory(), lanes: newLanes(maxWaiting), sent: newCache[snowflake, string](maxSent),
		directs: newCache[snowflake, int64](maxDirects), register: make(chan struct{}, 1), slots: make(chan struct{}, maxBackground),
	}
	for _, g := range cfg.Guilds {
		id, err := parseSnowflake(g)
		if err != nil {
			faults = append(faults, fmt.Errorf("guild: %w", err))
			continue
		}
		a.guilds = append(a.guilds, id)
	}
	a.commands.agent = commandName(cfg.Commands.Agent, "agent")
	a.commands.end = commandName(cfg.Commands.End, "end")
	if a.commands.agent == a.commands.end {
		faults = append(faults, errors.New("both commands have the same name"))
	}
	if len(faults) > 0 {
		return nil, fmt.Errorf("discord adapter %q: %w", cfg.Name, errors.Join(faults...))
	}
	if a.log == nil {
		a.log = slog.New(slog.DiscardHandler)
	}
	a.log = a.log.With("adapter", cfg.Name)
	a.cfg.Waits = cfg.Waits.withDefaults()
	a.connectTo(base)
	return a, nil
}

// connectTo prepares the HTTP client.
func (a *Adapter) connectTo(base *url.URL) {
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, MaxIdleConns: maxIdle, MaxIdleConnsPerHost: maxIdle,
		IdleConnTimeout: 90 * time.Second, TLSHandshakeTimeout: 10 * time.Second,
	}
	a.client = &http.Client{
		Transport: rewrite{to: base, next: transport},
		// A redirect would take the token elsewhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	a.rest = &rest{client: a.client, token: "Bot " + a.cfg.BotToken, limits: newLimits(time.Now)}
}

func (w Waits) withDefaults() Waits {
	standard := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	standard(&w.Open, time.Minute)
	standard(&w.Idle, 100*time.Second)
	standard(&w.Write, 10*time.Second)
	standard(&w.Handshake, 15*time.Second)
	standard(&w.Room, 10*time.Second)
	standard(&w.Stuck, 5*time.Second)
	standard(&w.Backoff, time.Second)
	standard(&w.BackoffMax, time.Minute)
	standard(&w.IdentifyGap, 5500*time.Millisecond)
	return w
}

// Run keeps the gateway's line up until ctx ends, then stores what was received and returns nil. An error means that
// the token or the intents are refused, or that the SDK hangs again and again.
func (a *Adapter) Run(ctx context.Context, in bridge.Inbox) error {
	if former := a.cfg.Former; former != nil { // the pause between two Identify counts from its last one
		a.identified.Store(former.identified.Load())
		a.cfg.Former = nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer a.client.CloseIdleConnections()
	var parts sync.WaitGroup
	parts.Go(func() {
		a.lanes.work(ctx, func(ctx context.Context, batch []incoming) { a.handle(ctx, in, batch) })
	})
	parts.Go(func() { a.keepCommands(ctx) })
	err := a.keepLine(ctx, in, &sdkGateway{
		token: "Bot " + a.cfg.BotToken,
		waits: a.cfg.Waits,
		sink:  func(d dispatch) { a.dispatched(ctx, in, d) },
		relay: relayConfig{
			idle: a.cfg.Waits.Idle, write: a.cfg.Waits.Write,
			room:       func() bool { return a.lanes.room(ctx, a.cfg.Waits.Room) },
			identified: func() { a.identified.Store(time.Now().UnixNano()) },
		},
	})
	cancel()
	parts.Wait()
	a.tasks.Wait()
	return err
}

// background runs f beside the lanes; Run waits for it. false: too many are under way.
func (a *Adapter) background(ctx context.Context, f func(context.Context)) bool {
	select {
	case a.slots <- struct{}{}:
	default:
		return false
	}
	a.tasks.Go(func() {
		defer func() { <-a.slots }()
		f(ctx)
	})
	return true
}

// Pace lets five posts go at once in a channel, then one in PostGap: about what Discord allows.
func (a *Adapter) Pace(t bridge.ThreadKey) (place string, gap time.Duration, burst int) {
	place = t.Root
	if place == "" {
		place = t.Channel
	}
	switch {
	case a.cfg.PostGap < 0:
		return place, 0, 0
	case a.cfg.PostGap == 0:
		return place, standardGap, postBurst
	}
	return place, a.cfg.PostGap, postBurst
}
