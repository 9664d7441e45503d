package ccmsim

import (
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Config says how a simulator starts. The zero value works: a free loopback
// port and the documented defaults.
type Config struct {
	Addr      string // loopback address to listen on; default "127.0.0.1:0"
	AppKey    string // default "sim-app-key"
	AppSecret string // default "sim-app-secret"
	ChannelID string // channel configuration id; default "202500000000000001"
	Robot     Robot
	Switches
	Seed     uint64 // of the dice of Fault.Odds
	LogLimit int    // entries kept in the log; default 200000, the older half is dropped beyond
}

// Sim is a running contact centre. All methods may be called from any goroutine.
type Sim struct {
	cfg    Config
	server *http.Server
	url    string

	pollGrace time.Duration // defaultPollGrace outside tests

	closing chan struct{} // closed by Close
	once    sync.Once
	running sync.WaitGroup // accept loop, housekeeper, handlers

	mu       sync.Mutex // guards everything below
	sw       Switches
	access   map[string]*accessToken
	tokens   map[string]*visitorToken
	visitors map[string]*visitor
	queue    []*visitor // waiting for an agent, in order
	files    map[string][]byte
	faults   []*armedFault
	dice     *rand.Rand
	bucket   bucket

	log        []Entry
	seq        int
	violations []string
	calls      map[string]int
	changed    chan struct{} // closed at the next change; nil while nobody waits
}

// Start opens the port and serves until Close.
func Start(cfg Config) (*Sim, error) {
	setDefault(&cfg.Addr, "127.0.0.1:0")
	setDefault(&cfg.AppKey, "sim-app-key")
	setDefault(&cfg.AppSecret, "sim-app-secret")
	setDefault(&cfg.ChannelID, "202500000000000001")
	if cfg.LogLimit <= 0 {
		cfg.LogLimit = 200_000
	}
	cfg.Robot.setDefaults()
	cfg.setDefaults()

	listener, err := net.Listen("tcp", cfg.Addr)
	if err != nil {
		return nil, fmt.Errorf("start contact centre simulator: %w", err)
	}
	if tcp, ok := listener.Addr().(*net.TCPAddr); !ok || !tcp.IP.IsLoopback() {
		listener.Close()
		return nil, fmt.Errorf("start contact centre simulator: %s is not a loopback address", cfg.Addr)
	}
	s := &Sim{
		cfg:       cfg,
		url:       "http://" + listener.Addr().String(),
		pollGrace: defaultPollGrace,
		closing:   make(chan struct{}),
		sw:        cfg.Switches,
		access:    map[string]*accessToken{},
		tokens:    map[string]*visitorToken{},
		visitors:  map[string]*visitor{},
		files:     map[string][]byte{},
		dice:      rand.New(rand.NewPCG(cfg.Seed, 0)),
		calls:     map[string]int{},

		log:        []Entry{}, // so that JSON says [], not null
		violations: []string{},
	}
	s.server = &http.Server{
		Handler:           http.HandlerFunc(s.serve),
		ReadHeaderTimeout: 30 * time.Second,
		ErrorLog:          log.New(io.Discard, "", 0),
	}
	s.running.Go(func() { _ = s.server.Serve(listener) }) // ends with Close, the only cause of its error
	s.running.Go(s.keepHouse)
	return s, nil
}

func setDefault(value *string, standard string) {
	if *value == "" {
		*value = standard
	}
}

// URL is the base of both the API and the auth address, without a final slash.
func (s *Sim) URL() string { return s.url }

// AppKey, AppSecret and ChannelID are what a client must be configured with.
func (s *Sim) AppKey() string    { return s.cfg.AppKey }
func (s *Sim) AppSecret() string { return s.cfg.AppSecret }
func (s *Sim) ChannelID() string { return s.cfg.ChannelID }

// SetAppSecret replaces the application's secret. AccessTokens that were handed out stay good.
func (s *Sim) SetAppSecret(secret string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cfg.AppSecret = secret
}

// Close drops all connections and returns when everything has stopped. The
// records stay readable. A second call does nothing.
func (s *Sim) Close() {
	s.once.Do(func() {
		s.mu.Lock()
		close(s.closing)
		s.mu.Unlock()
		s.server.Close()
	})
	s.running.Wait()
}

// endpoint is one path of the API.
type endpoint struct {
	op, method string
	do         func(*Sim, *call) reply
}

const apiPath = "/apiaccess/ccmessaging/"

var endpoints = map[string]endpoint{
	"/apigovernance/api/oauth/tokenByAkSk":    {"tokenByAkSk", http.MethodPost, (*Sim).tokenByAkSk},
	apiPath + "applyToken":                    {"applyToken", http.MethodPost, (*Sim).applyToken},
	apiPath + "send":                          {"send", http.MethodPost, (*Sim).send},
	apiPath + "sendAsync":                     {"sendAsync", http.MethodPost, (*Sim).sendAsync},
	apiPath + "poll":                          {"poll", http.MethodGet, (*Sim).poll},
	apiPath + "queryQueueInfo":                {"queue", http.MethodPost, (*Sim).queryQueueInfo},
	apiPath + "queryHistoryChatMessage":       {"history", http.MethodPost, (*Sim).queryHistory},
	apiPath + "doLeaveMessage":                {"leave", http.MethodPost, (*Sim).leaveMessage},
	apiPath + "getsatisfactionsurveymode":     {"survey", http.MethodPost, (*Sim).surveyMode},
	apiPath + "saveSatisfaction":              {"saveSurvey", http.MethodPost, (*Sim).saveSurvey},
	apiPath + "v1/robot/feedbacksatisfaction": {"robotFeedback", http.MethodPost, (*Sim).robotFeedback},
	apiPath + "uploadFileStream":              {"upload", http.MethodPost, (*Sim).upload},
	apiPath + "downloadFileStream":            {"download", http.MethodPost, (*Sim).download},
}

// serve is the way of every request: route, fault, deed, answer.
func (s *Sim) serve(w http.ResponseWriter, r *http.Request) {
	if !s.enter() {
		return
	}
	defer s.running.Done()
	if strings.HasPrefix(r.URL.Path, controlPath) {
		s.control(w, r)
		return
	}
	e, ok := endpoints[r.URL.Path]
	if !ok {
		s.violate("%s %s: no such path", r.Method, r.URL.Path)
		reply{status: http.StatusNotFound, body: []byte(`{"error":"not found"}`)}.write(w)
		return
	}
	if r.Method != e.method {
		s.violate("%s %s: method must be %s", r.Method, r.URL.Path, e.method)
		reply{status: http.StatusMethodNotAllowed, header: map[string]string{"Allow": e.method}}.write(w)
		return
	}
	c := readCall(e.op, r)
	s.count(c.op)
	if rep, limited := s.limit(c); limited {
		rep.write(w)
		return
	}
	s.answer(w, c, e.do)
}

// enter counts a handler as running, unless Close has begun: then it must not
// start, as Close may have stopped waiting.
func (s *Sim) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.closing:
		return false
	default:
		s.running.Add(1)
		return true
	}
}

// keepHouse lets time pass: idle and lost sessions, reminders in the queue.
func (s *Sim) keepHouse() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-s.closing:
			return
		case now := <-timer.C:
			timer.Reset(s.pass(now))
		}
	}
}

// pass does what is due at now and returns when to look again: a tenth of the
// shortest time that matters, between 1 ms and 1 s.
func (s *Sim) pass(now time.Time) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range s.visitors {
		if v.live() {
			s.age(v, now)
		}
	}
	next := min(s.sw.SessionTimeout, s.sw.IdleTimeout)
	if s.sw.QueueRemind > 0 {
		next = min(next, s.sw.QueueRemind)
	}
	return min(max(next/10, time.Millisecond), time.Second)
}
