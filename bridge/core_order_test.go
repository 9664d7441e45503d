package bridge_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"ccbridge/bridge"
)

// slowIngest is a store that takes its time with some events.
type slowIngest struct {
	bridge.Store
	wait func(bridge.Event) time.Duration
}

func (s slowIngest) Ingest(ctx context.Context, events []bridge.Incoming) ([]bridge.Ingested, error) {
	for _, in := range events {
		<-time.After(s.wait(in.Event))
	}
	return s.Store.Ingest(ctx, events)
}

// Of two events that overtook each other the later waits for the earlier while that is being stored; in a thread in which
// something arrives all the time nothing waits for long.
func TestOvertaken(t *testing.T) {
	simulated(t, func(r *rig) {
		var slow atomic.Int64
		r.wrap = func(s bridge.Store) bridge.Store {
			return slowIngest{s, func(ev bridge.Event) time.Duration {
				if ev.Text != nil && ev.Text.Body == "first" {
					return time.Duration(slow.Load())
				}
				return 0
			}}
		}
		r.start()
		for name, c := range map[string]struct {
			takes time.Duration
			want  []string
		}{
			"at once": {3 * time.Millisecond, []string{"hello " + secret, "first", "second"}},
			"late":    {time.Second, []string{"hello " + secret, "second", "first"}},
		} {
			slow.Store(int64(c.takes))
			thread := r.begins(r.acme, channel, name)
			r.pass(time.Second)
			now := time.Now()
			text := func(body string, at time.Time) bridge.Event {
				return bridge.Event{ID: bridge.EventID(name + body), Thread: thread, Order: fmt.Sprintf("%020d", at.UnixNano()), At: at,
					Text: &bridge.Text{Author: bridge.User{ID: bridge.UserID("U-" + name)}, Body: body, Message: bridge.RemoteID(body)}}
			}
			put := func(ev bridge.Event) {
				if err := r.acme.Put(r.Context(), ev); err != nil {
					r.Error(err)
				}
			}
			go put(text("first", now))
			<-time.After(time.Millisecond)
			put(text("second", now.Add(time.Microsecond)))
			r.pass(2 * time.Second)
			r.equal(name, r.centre.Texts(name), c.want)
		}
	})
}
