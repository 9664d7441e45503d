package discordsim

import (
	"fmt"
	"testing"
)

func TestAnswersToInteractionsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{NoLimits: true})
	w.call("PUT", "/applications/"+w.bot.ID+"/commands", `[{"name":"agent","description":"x"}]`)
	use := func() (id, callback, webhook string) {
		id = w.id(w.Slash(w.user, w.channel, "agent", nil))
		token := w.actions[id].token
		return id, "/interactions/" + id + "/" + token + "/callback", "/webhooks/" + w.bot.ID + "/" + token
	}
	id, callback, webhook := use()
	for i, step := range []struct {
		method, path, body string
		status, code       int
	}{
		{"PATCH", webhook + "/messages/@original", `{"content":"early"}`, 404, 10015},
		{"POST", "/interactions/" + id + "/wrong/callback", `{"type":5}`, 404, 10062},
		{"POST", callback, `{"type":6}`, 400, 50035}, // for components only
		{"POST", callback, `{"type":4,"data":{"content":""}}`, 400, 50006},
		{"POST", callback, `{"type":5,"data":{"flags":64}}`, 204, 0},
		{"POST", callback, `{"type":5}`, 400, 40060},
		{"PATCH", webhook + "/messages/@original", `{"content":"done <@` + w.user + `> @everyone"}`, 200, 0},
		{"POST", webhook, `{"content":"more","flags":64}`, 200, 0},
		{"GET", webhook + "/messages/1", "", 404, 10008},
		{"DELETE", webhook + "/messages/@original", "", 204, 0},
		{"PATCH", webhook + "/messages/@original", `{"content":"x"}`, 404, 10008},
	} {
		r := w.call(step.method, step.path, step.body)
		if r.status != step.status || r.status >= 400 && r.code() != step.code {
			t.Errorf("step %d: %d %s, want %d %d", i, r.status, r.body, step.status, step.code)
		}
	}
	if v, _ := w.Interaction(id); len(v.Answers) != 1 || v.Answers[0].Content != "more" || !v.Ephemeral {
		t.Errorf("answers %+v", v)
	}
	if r := w.call("GET", "/channels/"+w.channel+"/messages", ""); string(r.body) != "[]" {
		t.Errorf("history shows ephemeral messages: %s", r.body)
	}
	if v := w.Violations(); len(v) != 3 { // two malformed calls, and the mention without allowed_mentions
		t.Errorf("violations %q", v)
	}
	w.Advance(tokenTime)
	if r := w.call("POST", webhook, `{"content":"late"}`); r.status != 401 || r.code() != 50027 {
		t.Errorf("token of the past: %d %s", r.status, r.body)
	}
}

func TestFollowUpAfterDeferActsAsEdit(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{NoLimits: true})
	w.call("PUT", "/applications/"+w.bot.ID+"/commands", `[{"name":"agent","description":"x"}]`)
	id := w.id(w.Slash(w.user, w.channel, "agent", nil))
	token := w.actions[id].token
	w.call("POST", fmt.Sprintf("/interactions/%s/%s/callback", id, token), `{"type":5}`)
	w.call("POST", "/webhooks/"+w.bot.ID+"/"+token, `{"content":"text"}`)
	list := w.Messages(w.channel)
	if len(list) != 1 || list[0].Content != "text" || list[0].Loading || list[0].EphemeralTo != "" {
		t.Errorf("messages %+v", list)
	}
	if len(w.Violations()) != 1 {
		t.Errorf("violations %q", w.Violations())
	}
}
