package slack

import (
	"math/rand/v2"
	"sync"
	"time"

	"ccbridge/bridge"
)

// line tells the core about the two sockets as one line: up while at least one has said hello.
type line struct {
	report func(bridge.Line)

	mu    sync.Mutex
	open  int
	state bridge.LineState // last told; "" before the first
}

// up counts a socket that said hello. With no other open there was a time without a socket: a gap.
func (l *line) up(reconnect bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open++
	l.state = bridge.LineUp
	if gap := l.open == 1; gap || reconnect {
		l.report(bridge.Line{State: bridge.LineUp, Gap: gap, Reconnect: reconnect})
	}
}

// down counts a socket that is no more.
func (l *line) down(why string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open--
	if l.open == 0 {
		l.state = bridge.LineDown
		l.report(bridge.Line{State: bridge.LineDown, Detail: why})
	}
}

// trouble tells why no socket could be opened: once as down, once as failed where only the operator can help.
func (l *line) trouble(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	state := bridge.LineDown
	if fatal(err) {
		state = bridge.LineFailed
	}
	if l.open > 0 || l.state == state || l.state == bridge.LineFailed {
		return
	}
	l.state = state
	l.report(bridge.Line{State: state, Detail: errorCode(err)})
}

// pause is how long to wait after so many short-lived attempts and the last one's error: the back-off with a quarter
// of jitter, longer if Slack asks for it or only the operator can help.
func (w Waits) pause(tries int, err error) time.Duration {
	d := w.Backoff[min(tries, len(w.Backoff)-1)]
	if fatal(err) {
		d = w.Fatal
	}
	d = max(d, retryAfter(err))
	return d + time.Duration(rand.Float64()*float64(d)/4)
}
