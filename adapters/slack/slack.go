package slack

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/slack-go/slack"

	"ccbridge/bridge"
)

var (
	_ bridge.Adapter = (*Adapter)(nil)
	_ bridge.Pacer   = (*Adapter)(nil)
)

// DefaultAPIURL is Slack's Web API.
const DefaultAPIURL = "https://slack.com/api/"

// Config is what an adapter needs. Name, BotToken and AppToken are required.
type Config struct {
	Name     string // configured name of the adapter
	APIURL   string // default DefaultAPIURL
	BotToken string // xoxb-…, of one workspace
	AppToken string // xapp-…, with connections:write
	Commands Commands
	PostGap  time.Duration // least gap between posts to one channel; default 1 s, negative: none
	Log      *slog.Logger
	Waits    Waits
}

// Commands are the names of the slash commands, with the slash. Default: /agent and /end.
type Commands struct{ Agent, End string }

// Waits are the adapter's times. Zero values mean the defaults; tests shorten them.
type Waits struct {
	Backoff []time.Duration // between attempts to connect, the last one again and again; default 1, 2, 5, 10, 30, 60 s
	Fatal   time.Duration   // between attempts while Slack refuses the token; default 60 s
	Hello   time.Duration   // how long a socket may take to say hello; default 10 s
	Stable  time.Duration   // a socket that lived this long is replaced without delay; default 30 s
	Apart   time.Duration   // between the starts of the two sockets; default 3 s
	Ping    time.Duration   // a socket without a ping for so long is dead; default 30 s (Slack pings more often)
	Put     time.Duration   // one commit; default 2 s, because Slack waits 3 s for the acknowledgement
	Names   time.Duration   // looking up the names in one event; default 500 ms
	Call    time.Duration   // one call to the Web API, at most; default 30 s
}

// Adapter is one Slack workspace.
type Adapter struct {
	cfg      Config
	log      *slog.Logger
	http     *http.Client
	api      *slack.Client
	users    *directory
	channels *directory
	pauses   *pauses

	identifying sync.Mutex // held while auth.test is asked
	self        atomic.Pointer[identity]

	// plainNames: the token may not post under other names (chat:write.customize), so speakers are named in the text.
	plainNames atomic.Bool
	gone       *recent[bridge.ThreadKey] // threads whose root was seen to be deleted
}

// New makes an adapter and opens nothing.
func New(cfg Config) (*Adapter, error) {
	if cfg.Name == "" || cfg.BotToken == "" || cfg.AppToken == "" {
		return nil, errors.New("slack adapter: name, bot token and app token are required")
	}
	if cfg.APIURL == "" {
		cfg.APIURL = DefaultAPIURL
	}
	if u, err := url.Parse(cfg.APIURL); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, fmt.Errorf("slack adapter %s: api url is not an absolute http or https address", cfg.Name)
	}
	if !strings.HasSuffix(cfg.APIURL, "/") {
		cfg.APIURL += "/" // slack-go concatenates
	}
	cfg.setDefaults()

	transport := http.DefaultTransport.(*http.Transport).Clone() // with the proxy of the environment
	transport.MaxIdleConnsPerHost = 32
	a := &Adapter{
		cfg: cfg,
		log: cfg.Log.With("adapter", cfg.Name),
		http: &http.Client{
			Transport: transport,
			Timeout:   cfg.Waits.Call,
			// The token must not follow a redirect.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		pauses: newPauses(),
		gone:   newRecent[bridge.ThreadKey](1000),
	}
	a.api = a.client(a.http)
	a.users = newDirectory(a.lookUpUser)
	a.channels = newDirectory(a.lookUpChannel)
	return a, nil
}

// doer makes HTTP requests, as the library wants it.
type doer interface {
	Do(*http.Request) (*http.Response, error)
}

// client makes a client of the library. No retry option: a repeated post would be a second post. No debug option: it
// logs texts and shortens the life of sockets.
func (a *Adapter) client(d doer) *slack.Client {
	return slack.New(a.cfg.BotToken,
		slack.OptionAppLevelToken(a.cfg.AppToken),
		slack.OptionAPIURL(a.cfg.APIURL),
		slack.OptionHTTPClient(&bearer{client: d, token: a.cfg.BotToken}),
	)
}

