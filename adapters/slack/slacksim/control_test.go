package slacksim_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"ccbridge/adapters/slack/slacksim"
)

func TestControlEndpoints(t *testing.T) {
	t.Parallel()
	s := open(t, slacksim.Config{})
	base := strings.TrimSuffix(s.URL(), "/api/") + "/_sim/"
	order := func(name, body string) map[string]any {
		t.Helper()
		status, ans := do(t, base+name, "application/x-www-form-urlencoded", body) // as curl -d sends it
		if status != http.StatusOK {
			t.Fatalf("%s %s: %d %v", name, body, status, ans)
		}
		return ans
	}
	show := func(path string, v any) {
		t.Helper()
		req, err := http.NewRequestWithContext(soon(t), http.MethodGet, base+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		raw, err := io.ReadAll(resp.Body)
		if err == nil {
			err = json.Unmarshal(raw, v)
		}
		if err != nil {
			t.Fatalf("%s: %s: %v", path, raw, err)
		}
	}
	order("users", `{"id":"U0EVE","name":"eve"}`)
	order("channels", `{"id":"C0NEW","name":"new"}`)
	root := order("post", `{"channel":"C0NEW","user":"U0EVE","text":"hello"}`)["ts"].(string)
	order("post", `{"channel":"C0NEW","user":"U0EVE","text":"again","thread_ts":"`+root+`"}`)
	order("edit", `{"channel":"C0NEW","ts":"`+root+`","text":"hello you"}`)
	order("unfurl", `{"channel":"C0NEW","ts":"`+root+`"}`)
	var thread []slacksim.Message
	show("thread?channel=C0NEW&root="+root, &thread)
	if len(thread) != 2 || thread[0].Text != "hello you" || thread[1].ThreadTS != root {
		t.Errorf("thread %+v", thread)
	}
	id := order("slash", `{"user":"U0EVE","channel":"C0NEW","command":"/agent"}`)["id"].(string)
	var out slacksim.Outcome
	if show("interaction?id="+id, &out); out.Error != "dispatch_failed" {
		t.Errorf("outcome %+v", out)
	}
	order("fault", `{"method":"chat.postMessage","status":503,"times":2}`)
	if status, _ := call(t, s, "chat.postMessage", map[string]string{"channel": chn, "text": "x"}); status != 503 {
		t.Errorf("fault: %d", status)
	}
	order("event-fault", `{"kind":"reverse","times":2}`)
	order("clear-faults", `{}`)
	if status, _ := call(t, s, "chat.postMessage", map[string]string{"channel": chn, "text": "x", "link_names": "1"}); status != 200 {
		t.Errorf("cleared: %d", status)
	}
	var violations []string
	if show("violations", &violations); len(violations) != 1 {
		t.Errorf("violations %q", violations)
	}
	var calls []slacksim.Call
	if show("calls?method=chat.postMessage", &calls); len(calls) != 2 || calls[0].Status != 503 {
		t.Errorf("calls %+v", calls)
	}
	order("scopes", `{"scopes":["chat:write"]}`)
	order("revoke", `{"token":"xoxb-sim","code":"account_inactive"}`)
	order("door", `{"door":"refuse"}`)
	order("sockets", `{"do":"drop"}`)
	var st slacksim.Stats
	if show("stats", &st); st.Calls != 2 || st.Events == 0 {
		t.Errorf("stats %+v", st)
	}
	for name, body := range map[string]string{
		"post": `{"channel":"C0NONE","user":"U0EVE"}`, "edit": `{}`, "click": `{}`, "users": `{}`, "channels": `{`, "door": `{"door":"x"}`,
		"event-fault": `{"kind":"x"}`, "sockets": `{"do":"x"}`, "join": `{}`,
	} {
		if status, ans := do(t, base+name, "application/json", body); status != http.StatusBadRequest || ans["error"] == nil {
			t.Errorf("%s %s: %d %v", name, body, status, ans)
		}
	}
}
