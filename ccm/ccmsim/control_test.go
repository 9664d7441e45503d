package ccmsim

import (
	"net/http"
	"testing"
)

func (c *client) control(method, what string, body any) (int, string) {
	c.t.Helper()
	return c.try(c.request(method, controlPath+what, body))
}

// TestControl drives a conversation the way another process would.
func TestControl(t *testing.T) {
	t.Parallel()
	sim := startSim(t, Config{})
	c := newClient(t, sim, user)
	c.send("CONNECT", "")
	c.send("TRANS2AGENT", "")
	for _, command := range []map[string]any{
		{"do": "accept", "visitor": user},
		{"do": "say", "visitor": user, "text": "hello"},
		{"do": "robot", "visitor": user, "text": "beep"},
		{"do": "system", "visitor": user, "text": "note"},
		{"do": "put", "visitor": user, "fields": map[string]any{"content": "odd", "mediaType": "LOCATE"}},
		{"do": "timeout", "visitor": user, "soft": true},
		{"do": "end", "visitor": user},
	} {
		if status, raw := c.control(http.MethodPost, "desk", command); status != 200 {
			t.Errorf("%v: %d %s", command, status, raw)
		}
	}
	equal(t, "texts", c.texts()[2:], []string{
		"SYSTEM The call is connected to an agent.", "AGENT hello", "ROBOT beep", "SYSTEM note", "AGENT odd", "SYSTEM DISCONNECT", "AGENT DISCONNECT",
	})
	status, raw := c.control(http.MethodPost, "desk", map[string]any{"do": "lose", "visitor": user})
	equal(t, "no session", []any{status, raw}, []any{400, `{"error":"desk: lose visitor-0001: no live session"}`})

	_, raw = c.control(http.MethodGet, "sessions?visitor="+user, nil)
	equal(t, "state", decode(raw)["State"], any("ended"))
	_, raw = c.control(http.MethodGet, "violations", nil)
	equal(t, "violations", raw, "[]")
	_, raw = c.control(http.MethodGet, "log?after=4&wait=1ms", nil)
	equal(t, "log", raw, "[]")
	_, raw = c.control(http.MethodGet, "state", nil)
	equal(t, "calls", decode(raw)["calls"].(map[string]any)["send:CONNECT"], any(1))
}

func TestControlSettings(t *testing.T) {
	t.Parallel()
	sim := startSim(t, Config{})
	c := newClient(t, sim, user).lonely()
	status, _ := c.control(http.MethodPost, "switches", `{"OffHours":true,"StraightToAgent":true,"HistoryLag":"250ms"}`)
	equal(t, "switches", status, 200)
	_, raw := c.control(http.MethodGet, "switches", nil)
	equal(t, "read back", []any{decode(raw)["OffHours"], decode(raw)["HistoryLag"], decode(raw)["PollWait"]}, []any{true, "250ms", "10ms"})
	equal(t, "in force", c.send("CONNECT", ""), "12 "+descOffHours)

	status, _ = c.control(http.MethodPost, "faults", `{"op":"send:CONNECT","count":1,"fault":{"Status":502,"Delay":"1ms"}}`)
	equal(t, "faults", status, 200)
	equal(t, "hit", c.send("CONNECT", ""), "status 502")
	_, _ = c.control(http.MethodPost, "faults", `{"op":"send","fault":{"Drop":true}}`)
	status, _ = c.control(http.MethodDelete, "faults", nil)
	equal(t, "cleared", []any{status, c.send("CONNECT", "")}, []any{200, "12 " + descOffHours})

	for _, do := range []string{"rotate", "expire-visitor", "expire-access"} {
		status, _ = c.control(http.MethodPost, "tokens", map[string]string{"do": do})
		equal(t, do, status, 200)
	}
	equal(t, "expired", c.send("CONNECT", ""), "status 403")

	for what, body := range map[string]string{
		"switches": `{"NoSuch":true}`, "faults": `{"op":"send","fault":{"Delay":5}}`, "tokens": `{"do":"x"}`, "desk": `{"do":"x"}`, "x": `{}`,
	} {
		status, _ = c.control(http.MethodPost, what, body)
		equal(t, "bad "+what, status, 400)
	}
	clean(t, sim)
}

func TestLogWaits(t *testing.T) {
	t.Parallel()
	sim := startSim(t, Config{})
	c := newClient(t, sim, user)
	got := make(chan string, 1)
	go func() {
		c := *c
		_, raw := c.control(http.MethodGet, "log?after=2&wait=1m", nil)
		got <- raw
	}()
	c.send("CONNECT", "")
	if raw := <-got; raw == "[]" {
		t.Error("log empty")
	}
}
