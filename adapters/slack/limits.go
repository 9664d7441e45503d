package slack

import (
	"context"
	"sync"
	"time"

	"github.com/slack-go/slack"
)

// pauses keeps how long Slack asked to wait, by method: its limits count per method and workspace, so all callers of a
// method wait together.
type pauses struct {
	mu    sync.Mutex
	until map[string]time.Time
}

func newPauses() *pauses { return &pauses{until: make(map[string]time.Time)} }

// left is how long method must not be called yet.
func (p *pauses) left(method string) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return max(time.Until(p.until[method]), 0)
}

func (p *pauses) note(method string, d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if until := time.Now().Add(d); until.After(p.until[method]) {
		p.until[method] = until
	}
}

// call makes a reading call unless its method is paused. A patient caller waits and makes it again, as long as ctx
// allows; others get the error. Posts do not go this way: the core paces them.
func (p *pauses) call(ctx context.Context, method string, patient bool, f func() error) error {
	for {
		wait := p.left(method)
		if wait == 0 {
			err := f()
			if err == nil || !limited(err) {
				return err
			}
			wait = max(retryAfter(err), time.Second)
			p.note(method, wait)
		}
		if !patient {
			return &slack.RateLimitedError{RetryAfter: wait}
		}
		if !sleep(ctx, wait) {
			return ctx.Err()
		}
	}
}
