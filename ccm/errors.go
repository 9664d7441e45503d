package ccm

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Certainty tells what is known about the effect of a failed call.
type Certainty int

const (
	InDoubt Certainty = iota // the call may have been carried out
	NotDone                  // the call had no effect
)

func (c Certainty) String() string {
	if c == NotDone {
		return "not done"
	}
	return "in doubt"
}

// Scope tells whom a failure concerns, and so what should pause.
type Scope int

const (
	ScopeSession Scope = iota // this visitor only
	ScopeCentre               // every visitor: the centre is out of reach, limits us, or refuses our credentials
)

func (s Scope) String() string {
	if s == ScopeCentre {
		return "centre"
	}
	return "session"
}

// Result codes that steer behaviour (cec_05_2030, cec_05_2016, cec_07_0114).
const (
	codeOK           = "0"
	codeOutsideHours = "12"
	codeRefused      = "13"
	codeNoSession    = "160004"
	codeFlowControl  = "10010000002"
)

// Parts of resultDesc that tell cases of code 13 apart (cec_05_2030).
const (
	descAlreadyWithAgent = "it has been agent service"
	descKeepTouchFailed  = "session keep touch failed"
)

// ErrInvalid is wrapped by errors about arguments that the centre would not accept; the call was not made, and
// repeating it is of no use.
var ErrInvalid = errors.New("invalid argument")

// Error is the failure of one call. All errors of this package's calls are of this type.
type Error struct {
	Op         string        // what was being done: "send CHAT", "poll", …
	Status     int           // HTTP status, 0 without an answer
	Code       string        // resultCode, or "" if the answer had none
	Desc       string        // the server's words, cut and cleaned; "" where they might quote a person
	Certainty  Certainty     // whether the call can have had an effect
	Scope      Scope         // whom it concerns
	RetryAfter time.Duration // how long the server asked us to wait, 0 if it did not say
	Refused    bool          // HTTP 200 with a result code other than 0: a clear answer, repeating it changes nothing
	NoToken    bool          // a token could not be had: Status, Code and Refused belong to that call, not to Op
	Err        error         // the cause, if it was not an answer
}

