package main

import (
	"strings"
	"testing"
)

// TestMetricsAtStart: every name and label of design §9.12 is there before anything happened, and no name that does not
// begin as all do.
func TestMetricsAtStart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.run()
	_, body := w.get("/metrics")
	for line := range strings.Lines(body) {
		if !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "ccbridge_") {
			t.Errorf("/metrics has %s", line)
		}
	}
	for _, name := range []string{
		`ccbridge_deliveries_total{result="delivered",to="centre"}`, `ccbridge_deliveries_total{result="refused",to="thread"}`,
		`ccbridge_deliveries_total{result="given-up",to="person"}`, `ccbridge_deliveries_total{result="unknown",to="centre"}`,
		"ccbridge_repeats_total", "ccbridge_in_doubt", "ccbridge_possible_losses_total", "ccbridge_poll_age_seconds", "ccbridge_polls",
		`ccbridge_dead_letters_total{direction="up"}`, `ccbridge_dead_letters_total{direction="down"}`,
		`ccbridge_queue_length{queue="events"}`, `ccbridge_queue_length{queue="centre"}`,
		`ccbridge_queue_length{queue="thread"}`, `ccbridge_queue_length{queue="person"}`,
		`ccbridge_oldest_waiting_seconds{queue="events"}`, `ccbridge_oldest_waiting_seconds{queue="centre"}`,
		`ccbridge_oldest_waiting_seconds{queue="thread"}`, `ccbridge_oldest_waiting_seconds{queue="person"}`,
		`ccbridge_sessions{state="opening"}`, `ccbridge_sessions{state="robot"}`, `ccbridge_sessions{state="transferring"}`,
		`ccbridge_sessions{state="queued"}`, `ccbridge_sessions{state="agent"}`, `ccbridge_sessions{state="dormant"}`, `ccbridge_sessions{state="ending"}`,
		`ccbridge_reconnects_total{adapter="acme"}`, `ccbridge_reconnects_total{adapter="guild"}`,
		`ccbridge_limited_seconds_total{adapter="acme"}`, `ccbridge_limited_seconds_total{adapter="guild"}`,
		`ccbridge_call_duration_seconds_count{call="CONNECT",to="centre"}`, `ccbridge_call_duration_seconds_count{call="poll",to="centre"}`,
		`ccbridge_call_duration_seconds_count{call="agent",to="acme"}`, `ccbridge_call_duration_seconds_count{call="notice",to="guild"}`,
	} {
		w.wants(name, 0)
	}
	w.stop()
	w.clean()
}
