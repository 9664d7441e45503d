package main

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// documented are the metrics of OPERATING.md with their labels.
func documented(t *testing.T) map[string][]string {
	t.Helper()
	row := regexp.MustCompile("(?m)^\\| `(ccbridge_[a-z_]+\\*?)` \\|([^|]*)\\|([^|]*)\\|([^|]*)\\|$")
	found := map[string][]string{}
	for _, m := range row.FindAllStringSubmatch(readDocument(t, "cmd/ccbridge/OPERATING.md"), -1) {
		labels := strings.FieldsFunc(strings.Trim(m[2], " –"), func(r rune) bool { return r == ',' || r == ' ' })
		slices.Sort(labels)
		if found[m[1]] != nil || strings.TrimSpace(m[3]) == "" || strings.TrimSpace(m[4]) == "" {
			t.Errorf("OPERATING.md: %s stands there twice, or without what it means or what to do", m[1])
		}
		found[m[1]] = append(labels, "")[:len(labels)]
	}
	return found
}

// exported are the metrics of a text of /metrics with their labels. A histogram is one, without le.
func exported(body string) map[string][]string {
	series := regexp.MustCompile(`(?m)^(ccbridge_[a-z0-9_]+)(?:\{(.*)\})? `)
	label := regexp.MustCompile(`([a-z_]+)="[^"]*"`)
	histogram := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^# TYPE (\S+) histogram$`).FindAllStringSubmatch(body, -1) {
		histogram[m[1]] = true
	}
	found := map[string][]string{}
	for _, m := range series.FindAllStringSubmatch(body, -1) {
		name := m[1]
		for _, suffix := range []string{"_bucket", "_sum", "_count"} {
			if base := strings.TrimSuffix(name, suffix); histogram[base] {
				name = base
			}
		}
		labels := map[string]bool{}
		for _, l := range label.FindAllStringSubmatch(m[2], -1) {
			if l[1] != "le" {
				labels[l[1]] = true
			}
		}
		for _, group := range []string{"ccbridge_go_", "ccbridge_process_"} {
			if strings.HasPrefix(name, group) {
				name, labels = group+"*", nil
			}
		}
		found[name] = slices.Sorted(maps.Keys(labels))
	}
	return found
}

// atStart are series of design §9.12 that are there, with 0, before anything happened.
var atStart = []string{
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
}

// TestMetricsAreDocumented: OPERATING.md names exactly what /metrics shows before anything happened and after a
// conversation, with the same labels.
func TestMetricsAreDocumented(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.run()
	want := documented(t)
	_, before := w.get("/metrics")
	for line := range strings.Lines(before) {
		if !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "ccbridge_") {
			t.Errorf("/metrics has %s", line)
		}
	}
	for _, name := range atStart {
		w.wants(name, 0)
	}
	w.sees(w.ask(ada, "", "hello"), lineWelcome)
	_, after := w.get("/metrics")
	for when, got := range map[string]map[string][]string{"before": exported(before), "after": exported(after)} {
		for name, labels := range want {
			if have, ok := got[name]; !ok || !slices.Equal(have, labels) {
				t.Errorf("%s: %s has labels %q, OPERATING.md says %q", when, name, have, labels)
			}
		}
		for name := range got {
			if _, ok := want[name]; !ok {
				t.Errorf("%s: %s does not stand in OPERATING.md", when, name)
			}
		}
	}
	if n, m := strings.Count(before, "\nccbridge_"), strings.Count(after, "\nccbridge_"); m > n {
		t.Errorf("%d series became %d by a conversation: some begin too late", n, m)
	}
	w.wants(`ccbridge_sessions_opened_total{adapter="acme"}`, 1)
	w.wants(`ccbridge_events_total{adapter="acme",result="stored"}`, 1)
	w.wants(`ccbridge_part_state{part="acme",state="up"}`, 1)
	w.wants(`ccbridge_part_state{part="guild",state="down"}`, 0)
	w.wants("ccbridge_ready", 1)
	if w.metric("ccbridge_store_commit_seconds_count") < 3 || w.metric(`ccbridge_store_size_bytes{file="database"}`) == 0 ||
		w.metric(`ccbridge_last_message_timestamp_seconds{adapter="acme"}`) < 1e9 || w.metric("ccbridge_store_schema_version") < 1 {
		_, body := w.get("/metrics")
		t.Errorf("the store or the line shows nothing:\n%s", body)
	}
	w.stop()
	w.clean()
}
