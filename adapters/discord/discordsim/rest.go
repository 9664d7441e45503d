package discordsim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gorilla/websocket"
)

// call is one REST request. Handlers run under the simulator's lock.
type call struct {
	*http.Request
	body  []byte
	files []upload
}

type upload struct {
	name, contentType string
	data              []byte
}

// apiError is a refusal in Discord's form.
type apiError struct {
	status, code int
	message      string
	errors       object
	wait         time.Duration // over zero: a 429 that no bucket told of
}

func refuse(status, code int, message string) *apiError {
	return &apiError{status: status, code: code, message: message}
}

// invalid is 50035; field is a dotted path, code one of Discord's names ("BASE_TYPE_MAX_LENGTH").
func invalid(field, code, message string) *apiError {
	var tree any = object{"_errors": []object{{"code": code, "message": message}}}
	parts := strings.Split(field, ".")
	for i := len(parts) - 1; i >= 0; i-- {
		tree = object{parts[i]: tree}
	}
	return &apiError{status: 400, code: 50035, message: "Invalid Form Body", errors: tree.(object)}
}

var (
	errUnknownChannel     = refuse(404, 10003, "Unknown Channel")
	errUnknownGuild       = refuse(404, 10004, "Unknown Guild")
	errUnknownMessage     = refuse(404, 10008, "Unknown Message")
	errUnknownUser        = refuse(404, 10013, "Unknown User")
	errUnknownWebhook     = refuse(404, 10015, "Unknown Webhook")
	errUnknownInteraction = refuse(404, 10062, "Unknown interaction")
	errEmptyMessage       = refuse(400, 50006, "Cannot send an empty message")
	errMissingAccess      = refuse(403, 50001, "Missing Access")
	errMissingPermissions = refuse(403, 50013, "Missing Permissions")
	errNotYours           = refuse(403, 50005, "Cannot edit a message authored by another user")
	errArchived           = refuse(400, 50083, "Thread is archived")
	errLocked             = refuse(403, 160005, "This thread is locked")
	errTooLarge           = refuse(413, 40005, "Request entity too large")
	errBadJSON            = refuse(400, 50109, "The request body contains invalid JSON.")
)

// malformed are the codes of calls that no state of things would make right.
var malformed = []int{50035, errBadJSON.code, errEmptyMessage.code, errTooLarge.code}

// handlerFunc does one route: status and body of the answer, or a refusal. A nil body sends none.
type handlerFunc func(*call) (int, any, *apiError)

// handler is everything the port serves.
func (s *Sim) handler() http.Handler {
	api := http.NewServeMux()
	for _, r := range s.routes() {
		api.Handle(r.pattern, s.route(r))
	}
	api.HandleFunc("/", s.unknownRoute)
	control := s.control()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.enter() {
			panic(http.ErrAbortHandler)
		}
		defer s.running.Done()
		switch {
		case websocket.IsWebSocketUpgrade(r):
			s.serveGateway(w, r)
		case strings.HasPrefix(r.URL.Path, "/_sim/"):
			control.ServeHTTP(w, r)
		case strings.HasPrefix(r.URL.Path, "/attachments/"):
			s.serveAttachment(w, r)
		case strings.HasPrefix(r.URL.Path, "/api/v9/"):
			http.StripPrefix("/api/v9", api).ServeHTTP(w, r)
		case strings.HasPrefix(r.URL.Path, "/api/v10/"):
			http.StripPrefix("/api/v10", api).ServeHTTP(w, r)
		default:
			s.unknownRoute(w, r)
		}
	})
}

// enter counts a request, so that Close waits for it, unless the simulator is closed.
func (s *Sim) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.running.Add(1)
	return true
}

func (s *Sim) unknownRoute(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.violate("unknown route %s %s", r.Method, r.URL.Path)
	s.mu.Unlock()
	writeJSON(w, 404, []byte(`{"message":"404: Not Found","code":0}`))
}

func writeJSON(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// answer is what goes back on the wire.
type answer struct {
	status int
	code   int // Discord's error code
	header http.Header
	body   []byte
}

// route wraps a handler with faults, authorization, limits and the record of calls.
func (s *Sim) route(r route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxBody+1<<20))
		if err != nil && !tooLarge(err) {
			return // the client went away
		}
		s.mu.Lock()
		fault := s.takeFault(r.pattern)
		s.mu.Unlock()
		if !fault.Deed && !s.wait(req, fault.Delay) {
			panic(http.ErrAbortHandler)
		}
		if fault.strikesBefore() {
			s.noteFault(r, req, body, fault)
			fault.strike(w)
			return
		}
		a := s.perform(r, &call{Request: req, body: body}, err != nil, fault)
		if fault.Deed && !s.wait(req, fault.Delay) {
			panic(http.ErrAbortHandler)
		}
		if fault.strikesAfter() {
			fault.strike(w)
			return
		}
		a.write(w)
	})
}

