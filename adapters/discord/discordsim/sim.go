package discordsim

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Config says what Discord to start. The zero value is a usable one.
type Config struct {
	Addr     string // "127.0.0.1:0"
	BotToken string // "sim-bot-token", without the prefix "Bot "
	AppID    string // "1400000000000000001"; the bot user has the same id, as with real applications
	BotName  string // "ccbridge"
	CDN      string // "https://cdn.discordapp.com": what attachment URLs begin with

	Verified          bool          // the application was reviewed: MESSAGE_CONTENT without limit
	Public            bool          // anybody may invite the bot
	InteractionsURL   string        // of the developer portal: interactions go there, not to the gateway
	NoMessageContent  bool          // the MESSAGE_CONTENT intent is off in the developer portal
	NoLimits          bool          // no rate limits, no limits of Identify: for benchmarks
	HeartbeatInterval time.Duration // 41.25 s; a client silent for twice as long is closed with 4009
	ResumeWindow      time.Duration // 3 min: how long a session outlives its connection
	NonceWindow       time.Duration // 3 min: how long enforce_nonce looks back
	IdentifySpacing   time.Duration // 5 s between two Identify (max_concurrency 1)
	IdentifyTotal     int           // 1000 per 24 h
	InvalidBudget     int           // over 0: more 401, 403 and 429 answers than this in 10 min are noted as a violation
}

// Bounds of what the simulator remembers.
const (
	keptCalls      = 100_000
	keptViolations = 10_000
	keptFrames     = 50_000 // events per gateway session, for Resume
	maxBody        = 25 << 20
)

var epoch = time.UnixMilli(1420070400000) // of snowflakes

// Sim is a running Discord. All methods are safe for concurrent use.
type Sim struct {
	cfg      Config
	listener net.Listener
	server   *http.Server
	done     chan struct{} // closed by Close: cuts delays short
	running  sync.WaitGroup

	mu         sync.Mutex
	changed    chan struct{} // closed and replaced when something a View shows has changed
	closed     bool
	offset     time.Duration // of the clock, by Advance
	lastID     uint64
	agedIDs    uint64
	token      string
	bot        *user
	users      map[string]*user
	guilds     map[string]*guild
	guildOrder []string
	channels   map[string]*channel
	dms        map[string]*channel // by user id
	messages   map[string]*message
	nonces     map[string]sentNonce
	automod    string
	commands   map[string][]object // by guild id, "" for global ones
	created    map[string]int      // commands created, by guild id
	actions    map[string]*interaction
	tokens     map[string]*interaction
	gateway    gateway
	faults     []*Fault
	limits     limits
	calls      []Call
	violations []string
}

// Start listens and serves until Close.
func Start(cfg Config) (*Sim, error) {
	cfg.Addr = cmp.Or(cfg.Addr, "127.0.0.1:0")
	cfg.BotToken = cmp.Or(cfg.BotToken, "sim-bot-token")
	cfg.AppID = cmp.Or(cfg.AppID, "1400000000000000001")
	cfg.BotName = cmp.Or(cfg.BotName, "ccbridge")
	cfg.CDN = cmp.Or(cfg.CDN, "https://cdn.discordapp.com")
	cfg.HeartbeatInterval = cmp.Or(cfg.HeartbeatInterval, 41250*time.Millisecond)
	cfg.ResumeWindow = cmp.Or(cfg.ResumeWindow, 3*time.Minute)
	cfg.NonceWindow = cmp.Or(cfg.NonceWindow, 3*time.Minute)
	cfg.IdentifySpacing = cmp.Or(cfg.IdentifySpacing, 5*time.Second)
	cfg.IdentifyTotal = cmp.Or(cfg.IdentifyTotal, 1000)

	listener, err := net.Listen("tcp", cfg.Addr)
	if err != nil {
		return nil, fmt.Errorf("start discord simulator: %w", err)
	}
	s := &Sim{
		cfg: cfg, listener: listener, token: cfg.BotToken,
		done: make(chan struct{}), changed: make(chan struct{}),
		users: map[string]*user{}, guilds: map[string]*guild{}, channels: map[string]*channel{},
		dms: map[string]*channel{}, messages: map[string]*message{}, nonces: map[string]sentNonce{}, commands: map[string][]object{},
		created: map[string]int{}, actions: map[string]*interaction{}, tokens: map[string]*interaction{},
		gateway: newGateway(), limits: newLimits(),
	}
	s.bot = &user{ID: cfg.AppID, Username: cfg.BotName, Discriminator: "0001", Bot: true}
	s.users[s.bot.ID] = s.bot
	s.server = &http.Server{Handler: s.handler(), ReadHeaderTimeout: 30 * time.Second}
	s.running.Go(func() { _ = s.server.Serve(listener) })
	return s, nil
}

// URL is the address that stands for https://discord.com, without a trailing slash.
func (s *Sim) URL() string { return "http://" + s.listener.Addr().String() }

func (s *Sim) gatewayURL() string { return "ws://" + s.listener.Addr().String() }

// Close cuts every connection and waits until all is quiet. Calling it twice is harmless.
func (s *Sim) Close() {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.closed = true
	close(s.done)
	for c := range s.gateway.conns {
		c.cut()
	}
	s.mu.Unlock()
	_ = s.server.Close()
	s.running.Wait()
}

// Advance moves the simulator's clock forward: nonces, interaction tokens, rate limits and sessions age.
func (s *Sim) Advance(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offset += max(d, 0)
	s.changedLocked()
}

func (s *Sim) now() time.Time { return time.Now().Add(s.offset) }

// newID makes a snowflake that is higher than all before it.
func (s *Sim) newID() uint64 {
	id := uint64(s.now().Sub(epoch).Milliseconds()) << 22
	s.lastID = max(s.lastID+1, id)
	return s.lastID
}

// agedID makes a snowflake of the past: unique, rising among equals, below those of newID of that millisecond's end.
func (s *Sim) agedID(age time.Duration) uint64 {
	if age <= 0 {
		return s.newID()
	}
	s.agedIDs++
	return uint64(s.now().Add(-age).Sub(epoch).Milliseconds())<<22 | 1<<21 | s.agedIDs&(1<<21-1)
}

func idTime(id uint64) time.Time { return epoch.Add(time.Duration(id>>22) * time.Millisecond) }

func format(id uint64) string { return strconv.FormatUint(id, 10) }

// parseID reads a snowflake; what is none gives ok false.
func parseID(id string) (n uint64, ok bool) {
	n, err := strconv.ParseUint(id, 10, 64)
	return n, err == nil && n > 0
}

// violate notes a break of a rule. The caller holds the lock.
func (s *Sim) violate(format string, args ...any) {
	if len(s.violations) < keptViolations {
		s.violations = append(s.violations, fmt.Sprintf(format, args...))
	}
	s.changedLocked()
}

func (s *Sim) changedLocked() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// Until waits until done says so, asking again after every change. It fails when ctx ends first, or the simulator.
func (s *Sim) Until(ctx context.Context, done func(*View) bool) error {
	tick := time.NewTicker(50 * time.Millisecond) // some states come by time alone
	defer tick.Stop()
	for {
		s.mu.Lock()
		ok, changed := done(&View{s}), s.changed
		s.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-changed:
		case <-tick.C:
		case <-s.done:
			return errors.New("wait for a condition: simulator closed")
		case <-ctx.Done():
			return fmt.Errorf("wait for a condition: %w", ctx.Err())
		}
	}
}
