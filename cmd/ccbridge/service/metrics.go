package service

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"ccbridge/bridge"
	"ccbridge/cmd/ccbridge/config"
)

// metrics counts what the bridge does, under the names of design §9.12 and more. OPERATING.md explains each one.
type metrics struct {
	deliveries     *prometheus.CounterVec
	repeats        prometheus.Counter
	deadLetters    *prometheus.CounterVec
	possibleLosses prometheus.Counter
	calls          *prometheus.HistogramVec
	limited        *prometheus.CounterVec
	looks          *prometheus.CounterVec
	pollsFailed    prometheus.Counter
	defects        prometheus.Counter

	opened    *prometheus.CounterVec
	ended     *prometheus.CounterVec
	transfers *prometheus.CounterVec
	agentWait prometheus.Histogram

	events     *prometheus.CounterVec
	reconnects *prometheus.CounterVec
	gaps       *prometheus.CounterVec
	caughtUp   *prometheus.CounterVec
	missed     *prometheus.CounterVec

	commits prometheus.Histogram
}

var _ bridge.Meter = (*metrics)(nil)

func newMetrics(reg prometheus.Registerer, adapters []config.Adapter) *metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		v := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "ccbridge", Name: name, Help: help}, labels)
		reg.MustRegister(v)
		return v
	}
	histogram := func(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
		v := prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: "ccbridge", Name: name, Help: help, Buckets: buckets}, labels)
		reg.MustRegister(v)
		return v
	}
	m := &metrics{
		deliveries:     counter("deliveries_total", "Deliveries that ended, by target and result.", "to", "result"),
		repeats:        counter("repeats_total", "Calls repeated although nobody could say whether they had been done: each may be a double.").WithLabelValues(),
		deadLetters:    counter("dead_letters_total", "Texts that could not be delivered, by direction (up: to the centre, down: to the customer).", "direction"),
		possibleLosses: counter("possible_losses_total", "Answers of the centre that may be lost because its history could not be read.").WithLabelValues(),
		calls: histogram("call_duration_seconds", "How long calls to the outside took.",
			[]float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}, "to", "call"),
		limited:     counter("limited_seconds_total", "Seconds that a platform, or the centre, told the bridge to wait.", "adapter"),
		looks:       counter("looks_total", "Times the outside was asked whether a call in doubt had been done, by answer.", "to", "found"),
		pollsFailed: counter("polls_failed_total", "Polls of the centre that gave no answer.").WithLabelValues(),
		defects:     counter("defects_total", "Panics: each cost an event or a round of work, and is a bug.").WithLabelValues(),

		opened:    counter("sessions_opened_total", "Sessions opened.", "adapter"),
		ended:     counter("sessions_ended_total", "Sessions ended, by whom or what.", "adapter", "by"),
		transfers: counter("transfers_total", "Wishes for an agent, by what the centre answered.", "result"),
		agentWait: histogram("agent_wait_seconds", "From a session's wait for an agent to the agent.",
			[]float64{1, 5, 15, 30, 60, 120, 300, 600, 900, 1800, 3600}).WithLabelValues().(prometheus.Histogram),

		events:     counter("events_total", "What people wrote and pressed, by what became of it.", "adapter", "result"),
		reconnects: counter("reconnects_total", "Connections made again to a platform.", "adapter"),
		gaps:       counter("gaps_total", "Times that events may have been missed, so that the history was read.", "adapter"),
		caughtUp:   counter("caught_up_events_total", "Events that came from the history only.", "adapter"),
		missed:     counter("missed_events_total", "Events that came from the history although the line was up.", "adapter"),

		commits: histogram("store_commit_seconds", "How long the store's commits took.",
			[]float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5}).WithLabelValues().(prometheus.Histogram),
	}
	m.begin(adapters)
	return m
}

// targets are the labels "to" of deliveries.
var targets = []bridge.Target{bridge.ToCentre, bridge.ToThread, bridge.ToPerson}

// begin makes every series there may be: the first 1 of one that was not there before would be seen by no rate.
func (m *metrics) begin(adapters []config.Adapter) {
	for _, to := range targets {
		for _, result := range []bridge.Outcome{bridge.Delivered, bridge.Refused, bridge.GivenUp, bridge.Unknown, bridge.Shadowed} {
			m.deliveries.WithLabelValues(string(to), string(result))
		}
	}
	for _, d := range []bridge.Direction{bridge.Up, bridge.Down} {
		m.deadLetters.WithLabelValues(string(d))
	}
	for _, r := range bridge.TransferResults {
		m.transfers.WithLabelValues(string(r))
	}
	m.beginOutside(string(bridge.ToCentre))
	for _, call := range []bridge.CallKind{bridge.CallConnect, bridge.CallChat, bridge.CallTransfer, bridge.CallDisconnect, bridge.CallQueue, "poll"} {
		m.calls.WithLabelValues(string(bridge.ToCentre), string(call))
	}
	for _, a := range adapters {
		m.beginAdapter(a.Name)
	}
}

// beginOutside makes the series of the centre or an adapter.
func (m *metrics) beginOutside(name string) {
	m.limited.WithLabelValues(name)
	for _, found := range []bridge.Certainty{bridge.Done, bridge.NotDone, bridge.InDoubt} {
		m.looks.WithLabelValues(name, found.String())
	}
}

func (m *metrics) beginAdapter(name string) {
	m.beginOutside(name)
	for _, v := range []*prometheus.CounterVec{m.reconnects, m.gaps, m.caughtUp, m.missed, m.opened} {
		v.WithLabelValues(name)
	}
	for _, kind := range []bridge.MessageKind{bridge.MessageMake, bridge.MessageRobot, bridge.MessageAgent, bridge.MessageSystem, bridge.MessageNotice, bridge.MessageAnswer} {
		m.calls.WithLabelValues(name, string(kind))
	}
	for _, r := range bridge.EventResults {
		m.events.WithLabelValues(name, string(r))
	}
	for _, by := range bridge.EndedBys {
		m.ended.WithLabelValues(name, string(by))
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
func (m *metrics) Looked(to string, found bridge.Certainty) {
	m.looks.WithLabelValues(to, found.String()).Inc()
}
func (m *metrics) PollFailed()           { m.pollsFailed.Inc() }
func (m *metrics) Defect()               { m.defects.Inc() }
func (m *metrics) Opened(adapter string) { m.opened.WithLabelValues(adapter).Inc() }
func (m *metrics) Ended(adapter string, by bridge.EndedBy) {
	m.ended.WithLabelValues(adapter, string(by)).Inc()
}
func (m *metrics) Transferred(r bridge.TransferResult) { m.transfers.WithLabelValues(string(r)).Inc() }
func (m *metrics) AgentCame(after time.Duration)       { m.agentWait.Observe(after.Seconds()) }
func (m *metrics) Event(adapter string, r bridge.EventResult) {
	m.events.WithLabelValues(adapter, string(r)).Inc()
}
func (m *metrics) Reconnected(adapter string)   { m.reconnects.WithLabelValues(adapter).Inc() }
func (m *metrics) Gap(adapter string)           { m.gaps.WithLabelValues(adapter).Inc() }
func (m *metrics) CaughtUp(adapter string)      { m.caughtUp.WithLabelValues(adapter).Inc() }
func (m *metrics) Missed(adapter string)        { m.missed.WithLabelValues(adapter).Inc() }
func (m *metrics) committed(took time.Duration) { m.commits.Observe(took.Seconds()) }

// processCollectors are the usual ones of a Go program.
func processCollectors() []prometheus.Collector {
	return []prometheus.Collector{collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{})}
}
