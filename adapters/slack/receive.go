package slack

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/slack-go/slack/socketmode"

	"ccbridge/bridge"
)

// Bounds of the receiver.
const (
	workers    = 128    // threads worked on at once
	queueSize  = 1024   // envelopes waiting for one worker
	maxWaiting = 20_000 // envelopes waiting in all
	batchSize  = 64     // envelopes in one Put
)

// envelope is what came over a socket and waits for its acknowledgement.
type envelope struct {
	kind    string
	payload json.RawMessage
	accepts bool // the acknowledgement may carry an answer
	ack     func(payload any) error
}

// job is one envelope on its way into the inbox.
type job struct {
	envelope
	// prepare makes the events to store, in the worker; names bounds looking up names. Nil: nothing to store.
	prepare func(ctx, names context.Context) prepared
	// excuse says privately why nothing came of it. Nil: no acknowledgement, Slack sends it again.
	excuse func(ctx context.Context, say string)
}

// prepared is what a job came to.
type prepared struct {
	events []bridge.Event
	answer func(ctx context.Context) // acknowledges with an answer; nil: plainly
	err    error                     // the inbox could not be asked
}

// receiver takes envelopes in, keeps them in order per thread, and acknowledges what is stored.
type receiver struct {
	a       *Adapter
	in      bridge.Inbox
	queues  []chan *job
	waiting atomic.Int64 // taken and not yet done with
}

func newReceiver(a *Adapter, in bridge.Inbox) *receiver {
	r := &receiver{a: a, in: in, queues: make([]chan *job, workers)}
	for i := range r.queues {
		r.queues[i] = make(chan *job, queueSize)
	}
	return r
}

// take queues an envelope with the worker of its thread. It never blocks; what finds no room is left for Slack to send
// again.
func (r *receiver) take(env envelope) {
	key, j := r.decode(env)
	h := fnv.New32a()
	h.Write([]byte(key))
	if r.waiting.Add(1) <= maxWaiting {
		select {
		case r.queues[h.Sum32()%workers] <- &j:
			return
		default:
		}
	}
	r.waiting.Add(-1)
	r.a.log.Warn("no room for an envelope, left for Slack to send again", "kind", env.kind)
}

// decode reads an envelope. key names what keeps its order. Everything unknown is acknowledged, or Slack would repeat it.
func (r *receiver) decode(env envelope) (key string, j job) {
	j = job{envelope: env}
	defer r.survive(env.kind)
	self := r.a.self.Load()
	if self == nil {
		return "", j // Run identified us before it opened a socket
	}
	switch env.kind {
	case socketmode.RequestTypeEventsAPI:
		drafts := r.a.decodeEvent(env.payload, *self)
		if len(drafts) == 0 {
			return "", j
		}
		j.prepare = func(_, names context.Context) prepared {
			var p prepared
			for _, d := range drafts {
				p.events = append(p.events, r.a.finish(names, d, *self))
			}
			return p
		}
		return drafts[0].event.Thread.String(), j
	case socketmode.RequestTypeSlashCommands:
		return r.decodeCommand(j, *self)
	case socketmode.RequestTypeInteractive:
		return r.decodeInteraction(j, *self)
	}
	return "", j
}

// work serves one queue until ctx ends. What still waits then is not acknowledged: it comes again.
// The next batch is handed to the inbox while the one before is being stored, and behind it: so the core knows that it is
// coming, and can put both into the platform's order.
func (r *receiver) work(ctx context.Context, queue chan *job) {
	var storing sync.WaitGroup
	defer storing.Wait()
	slots := make(chan struct{}, 2)
	for {
		select {
		case <-ctx.Done():
			return
		case slots <- struct{}{}:
		}
		select {
		case <-ctx.Done():
			return
		case j := <-queue:
			batch := gather(j, queue)
			results := r.prepare(ctx, batch)
			handed := make(chan struct{})
			storing.Go(func() {
				defer func() { <-slots }()
				r.store(ctx, batch, results, handed)
			})
			<-handed // else the goroutine of the next batch might run sooner
		}
	}
}

// gather takes what waits, up to a batch.
func gather(first *job, queue chan *job) []*job {
	batch := []*job{first}
	for len(batch) < batchSize {
		select {
		case j := <-queue:
			batch = append(batch, j)
		default:
			return batch
		}
	}
	return batch
}

// prepare makes the events of a batch. Names are looked up, within their own bound.
func (r *receiver) prepare(ctx context.Context, batch []*job) []prepared {
	names, cancel := context.WithTimeout(ctx, r.a.cfg.Waits.Names)
	defer cancel()
	results := make([]prepared, len(batch))
	for i, j := range batch {
		if j.prepare != nil {
			func() {
				defer r.survive(j.kind)
				results[i] = j.prepare(ctx, names)
			}()
		}
	}
	return results
}

// survive keeps a panic to the envelope that caused it, which is acknowledged: it would only do it again.
func (r *receiver) survive(kind string) {
	if p := recover(); p != nil {
		r.a.log.Error("a defect: this envelope is given up", "kind", kind, "panic", fmt.Sprintf("%T", p))
	}
}

// store puts a batch into the inbox and acknowledges it. It closes handed when the inbox gets it.
func (r *receiver) store(ctx context.Context, batch []*job, results []prepared, handed chan<- struct{}) {
	defer r.waiting.Add(-int64(len(batch)))
	defer r.survive("batch")
	var events []bridge.Event
	for _, p := range results {
		events = append(events, p.events...)
	}

	// Two sockets may have overtaken each other: a root goes before its replies.
	slices.SortStableFunc(events, func(x, y bridge.Event) int { return cmp.Compare(x.Order, y.Order) })
	err := r.put(ctx, events, handed)
	nowhere := errors.Is(err, bridge.ErrNoThread) // the rest is stored
	for i, j := range batch {
		failed := results[i].err != nil || err != nil && !nowhere && len(results[i].events) > 0
		switch {
		case nowhere && j.excuse != nil && len(results[i].events) > 0:
			j.excuse(ctx, bridge.SayHowToStart)
		case !failed && results[i].answer != nil:
			results[i].answer(ctx)
		case !failed:
			r.acknowledge(j.envelope, nil)
		case j.excuse != nil && ctx.Err() == nil:
			j.excuse(ctx, bridge.SayTryAgain)
		}
	}
}

func (r *receiver) put(ctx context.Context, events []bridge.Event, handed chan<- struct{}) error {
	ctx, cancel := context.WithTimeout(ctx, r.a.cfg.Waits.Put)
	defer cancel()
	close(handed)
	if len(events) == 0 {
		return nil
	}
	err := r.in.Put(ctx, events...)
	if err != nil && !errors.Is(err, bridge.ErrNoThread) {
		r.a.log.Warn("events not stored, left for Slack to send again", "count", len(events), "error", err)
	}
	return err
}

// acknowledge tells Slack "received". If that fails the envelope comes again and is known.
func (r *receiver) acknowledge(env envelope, payload any) {
	if err := env.ack(payload); err != nil {
		r.a.log.Debug("acknowledgement not sent", "kind", env.kind, "error", err)
	}
}