func (a answer) write(w http.ResponseWriter) {
	for k, v := range a.header {
		w.Header()[k] = v
	}
	if a.status == http.StatusNoContent {
		w.WriteHeader(a.status)
		return
	}
	if w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", "application/json")
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body)
}

func tooLarge(err error) bool {
	var e *http.MaxBytesError
	return errors.As(err, &e)
}

// wait sleeps unless the simulator closes or the client leaves.
func (s *Sim) wait(r *http.Request, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-s.done:
	case <-r.Context().Done():
	}
	return false
}

// perform does the call under the lock and notes it.
func (s *Sim) perform(r route, c *call, over bool, fault Fault) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := answer{header: http.Header{"Date": {s.now().UTC().Format(http.TimeFormat)}}}
	if !strings.HasPrefix(c.UserAgent(), "DiscordBot (") {
		s.violate("%s: User-Agent is not of the form DiscordBot (url, version)", r.pattern)
	}
	if blocked := s.checkLimits(r, c, &a); !blocked {
		status, body, refusal := s.admit(r, c, over)
		if refusal != nil && refusal.wait > 0 {
			s.limited(&a, &bucket{}, s.now(), s.now().Add(refusal.wait), "user")
			return s.conclude(r, c, a, fault)
		}
		if refusal != nil {
			if slices.Contains(malformed, refusal.code) {
				s.violate("%s: refused with %d: %s", r.pattern, refusal.code, refusal.message)
			}
			status = refusal.status
			a.code = refusal.code
			o := object{"message": refusal.message, "code": refusal.code}
			if refusal.errors != nil {
				o["errors"] = refusal.errors
			}
			body = o
		}
		a.status = status
		if status != http.StatusNoContent {
			var err error
			if a.body, err = json.Marshal(body); err != nil {
				a.status, a.body = 500, []byte(`{"message":"500: Internal Server Error","code":0}`)
			}
		}
	}
	return s.conclude(r, c, a, fault)
}

// conclude keeps the accounts of an answered call.
func (s *Sim) conclude(r route, c *call, a answer, fault Fault) answer {
	s.countInvalid(a.status, a.header)
	s.note(Call{
		At: s.now(), Route: r.pattern, Path: c.URL.Path, Query: c.URL.RawQuery, Body: c.body,
		Status: a.status, Code: a.code, Lost: fault.strikesAfter(),
	})
	return a
}

// admit checks the token and the body, then calls the handler.
func (s *Sim) admit(r route, c *call, over bool) (int, any, *apiError) {
	if !r.open && c.Header.Get("Authorization") != "Bot "+s.token {
		return 0, nil, refuse(401, 0, "401: Unauthorized")
	}
	if over || len(c.body) > maxBody {
		return 0, nil, errTooLarge
	}
	if refusal := c.unpack(); refusal != nil {
		return 0, nil, refusal
	}
	for _, name := range []string{"channel", "message", "guild", "user"} {
		if v := c.PathValue(name); v != "" {
			if _, ok := parseID(v); !ok {
				return 0, nil, invalid(name+"_id", "NUMBER_TYPE_COERCE", fmt.Sprintf("Value %q is not snowflake.", v))
			}
		}
	}
	return r.do(c)
}

// unpack takes payload_json and the files out of a multipart body.
func (c *call) unpack() *apiError {
	kind, params, err := mime.ParseMediaType(c.Header.Get("Content-Type"))
	if c.Header.Get("Content-Type") == "" {
		if len(c.body) > 0 {
			return refuse(400, 50035, "Expected \"Content-Type\" header to be one of {'application/json'}.")
		}
		return nil
	}
	if err != nil || (kind != "application/json" && kind != "multipart/form-data") {
		return refuse(400, 50035, "Expected \"Content-Type\" header to be one of {'application/json'}.")
	}
	if kind == "application/json" {
		if !json.Valid(c.body) {
			return errBadJSON
		}
		return nil
	}
	parts := multipart.NewReader(bytes.NewReader(c.body), params["boundary"])
	c.body = []byte("{}")
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return errBadJSON
		}
		data, err := io.ReadAll(part)
		switch {
		case err != nil:
			return errBadJSON
		case part.FormName() == "payload_json" && !json.Valid(data):
			return errBadJSON
		case part.FormName() == "payload_json":
			c.body = data
		case strings.HasPrefix(part.FormName(), "file"):
			c.files = append(c.files, upload{part.FileName(), part.Header.Get("Content-Type"), data})
		}
	}
}

// decode reads the body into v.
func (c *call) decode(v any) *apiError {
	if len(c.body) == 0 {
		return errBadJSON
	}
	if err := json.Unmarshal(c.body, v); err != nil {
		return invalid("_root", "MODEL_TYPE_CONVERT", "The body does not have the expected shape.")
	}
	return nil
}
