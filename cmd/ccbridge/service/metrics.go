package service

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"ccbridge/bridge"
	"ccbridge/cmd/ccbridge/config"
)

// metrics counts what the bridge does, under the names of design §9.12.
type metrics struct {
	deliveries     *prometheus.CounterVec
	repeats        prometheus.Counter
	deadLetters    *prometheus.CounterVec
	possibleLosses prometheus.Counter
	calls          *prometheus.HistogramVec
	limited        *prometheus.CounterVec
	reconnects     *prometheus.CounterVec
}

var _ bridge.Meter = (*metrics)(nil)

func newMetrics(reg prometheus.Registerer, adapters []config.Adapter) *metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		v := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "ccbridge", Name: name, Help: help}, labels)
		reg.MustRegister(v)
		return v
	}
	m := &metrics{
		deliveries:     counter("deliveries_total", "Deliveries that ended, by target and result.", "to", "result"),
		repeats:        counter("repeats_total", "Calls repeated although nobody could say whether they had been done: each may be a double.").WithLabelValues(),
		deadLetters:    counter("dead_letters_total", "Texts that could not be delivered, by direction (up: to the centre, down: to the customer).", "direction"),
		possibleLosses: counter("possible_losses_total", "Answers of the centre that may be lost because its history could not be read.").WithLabelValues(),
		limited:        counter("limited_seconds_total", "Seconds that a platform, or the centre, told the bridge to wait.", "adapter"),
		reconnects:     counter("reconnects_total", "Connections made again to a platform.", "adapter"),
		calls: prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: "ccbridge", Name: "call_duration_seconds",
			Help: "How long calls to the outside took.", Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}}, []string{"to", "call"}),
	}
	reg.MustRegister(m.calls)
	m.begin(adapters)
	return m
}

// targets are the labels "to" of deliveries.
var targets = []bridge.Target{bridge.ToCentre, bridge.ToThread, bridge.ToPerson}

// begin makes every series there may be: the first 1 of one that was not there before would be seen by no rate.
func (m *metrics) begin(adapters []config.Adapter) {
	for _, to := range targets {
		for _, result := range []bridge.Outcome{bridge.Delivered, bridge.Refused, bridge.GivenUp, bridge.Unknown} {
			m.deliveries.WithLabelValues(string(to), string(result))
		}
	}
	for _, d := range []bridge.Direction{bridge.Up, bridge.Down} {
		m.deadLetters.WithLabelValues(string(d))
	}
	const centre = string(bridge.ToCentre)
	m.limited.WithLabelValues(centre)
	for _, call := range []bridge.CallKind{bridge.CallConnect, bridge.CallChat, bridge.CallTransfer, bridge.CallDisconnect, bridge.CallQueue, "poll"} {
		m.calls.WithLabelValues(centre, string(call))
	}
	for _, a := range adapters {
		m.limited.WithLabelValues(a.Name)
		m.reconnects.WithLabelValues(a.Name)
		for _, kind := range []bridge.MessageKind{bridge.MessageMake, bridge.MessageRobot, bridge.MessageAgent, bridge.MessageSystem, bridge.MessageNotice, bridge.MessageAnswer} {
			m.calls.WithLabelValues(a.Name, string(kind))
		}
	}
}

// Delivered implements bridge.Meter, like the methods below.
func (m *metrics) Delivered(to bridge.Target, result string) {
	m.deliveries.WithLabelValues(string(to), result).Inc()
}
func (m *metrics) Repeated()                     { m.repeats.Inc() }
func (m *metrics) DeadLetter(d bridge.Direction) { m.deadLetters.WithLabelValues(string(d)).Inc() }
func (m *metrics) PossibleLoss()                 { m.possibleLosses.Inc() }
func (m *metrics) CallTook(to, call string, took time.Duration) {
	m.calls.WithLabelValues(to, call).Observe(took.Seconds())
}
func (m *metrics) Limited(adapter string, wait time.Duration) {
	m.limited.WithLabelValues(adapter).Add(wait.Seconds())
}
func (m *metrics) Reconnected(adapter string) { m.reconnects.WithLabelValues(adapter).Inc() }

// gauges reads, when /metrics is asked for, what the store and the polls show.
type gauges struct {
	stats func(context.Context) (bridge.Stats, error)
	polls func() (int, time.Duration)

	queue, oldest, doubt, sessions, pollAge, polled *prometheus.Desc
}

func newGauges(stats func(context.Context) (bridge.Stats, error), polls func() (int, time.Duration)) *gauges {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("ccbridge_"+name, help, labels, nil)
	}
	return &gauges{
		stats:    stats,
		polls:    polls,
		queue:    desc("queue_length", "What waits: events not yet worked, deliveries not yet settled by target.", "queue"),
		oldest:   desc("oldest_waiting_seconds", "How long the oldest of them waits.", "queue"),
		doubt:    desc("in_doubt", "Deliveries of which nobody knows yet whether they were done."),
		sessions: desc("sessions", "Open sessions by state.", "state"),
		pollAge:  desc("poll_age_seconds", "How long ago the most overdue poll was answered."),
		polled:   desc("polls", "Sessions that are polled."),
	}
}

// Describe implements prometheus.Collector.
func (g *gauges) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{g.queue, g.oldest, g.doubt, g.sessions, g.pollAge, g.polled} {
		out <- d
	}
}

// statsTimeout bounds one read of the store for /metrics.
const statsTimeout = 5 * time.Second

// Collect implements prometheus.Collector.
func (g *gauges) Collect(out chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	n, age := g.polls()
	gauge(g.polled, float64(n))
	gauge(g.pollAge, age.Seconds())

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
	gauge(g.queue, float64(s.Queue), "events")
	gauge(g.oldest, since(s.OldestEvent), "events")
	for _, to := range targets {
		gauge(g.queue, float64(s.Deliveries[to]), string(to))
		gauge(g.oldest, since(s.OldestWaiting[to]), string(to))
	}
	gauge(g.doubt, float64(s.InDoubt))
	for _, state := range bridge.States {
		if state.Open() {
			gauge(g.sessions, float64(s.Sessions[state]), string(state))
		}
	}
}

// processCollectors are the usual ones of a Go program.
func processCollectors() []prometheus.Collector {
	return []prometheus.Collector{collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{})}
}
