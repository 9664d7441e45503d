package bridge

import (
	"context"
	"time"

	"ccbridge/ccm"
)

// queueGap is how often the centre may be asked about one session.
func (l Limits) queueGap() time.Duration {
	if l.QueueGap > 0 {
		return l.QueueGap
	}
	return 10 * time.Second
}

// askQueue asks the centre about a session, and notes when: the queue's timer, a refused text and the looks all ask.
func (o *outbox) askQueue(ctx context.Context, v ccm.Visitor) (ccm.QueueInfo, error) {
	o.noteAsked(v) // nobody else asks meanwhile
	defer o.noteAsked(v)
	return o.b.Centre.QueueInfo(ctx, v)
}

func (o *outbox) noteAsked(v ccm.Visitor) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.queueAsked[v.UserID] = time.Now()
}

// askedAt is when the centre was last asked about a session; zero: not lately.
func (o *outbox) askedAt(v ccm.Visitor) time.Time {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.queueAsked[v.UserID]
}

// askableAt is when the centre may be asked about a session again; zero or past: now.
func (o *outbox) askableAt(v ccm.Visitor) time.Time {
	if at := o.askedAt(v); !at.IsZero() {
		return at.Add(o.b.settings().Limits.queueGap())
	}
	return time.Time{}
}

// startsAt is when a delivery that is next may begin.
func (o *outbox) startsAt(d Delivery) time.Time {
	if d.Call == nil || d.Call.Kind != CallQueue {
		return d.NotBefore
	}
	if at := o.askableAt(d.Call.Visitor); at.After(d.NotBefore) {
		return at
	}
	return d.NotBefore
}
