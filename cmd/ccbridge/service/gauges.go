package service

import (
	"context"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"ccbridge/bridge"
	"ccbridge/bridge/store"
	"ccbridge/cmd/ccbridge/build"
)

// gauges reads, when /metrics is asked for, what the store and the bridge show.
type gauges struct {
	bridge *bridge.Bridge
	stats  func(context.Context) (bridge.Stats, error)
	path   string // of the database

	queue, oldest, doubt, sessions, pollAge, polled, kept *prometheus.Desc
	state, ready, limited                                 *prometheus.Desc
	message, silent, catching, unread                     *prometheus.Desc
	size, schema, build                                   *prometheus.Desc
}

func newGauges(b *bridge.Bridge, stats func(context.Context) (bridge.Stats, error), path string) *gauges {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("ccbridge_"+name, help, labels, nil)
	}
	return &gauges{
		bridge: b, stats: stats, path: path,
		queue:    desc("queue_length", "What waits: events not yet worked, deliveries not yet settled by target.", "queue"),
		oldest:   desc("oldest_waiting_seconds", "How long the oldest of them waits.", "queue"),
		doubt:    desc("in_doubt", "Deliveries of which nobody knows yet whether they were done."),
		sessions: desc("sessions", "Open sessions by state.", "state"),
		kept:     desc("dead_letters_kept", "Dead letters in the store.", "direction"),
		pollAge:  desc("poll_age_seconds", "How long ago the most overdue poll was answered."),
		polled:   desc("polls", "Sessions that are polled."),
		state:    desc("part_state", "1 for the state that a part is in, 0 for the others.", "part", "state"),
		ready:    desc("ready", "1 if /readyz answers 200."),
		limited:  desc("limited_until_timestamp_seconds", "Until when the centre or a platform told the bridge to wait; 0: it did not.", "part"),
		message:  desc("last_message_timestamp_seconds", "When a message last came over an adapter's line; 0: none since the start.", "adapter"),
		silent:   desc("silent", "1 if messages do not come over an adapter's line although it is up.", "adapter"),
		catching: desc("catching_up", "1 while the history is read after a gap.", "adapter"),
		unread:   desc("unread_places", "Channels and threads whose history could not be read after a gap.", "adapter"),
		size:     desc("store_size_bytes", "Size of the database's files.", "file"),
		schema:   desc("store_schema_version", "Version of the database's schema."),
		build:    desc("build_info", "1; the labels tell which build this is.", "version", "commit", "go"),
	}
}

// Describe implements prometheus.Collector.
func (g *gauges) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{g.queue, g.oldest, g.doubt, g.sessions, g.kept, g.pollAge, g.polled, g.state, g.ready, g.limited,
		g.message, g.silent, g.catching, g.unread, g.size, g.schema, g.build} {
		out <- d
	}
}

// statsTimeout bounds one read of the store for /metrics.
const statsTimeout = 5 * time.Second

// partStates are the states a part may be in.
var partStates = []string{"up", "down", "failed", "starting", "catching-up", "silent"}

// put sends one gauge.
func put(out chan<- prometheus.Metric, d *prometheus.Desc, v float64, labels ...string) {
	out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
}

// truth is 1 or 0.
func truth(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

// timestamp is t in seconds since 1970, 0 for none.
func timestamp(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1000
}

// Collect implements prometheus.Collector.
func (g *gauges) Collect(out chan<- prometheus.Metric) {
	info := build.Read()
	put(out, g.build, 1, info.Version, info.Commit, info.Go)
	put(out, g.schema, float64(store.Schema()))
	for file, suffix := range map[string]string{"database": "", "log": "-wal"} {
		size := 0.0
		if info, err := os.Stat(g.path + suffix); err == nil {
			size = float64(info.Size())
		}
		put(out, g.size, size, file)
	}
	g.collectParts(out)
	g.collectStore(out)
}

// collectParts tells the state of the lines, of the polls and of each part.
func (g *gauges) collectParts(out chan<- prometheus.Metric) {
	n, age := g.bridge.Polls()
	put(out, g.polled, float64(n))
	put(out, g.pollAge, age.Seconds())
	parts, ready := g.bridge.Status()
	put(out, g.ready, truth(ready))
	for name, p := range parts {
		for _, state := range partStates {
			put(out, g.state, truth(p.State == state), name, state)
		}
	}
	until := map[string]time.Time{string(bridge.ToCentre): {}}
	lines := g.bridge.Lines()
	for name := range lines {
		until[name] = time.Time{}
	}
	for _, l := range g.bridge.Limited() { // the longest last
		if l.Why == bridge.LimitAsked {
			until[l.Part] = l.Until
		}
	}
	for name, t := range until {
		put(out, g.limited, timestamp(t), name)
	}
	for name, l := range lines {
		put(out, g.message, timestamp(l.LastMessage), name)
		put(out, g.silent, truth(l.Silent), name)
		put(out, g.catching, truth(l.CatchingUp), name)
		put(out, g.unread, float64(l.Unread), name)
	}
}

// collectStore tells what waits in the store.
func (g *gauges) collectStore(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), statsTimeout)
	defer cancel()
	s, err := g.stats(ctx)
	if err != nil {
		out <- prometheus.NewInvalidMetric(g.queue, err)
		return
	}
	now := time.Now()
	since := func(t time.Time) float64 {
		if t.IsZero() {
			return 0
		}
		return max(0, now.Sub(t).Seconds())
	}
	put(out, g.queue, float64(s.Queue), "events")
	put(out, g.oldest, since(s.OldestEvent), "events")
	for _, to := range targets {
		put(out, g.queue, float64(s.Deliveries[to]), string(to))
		put(out, g.oldest, since(s.OldestWaiting[to]), string(to))
	}
	put(out, g.doubt, float64(s.InDoubt))
	for _, d := range []bridge.Direction{bridge.Up, bridge.Down} {
		put(out, g.kept, float64(s.Dead[d]), string(d))
	}
	for _, state := range bridge.States {
		if state.Open() {
			put(out, g.sessions, float64(s.Sessions[state]), string(state))
		}
	}
}