// bearer says the token in the header, where Slack recommends it; the library writes it into the form only.
type bearer struct {
	client doer
	token  string
}

func (b *bearer) Do(req *http.Request) (*http.Response, error) {
	if req.Header.Get("Authorization") == "" { // apps.connections.open has the app's
		req.Header.Set("Authorization", "Bearer "+b.token)
	}
	return b.client.Do(req)
}

func (c *Config) setDefaults() {
	setDefault(&c.Commands.Agent, "/agent")
	setDefault(&c.Commands.End, "/end")
	setDefault(&c.PostGap, time.Second)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	w := &c.Waits
	if len(w.Backoff) == 0 {
		w.Backoff = []time.Duration{time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 30 * time.Second, time.Minute}
	}
	setDefault(&w.Fatal, time.Minute)
	setDefault(&w.Hello, 10*time.Second)
	setDefault(&w.Stable, 30*time.Second)
	setDefault(&w.Apart, 3*time.Second)
	setDefault(&w.Ping, 30*time.Second)
	setDefault(&w.Put, 2*time.Second)
	setDefault(&w.Names, 500*time.Millisecond)
	setDefault(&w.Call, 30*time.Second)
}

func setDefault[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}

// Pace says that Slack takes about one message a second per channel, whatever the thread (Slack: rate limits).
func (a *Adapter) Pace(t bridge.ThreadKey) (place string, gap time.Duration, burst int) {
	return a.cfg.Name + "/" + t.Channel, max(a.cfg.PostGap, 0), 1
}

// Run identifies the bot, then keeps two sockets up until ctx ends. It never gives up: what only the operator can
// mend is reported as LineFailed and tried again slowly.
func (a *Adapter) Run(ctx context.Context, in bridge.Inbox) error {
	defer a.http.CloseIdleConnections()
	l := &line{report: func(state bridge.Line) { in.Report(a.cfg.Name, state) }}
	if !a.identifyUntil(ctx, l) {
		return nil
	}
	r := newReceiver(a, in)
	var wg sync.WaitGroup
	for _, queue := range r.queues {
		wg.Go(func() { r.work(ctx, queue) })
	}
	for i := range 2 {
		wg.Go(func() {
			// Apart, so that Slack does not refresh both at the same moment.
			if sleep(ctx, time.Duration(i)*a.cfg.Waits.Apart) {
				a.keepSocket(ctx, r, l)
			}
		})
	}
	wg.Wait()
	return nil
}

// identity is who the bot token belongs to (Slack: auth.test).
type identity struct {
	team string // the installation's workspace
	user string // the bot as a person: U…
	bot  string // the bot as an integration: B…
	app  string // from the events themselves: A…
	url  string // of the workspace, ends in a slash
}

// identify tells who we are, asking Slack the first time.
func (a *Adapter) identify(ctx context.Context) (identity, error) {
	if self := a.self.Load(); self != nil {
		return *self, nil
	}
	a.identifying.Lock()
	defer a.identifying.Unlock()
	if self := a.self.Load(); self != nil {
		return *self, nil
	}
	res, err := a.api.AuthTestContext(ctx)
	if err != nil {
		return identity{}, fmt.Errorf("auth.test: %w", cleanError(err))
	}
	if res.TeamID == "" || res.UserID == "" {
		return identity{}, errors.New("auth.test: answer without team or user")
	}
	self := identity{team: res.TeamID, user: res.UserID, bot: res.BotID, url: res.URL}
	a.self.Store(&self)
	return self, nil
}

// identifyUntil asks who we are until there is an answer; false if ctx ended first.
func (a *Adapter) identifyUntil(ctx context.Context, l *line) bool {
	for tries := 0; ctx.Err() == nil; tries++ {
		_, err := a.identify(ctx)
		if err == nil {
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		l.trouble(err)
		if !sleep(ctx, a.cfg.Waits.pause(tries, err)) {
			return false
		}
	}
	return false
}

// sleep waits for d; false if ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
