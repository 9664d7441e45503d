package slacksim

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Call is one request to the Web API or to a response_url, without its token.
type Call struct {
	At      time.Time         `json:"at"`
	Method  string            `json:"method"` // "response_url" for those
	Args    map[string]string `json:"args"`
	Done    bool              `json:"done"`   // it was carried out
	Status  int               `json:"status"` // HTTP status; 0: the connection was cut
	Error   string            `json:"error,omitempty"`
	Answer  json.RawMessage   `json:"answer,omitempty"` // as sent; nil if it was no JSON
	Faulted bool              `json:"faulted,omitempty"`
}

// refusal is an answer with ok:false.
type refusal struct {
	code     string
	needed   string   // the missing scope
	messages []string // what is wrong in detail
	wait     int      // seconds, of a rate limit
}

// malformed are the codes of calls that no state of things would make right.
var malformed = map[string]bool{}

func init() {
	for _, code := range strings.Fields(`no_text msg_too_long msg_blocks_too_long invalid_blocks invalid_blocks_format invalid_attachments
		too_many_attachments metadata_too_large invalid_metadata_format invalid_thread_ts invalid_arguments invalid_form_data invalid_json
		json_not_object invalid_post_type invalid_cursor invalid_limit invalid_types invalid_name markdown_text_conflict unknown_method
		not_authed users_list_not_supplied`) {
		malformed[code] = true
	}
}

func refuse(code string, messages ...string) *refusal {
	return &refusal{code: code, messages: messages}
}

type answer map[string]any

// method is one Web API method. do runs with the lock held.
type method struct {
	perMinute int    // its tier; 0: limited elsewhere
	scope     string // needed always; "" where it depends on the arguments
	app       bool   // wants the app token
	do        func(*Sim, args) (answer, *refusal)
}

var methods = map[string]method{
	"api.test":                    {perMinute: 100, do: func(*Sim, args) (answer, *refusal) { return answer{}, nil }},
	"auth.test":                   {perMinute: 300, do: (*Sim).authTest},
	"apps.connections.open":       {perMinute: 50, app: true, do: (*Sim).connectionsOpen},
	"chat.postMessage":            {scope: "chat:write", do: (*Sim).postMessage},
	"chat.postEphemeral":          {perMinute: 100, scope: "chat:write", do: (*Sim).postEphemeral},
	"chat.update":                 {perMinute: 50, scope: "chat:write", do: (*Sim).updateMessage},
	"chat.delete":                 {perMinute: 50, scope: "chat:write", do: (*Sim).deleteMessage},
	"chat.getPermalink":           {perMinute: 300, do: (*Sim).permalink},
	"conversations.history":       {perMinute: 50, do: (*Sim).history},
	"conversations.replies":       {perMinute: 50, do: (*Sim).replies},
	"conversations.info":          {perMinute: 50, do: (*Sim).conversationInfo},
	"conversations.list":          {perMinute: 20, do: (*Sim).conversationsList},
	"users.conversations":         {perMinute: 50, do: (*Sim).usersConversations},
	"conversations.open":          {perMinute: 50, scope: "im:write", do: (*Sim).conversationsOpen},
	"users.info":                  {perMinute: 100, scope: "users:read", do: (*Sim).usersInfo},
	"bots.info":                   {perMinute: 50, scope: "users:read", do: (*Sim).botsInfo},
	"reactions.add":               {perMinute: 50, scope: "reactions:write", do: (*Sim).reactionsAdd},
	"assistant.threads.setStatus": {perMinute: 600, scope: "chat:write", do: (*Sim).setStatus},
}

var defaultScopes = []string{"channels:history", "channels:read", "chat:write", "chat:write.customize", "commands",
	"groups:history", "groups:read", "im:history", "im:read", "users:read"}

func (s *Sim) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/api/{method}", s.serveAPI)
	mux.HandleFunc("POST /response/{link}", s.serveResponse)
	mux.HandleFunc("GET /link/", s.serveSocket)
	s.controls(mux)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		if s.closed {
			s.mu.Unlock()
			return
		}
		s.tasks.Add(1)
		s.mu.Unlock()
		defer s.tasks.Done()
		mux.ServeHTTP(w, r)
	})
}

func (s *Sim) serveAPI(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("method")
	a, bad := readArgs(w, r)
	tok := a["token"]
	delete(a, "token")
	if s.cfg.HeaderTokens {
		tok = ""
	}
	if h := r.Header.Get("Authorization"); h != "" {
		tok = strings.TrimPrefix(h, "Bearer ")
	}
	s.answer(w, r, name, a, func() (answer, *refusal) {
		if bad != nil {
			return nil, bad
		}
		return s.call(name, tok, a)
	})
}

