package ccmsim

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Fault is an injury to one call. Without a kind (Drop, Hang, Garbage, Status,
// Code) it only delays. The constructors below give the usual ones.
type Fault struct {
	Visitor string  // only calls about this visitor; "": any
	Skip    int     // let so many matching calls pass first
	Odds    float64 // chance that a matching call is hit; 0: certain

	// Deed says that the call is carried out and the fault comes after it; a poll
	// is then hit only if its answer carries messages. Otherwise it comes before
	// everything, checks included, and unless it only delays nothing is done.
	Deed  bool
	Delay time.Duration

	Drop    bool   // close the connection without an answer
	Hang    bool   // say nothing until the client gives up
	Garbage bool   // status 200 with a body that is no JSON
	Status  int    // this status with Body and Header
	Code    string // status 200 with this resultCode and Desc
	Body    string
	Desc    string
	Header  map[string]string
}

// DropBefore closes the connection, nothing is done.
func DropBefore() Fault { return Fault{Drop: true} }

// DropAfter does what was asked and closes the connection without an answer.
func DropAfter() Fault { return Fault{Drop: true, Deed: true} }

// Delay waits before the call is looked at.
func Delay(d time.Duration) Fault { return Fault{Delay: d} }

// Hang leaves the client without an answer until it gives up.
func Hang() Fault { return Fault{Hang: true} }

// Garbage answers status 200 with something that is no JSON.
func Garbage() Fault { return Fault{Garbage: true} }

// Status answers with an HTTP status; header may be nil.
func Status(status int, body string, header map[string]string) Fault {
	return Fault{Status: status, Body: body, Header: header}
}

// ResultCode answers status 200 with a business code.
func ResultCode(code, desc string) Fault { return Fault{Code: code, Desc: desc} }

// EdgeRefusal is the 403 with an HTML page that a refused address gets.
func EdgeRefusal() Fault {
	return Status(http.StatusForbidden, "<html><head><title>403 Forbidden</title></head><body>denied</body></html>\n",
		map[string]string{"Content-Type": "text/html"})
}

// After is the same fault once the deed is done: the answer is lost, not the deed.
func (f Fault) After() Fault { f.Deed = true; return f }

// For is the same fault for one visitor only.
func (f Fault) For(visitor string) Fault { f.Visitor = visitor; return f }

type armedFault struct {
	Fault
	op   string
	left int // < 0: for ever
}

// Fail injures the next n calls of an operation (see the package comment); n < 1: all until ClearFaults.
func (s *Sim) Fail(op string, n int, f Fault) {
	if n < 1 {
		n = -1
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &armedFault{f, op, n})
}

// ClearFaults takes all faults away.
func (s *Sim) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// takeFault finds the fault for a call, before or after its deed.
func (s *Sim) takeFault(c *call, deed bool) (Fault, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, f := range s.faults {
		if f.Deed != deed || !f.concerns(c) {
			continue
		}
		if f.Skip > 0 {
			f.Skip--
			continue
		}
		if f.Odds > 0 && s.dice.Float64() >= f.Odds {
			continue
		}
		if f.left--; f.left == 0 {
			s.faults = append(s.faults[:i:i], s.faults[i+1:]...)
		}
		s.calls["fault "+c.op]++
		s.noteChange()
		return f.Fault, true
	}
	return Fault{}, false
}

func (f *armedFault) concerns(c *call) bool {
	if f.Visitor != "" && f.Visitor != c.who {
		return false
	}
	return f.op == "*" || f.op == c.op || f.op == "send" && strings.HasPrefix(c.op, "send:")
}

// answer carries a call out and answers it, unless a fault is in the way.
func (s *Sim) answer(w http.ResponseWriter, c *call, do func(*Sim, *call) reply) {
	if f, hit := s.takeFault(c, false); hit && s.injure(w, c, f) {
		return
	}
	rep := do(s, c)
	s.countRefusal(c, rep)
	if c.op != "poll" || rep.messages > 0 {
		if f, hit := s.takeFault(c, true); hit && s.injure(w, c, f) {
			return
		}
	}
	if c.renewed != "" {
		w.Header().Set("ccmessaging-token", c.renewed)
	}
	rep.write(w)
}

// injure applies a fault and says whether that was the answer.
func (s *Sim) injure(w http.ResponseWriter, c *call, f Fault) bool {
	if f.Delay > 0 {
		timer := time.NewTimer(f.Delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-c.req.Context().Done():
		case <-s.closing:
		}
	}
	switch {
	case f.Hang:
		select {
		case <-c.req.Context().Done():
		case <-s.closing:
		}
		hangUp(w)
	case f.Drop:
		hangUp(w)
	case f.Garbage:
		reply{body: []byte(`{"resultCode":"0","resultD`)}.write(w)
	case f.Status != 0:
		reply{status: f.Status, body: []byte(f.Body), header: f.Header}.write(w)
	case f.Code != "":
		result(f.Code, f.Desc).write(w)
	default:
		return false
	}
	return true
}

// hangUp closes the connection without an answer.
func hangUp(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return // the connection is gone already
	}
	conn.Close()
}

func (s *Sim) countRefusal(c *call, rep reply) {
	switch {
	case rep.status != 0:
		s.count(c.op + " " + strconv.Itoa(rep.status))
	case rep.code != "" && rep.code != "0":
		s.count(c.op + " " + rep.code)
	}
}

// bucket holds the permissions of the rate limiter.
type bucket struct {
	level float64
	at    time.Time
}

// limit refuses calls over the rate. Documented only as code 10010000002
// (cec_07_0114); status 429 is an inference.
func (s *Sim) limit(c *call) (reply, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	rate := float64(s.sw.RatePerSecond)
	if rate <= 0 || c.op == "tokenByAkSk" {
		return reply{}, false
	}
	now := time.Now()
	s.bucket.level = min(rate, s.bucket.level+now.Sub(s.bucket.at).Seconds()*rate)
	s.bucket.at = now
	if s.bucket.level >= 1 {
		s.bucket.level--
		return reply{}, false
	}
	s.calls[c.op+" limited"]++
	if s.sw.RateAsCode {
		return result("10010000002", "flow control"), true
	}
	rep := reply{status: http.StatusTooManyRequests, body: []byte(`{"errorCode":"0","exceptionInfo":"too many requests"}`)}
	if s.sw.RetryAfter > 0 {
		rep.header = map[string]string{"Retry-After": fmt.Sprint(math.Ceil(s.sw.RetryAfter.Seconds()))}
	}
	return rep, true
}