// Error tells operation, status, code and cause. It contains no secrets and nobody's words.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Op)
	if e.NoToken { // the cause tells the rest
		fmt.Fprintf(&b, ": no token: %v", e.Err)
		return b.String()
	}
	if e.Status == http.StatusForbidden {
		b.WriteString(": access refused")
	}
	if e.Status != 0 && e.Status != http.StatusOK {
		fmt.Fprintf(&b, ": HTTP %d", e.Status)
	}
	if e.Code != "" {
		fmt.Fprintf(&b, ": code %s", e.Code)
	}
	if e.Desc != "" {
		fmt.Fprintf(&b, ": %s", e.Desc)
	}
	if e.Err != nil {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// OutsideHours reports a refusal of CONNECT or TRANS2AGENT because no agents work at this time.
func (e *Error) OutsideHours() bool { return e.Code == codeOutsideHours && !e.NoToken }

// AlreadyWithAgent reports a refusal of TRANS2AGENT because the visitor is with an agent already.
func (e *Error) AlreadyWithAgent() bool {
	return e.Code == codeRefused && e.descHas(descAlreadyWithAgent)
}

// SessionGone reports a failure that a session's end at the centre would explain. Except for [Error.SessionLost] it
// proves nothing: ask QueueInfo.
func (e *Error) SessionGone() bool {
	switch {
	case e.NoToken:
		return false
	case e.SessionLost(), e.Status == http.StatusUnauthorized:
		return true
	default:
		return e.Code == codeRefused && e.Op != sendOp(Connect) && !e.AlreadyWithAgent()
	}
}

// SessionLost reports an answer that says the session is no more.
func (e *Error) SessionLost() bool {
	if e.NoToken {
		return false
	}
	return e.Code == codeNoSession || e.Code == codeRefused && e.descHas(descKeepTouchFailed)
}

// Unauthorized reports that the ccmessaging-token was refused, a newly applied one too, or that none is given out
// (service not bought, account state).
func (e *Error) Unauthorized() bool {
	return e.Status == http.StatusUnauthorized || e.Op == opQueueInfo && e.Code == codeQueueToken
}

// AccessRefused reports a 403 that a new AccessToken did not cure: our address or our application's key is not allowed.
func (e *Error) AccessRefused() bool { return e.Status == http.StatusForbidden }

// Throttled reports that the centre asks for fewer calls.
func (e *Error) Throttled() bool {
	return e.Status == http.StatusTooManyRequests || e.Code == codeFlowControl
}

func (e *Error) descHas(phrase string) bool {
	return strings.Contains(strings.ToLower(e.Desc), phrase)
}

// invalid is the error of a call not made because of its arguments.
func invalid(op, format string, args ...any) *Error {
	return &Error{Op: op, Certainty: NotDone, Err: fmt.Errorf("%w: "+format, append([]any{ErrInvalid}, args...)...)}
}

// withoutToken is the error of a call that was not made, or not repeated after its refusal, for want of a token.
func withoutToken(op string, cause error) *Error {
	e := &Error{Op: op, Certainty: NotDone, Err: cause, NoToken: true}
	if inner, ok := cause.(*Error); ok {
		e.Status, e.Code, e.Desc = inner.Status, inner.Code, inner.Desc
		e.Scope, e.RetryAfter, e.Refused = inner.Scope, inner.RetryAfter, inner.Refused
	}
	return e
}

// unclear is the error of an HTTP 200 that does not say what came of the call.
func unclear(op, what string) *Error {
	return &Error{Op: op, Status: http.StatusOK, Err: errors.New(what)}
}

// statusError is the error of an answer with a status other than 200.
func statusError(r request, a response) *Error {
	e := &Error{Op: r.op, Status: a.status, Scope: statusScope(r, a.status), RetryAfter: retryAfter(a.header)}
	if a.status >= 400 && a.status < 500 && a.status != http.StatusRequestTimeout {
		e.Certainty = NotDone
	}
	var body struct {
		result
		ErrorCode     text `json:"errorCode"`
		ExceptionInfo text `json:"exceptionInfo"`
	}
	desc := string(a.body)
	if decode(a.body, &body) == nil {
		desc = string(body.ExceptionInfo + body.Desc)
		if body.ErrorCode != codeOK { // the gateway writes "0" on failures too
			e.Code = cleanCode(body.ErrorCode)
		}
		if body.Code != "" {
			e.Code = body.code()
		}
	} else if strings.HasPrefix(strings.TrimSpace(desc), "{") {
		desc = "" // an answer cut short, perhaps amid somebody's words
	}
	e.Desc = r.describe(desc)
	return e
}

// statusScope: what does not depend on the visitor concerns everybody.
func statusScope(r request, status int) Scope {
	switch status {
	case http.StatusForbidden, http.StatusNotFound, http.StatusTooManyRequests,
		http.StatusBadGateway, http.StatusServiceUnavailable:
		return ScopeCentre
	case http.StatusUnauthorized:
		if !r.visitor { // of a token call: the account's state
			return ScopeCentre
		}
	}
	return ScopeSession
}

// refusal is the error of an HTTP 200 with a result code other than 0.
func refusal(r request, a response, res result) *Error {
	e := &Error{Op: r.op, Status: a.status, Code: res.code(), Desc: r.describe(string(res.Desc)),
		Certainty: NotDone, Refused: true, RetryAfter: retryAfter(a.header)}
	if e.Code == codeFlowControl {
		e.Refused, e.Scope = false, ScopeCentre
	}
	return e
}

// maxRetryAfter keeps an absurd Retry-After from stopping us for good.
const maxRetryAfter = 24 * time.Hour

// retryAfter reads Retry-After, seconds or an HTTP date.
func retryAfter(h http.Header) time.Duration {
	value := strings.TrimSpace(h.Get("Retry-After"))
	if seconds, err := strconv.ParseInt(value, 10, 32); err == nil {
		return min(max(0, time.Duration(seconds)*time.Second), maxRetryAfter)
	}
	if at, err := http.ParseTime(value); err == nil {
		return min(max(0, time.Until(at)), maxRetryAfter)
	}
	return 0
}
