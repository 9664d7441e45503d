package service

import (
	"net/http"
	"net/http/httptest"
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
		handler(func() (map[string]bridge.Part, bool) { return parts, ready }, prometheus.NewRegistry(), http.NotFoundHandler()).
			ServeHTTP(answer, httptest.NewRequest("GET", "/readyz", nil))
		if got := answer.Body.String(); answer.Code != want.code || got != want.body {
			t.Errorf("ready %v: %d %s", ready, answer.Code, got)
		}
	}
}
