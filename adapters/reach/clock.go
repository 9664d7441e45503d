package reach

import (
	"fmt"
	"net/http"
	"sync"
	"time"

	"ccbridge/bridge"
)

// How far clocks may be apart before it is worth a word, and before it is a fault. Dates in answers have whole seconds, and
// travel.
const (
	maxSkew  = 5 * time.Second
	fatalLag = 30 * time.Second
)

// Recorder remembers the head of the last answer that went through it.
type Recorder struct {
	Next http.RoundTripper

	mu     sync.Mutex
	header http.Header
	status int
	at     time.Time
}

// RoundTrip passes a request on.
func (r *Recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := r.Next.RoundTrip(req)
	if err == nil {
		r.mu.Lock()
		r.header, r.status, r.at = resp.Header, resp.StatusCode, time.Now()
		r.mu.Unlock()
	}
	return resp, err
}

// Head is the last answer's: status 0 before the first.
func (r *Recorder) Head() (status int, header http.Header) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.status, r.header
}

// Skew is how far the outside's clock was ahead of ours at the last answer; false if that did not say.
func (r *Recorder) Skew() (time.Duration, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	date, err := http.ParseTime(r.header.Get("Date"))
	if err != nil {
		return 0, false
	}
	return date.Sub(r.at), true
}

// Clock is the finding about how far the outside's clock is ahead of ours. An unknown skew gives none.
func Clock(f *bridge.Findings, check, name string, skew time.Duration, known bool) {
	switch {
	case !known:
	case skew.Abs() <= maxSkew:
		f.OK(check, "", "This machine's clock and that of "+name+" agree.")
	default:
		direction, level := "behind", bridge.FindingWarning
		if skew < 0 {
			direction = "ahead of"
		}
		if skew.Abs() > fatalLag {
			level = bridge.FindingFault
		}
		f.Add(bridge.Finding{Check: check, Level: level,
			Found: fmt.Sprintf("This machine's clock is %s %s that of %s.", skew.Abs().Round(time.Second), direction, name),
			Means: "After a restart the bridge may look back too far or not far enough, and what is written as a conversation ends may go to the wrong one.",
			Fix:   "Let this machine set its clock by itself: timedatectl set-ntp true"})
	}
}
