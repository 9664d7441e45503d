package main

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"ccbridge/bridge"
)

// TestReadyz: every part has its three keys, the detail also when there is nothing to say.
func TestReadyz(t *testing.T) {
	t.Parallel()
	parts := map[string]bridge.Part{
		"store":  {State: "up", Since: time.Unix(0, 0).UTC()},
		"centre": {State: "down", Since: time.Unix(1, 0).UTC(), Detail: "HTTP 503"},
	}
	const body = `,"parts":{"centre":{"state":"down","since":"1970-01-01T00:00:01Z","detail":"HTTP 503"},` +
		`"store":{"state":"up","since":"1970-01-01T00:00:00Z","detail":""}}}` + "\n"
	for ready, want := range map[bool]struct {
		code int
		body string
	}{true: {200, `{"status":"ok"` + body}, false: {503, `{"status":"not ready"` + body}} {
		answer := httptest.NewRecorder()
		handler(func() (map[string]bridge.Part, bool) { return parts, ready }, prometheus.NewRegistry()).
			ServeHTTP(answer, httptest.NewRequest("GET", "/readyz", nil))
		if got := answer.Body.String(); answer.Code != want.code || got != want.body {
			t.Errorf("ready %v: %d %s", ready, answer.Code, got)
		}
	}
}

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