// call checks the right to call and the limits, then does it. The lock is held.
func (s *Sim) call(name, tok string, a args) (answer, *refusal) {
	m, ok := methods[name]
	if !ok {
		return nil, refuse("unknown_method")
	}
	if bad := s.authorize(m, tok); bad != nil {
		return nil, bad
	}
	if bad := s.limit(name, m, a["channel"]); bad != nil {
		return nil, bad
	}
	if bad := s.needs(m.scope); bad != nil {
		return nil, bad
	}
	return m.do(s, a)
}

func (s *Sim) authorize(m method, tok string) *refusal {
	own, other := s.cfg.BotToken, s.cfg.AppToken
	if m.app {
		own, other = other, own
	}
	switch {
	case tok == "":
		return refuse("not_authed")
	case s.revoked[tok] != "":
		return refuse(s.revoked[tok])
	case tok != own && tok != other:
		return refuse("invalid_auth")
	case tok == other:
		return refuse("not_allowed_token_type")
	}
	return nil
}

func (s *Sim) needs(scope string) *refusal {
	if scope == "" || s.scopes[scope] {
		return nil
	}
	return &refusal{code: "missing_scope", needed: scope}
}

func (s *Sim) provided() string {
	var have []string
	for sc := range s.scopes {
		have = append(have, sc)
	}
	slices.Sort(have)
	return strings.Join(have, ",")
}

// answer carries out a call, with the fault that is due, and writes and records the answer.
func (s *Sim) answer(w http.ResponseWriter, r *http.Request, name string, a args, do func() (answer, *refusal)) {
	s.mu.Lock()
	f := s.takeFault(name, a)
	c := Call{At: s.cfg.Now(), Method: name, Args: a, Status: http.StatusOK, Faulted: f != nil}
	s.mu.Unlock()
	if f != nil && !f.After && !s.linger(r, f.Delay) {
		return
	}
	var body []byte
	wait := 0
	s.mu.Lock()
	if f == nil || f.After || f.onlyDelay() {
		var bad *refusal
		body, bad = s.carryOut(do)
		c.Done = bad == nil
		if bad != nil {
			c.Error, wait = bad.code, bad.wait
			if malformed[bad.code] {
				s.violate("%s: refused with %s", name, bad.code)
			}
		}
		if wait > 0 {
			c.Status = http.StatusTooManyRequests
		}
	}
	s.mu.Unlock()
	if f != nil && f.After {
		s.linger(r, f.Delay)
	}
	s.write(w, f, c, body, wait)
}

// carryOut does the call and encodes its answer. The lock is held.
func (s *Sim) carryOut(do func() (answer, *refusal)) ([]byte, *refusal) {
	ans, bad := do()
	if bad == nil {
		ans["ok"] = true
		return encode(ans), nil
	}
	ans = answer{"ok": false, "error": bad.code}
	if bad.needed != "" {
		ans["needed"], ans["provided"] = bad.needed, s.provided()
	}
	if len(bad.messages) > 0 {
		ans["errors"] = bad.messages
		ans["response_metadata"] = map[string]any{"messages": bad.messages}
	}
	return encode(ans), bad
}

// write sends the answer, or what the fault puts in its place, and records the call just before: whoever has the
// answer finds the record.
func (s *Sim) write(w http.ResponseWriter, f *Fault, c Call, body []byte, wait int) {
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	if wait > 0 {
		h.Set("Retry-After", strconv.Itoa(wait))
	}
	if f != nil && !f.onlyDelay() {
		body, c.Status, c.Error = []byte(f.Body), f.Status, ""
		if c.Status == 0 {
			c.Status = http.StatusOK
		}
		for k, v := range f.Header {
			h.Set(k, v)
		}
		if f.Drop {
			body, c.Status = nil, 0
		}
	}
	if json.Valid(body) {
		c.Answer = body
	}
	s.mu.Lock()
	if f != nil && c.Status == http.StatusTooManyRequests {
		s.checkPause(c.Method, c.Args["channel"])
		s.notePause(c.Method, c.Args["channel"], h.Get("Retry-After"))
	}
	s.record(c)
	h.Set("Date", s.cfg.Now().UTC().Format(http.TimeFormat))
	if c.Method != "apps.connections.open" {
		h.Set("X-OAuth-Scopes", s.provided())
	}
	s.mu.Unlock()
	if c.Status == 0 {
		cutConnection(w)
		return
	}
	w.WriteHeader(c.Status)
	_, _ = w.Write(body) // a client that has gone is no concern of ours
}

// record keeps the call in the log. The lock is held.
func (s *Sim) record(c Call) {
	if len(s.calls) >= 2*s.cfg.KeepCalls {
		s.calls = slices.Clone(s.calls[len(s.calls)-s.cfg.KeepCalls:])
	}
	s.calls = append(s.calls, c)
	s.stats.Calls++
	s.changed()
}

// linger waits, and reports whether there is still somebody to answer.
func (s *Sim) linger(r *http.Request, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-r.Context().Done():
		return false
	case <-s.quit:
		return false
	}
}

func cutConnection(w http.ResponseWriter) {
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		_ = conn.Close()
	}
}
