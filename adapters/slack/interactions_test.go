package slack

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"ccbridge/adapters/slack/slacksim"
	"ccbridge/bridge"
)

func (r *rig) slash(t *testing.T, channel, command string) *slacksim.Interaction {
	t.Helper()
	i, err := r.sim.Slash(ada, channel, command, "")
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func (r *rig) answered(t *testing.T, i *slacksim.Interaction, n int) slacksim.Outcome {
	t.Helper()
	r.simUntil(t, "answer", func() bool { o := i.Outcome(); return o.Acked && len(o.Responses) >= n })
	if o := i.Outcome(); len(o.Responses) != n || o.Error != "" {
		t.Fatalf("outcome %+v", o)
	}
	return i.Outcome()
}

func TestCommandMeansTheOpenThread(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Config{}, nil)
	root := key(general, "1700000000.000001")
	r.in.set(func() { r.in.threads = []bridge.ThreadKey{root} })
	for n, c := range []struct {
		command string
		kind    bridge.VerbKind
	}{{"/agent", bridge.VerbAgent}, {"/end", bridge.VerbEnd}} {
		i := r.slash(t, general, c.command)
		ev := r.in.event(t, n+1)
		if ev.Thread != root || ev.Verb.Kind != c.kind || ev.Verb.By.ID != ada || ev.Verb.Direct || ev.Order == "" {
			t.Errorf("event %+v %+v", ev, ev.Verb)
		}
		if left := time.Until(ev.Verb.Answer.Until); left > 30*time.Minute || left < 28*time.Minute {
			t.Errorf("answer until %v", left)
		}
		r.answered(t, i, 0)
		// The core's own answer goes to the person alone.
		r.send(t, "answer", bridge.Message{Kind: bridge.MessageAnswer, Text: "a <!channel> " + secret, Answer: ev.Verb.Answer, Thread: root})
		if got := r.answered(t, i, 1).Responses[0]; got.For != ada || got.Plain() != "a <!channel> "+secret || len(got.Pings) > 0 {
			t.Errorf("answer %+v", got)
		}
	}
}

func TestCommandWithoutThread(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Config{}, nil)
	o := r.answered(t, r.slash(t, general, "/agent"), 1)
	if got := o.Responses[0]; got.For != ada || got.Plain() != bridge.SayHowToStart {
		t.Errorf("answer %+v", got)
	}
	r.answered(t, r.slash(t, general, "/weather"), 0) // none of ours
	if len(r.in.all()) != 0 {
		t.Errorf("events %v", r.in.all())
	}
}

func TestCommandInDirectMessage(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Config{}, nil)
	dm := r.sim.OpenDM(ada)
	if got := r.answered(t, r.slash(t, dm, "/agent"), 1).Responses[0]; got.Plain() != bridge.SayHowToStart {
		t.Errorf("answer %+v", got)
	}
	r.in.set(func() { r.in.threads = []bridge.ThreadKey{key(dm, "")} })
	i := r.slash(t, dm, "/agent")
	if ev := r.in.event(t, 1); ev.Thread != key(dm, "") || !ev.Verb.Direct {
		t.Errorf("event %+v %+v", ev, ev.Verb)
	}
	r.answered(t, i, 0)
}

func TestCommandWithSeveralThreadsAsksWhich(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Config{}, nil)
	var threads []bridge.ThreadKey
	for range 12 {
		threads = append(threads, key(general, r.post(t, say(ada, "", "thread"))))
	}
	r.in.event(t, 12)
	r.in.set(func() { r.in.threads = threads })
	ask := r.answered(t, r.slash(t, general, "/end"), 1).Responses[0]
	if ask.For != ada || ask.Plain() != bridge.SayWhichThread {
		t.Errorf("question %+v", ask)
	}
	if n := strings.Count(string(ask.Blocks), bridge.LabelEnd); n != chooserSize {
		t.Errorf("%d buttons in %s", n, ask.Blocks)
	}
	second := bridge.Button{Verb: bridge.VerbEnd, Ref: threads[1].Root}.Action()
	i, err := r.sim.Click(ada, general, ask.TS, second, "")
	if err != nil {
		t.Fatal(err)
	}
	if ev := r.in.event(t, 13); ev.Thread != threads[1] || ev.Verb.Kind != bridge.VerbEnd || ev.Verb.Ref != "" {
		t.Errorf("choice %+v %+v", ev, ev.Verb)
	}
	r.answered(t, i, 0)
}

// A broken store is told to the caller: Slack does not repeat commands and clicks.
func TestCallerIsToldToTryAgain(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Config{}, nil)
	root := r.post(t, say(ada, "", "root"))
	r.in.event(t, 1)
	notice := r.send(t, "n", bridge.Message{Kind: bridge.MessageNotice, Text: "notice", Thread: key(general, root), Buttons: []bridge.Button{{Verb: bridge.VerbAgent, Label: "Human"}}})
	r.in.set(func() { r.in.fail = errors.New("disk full") })
	told := func(i *slacksim.Interaction, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		if got := r.answered(t, i, 1).Responses[0]; got.For != ada || got.Plain() != bridge.SayTryAgain {
			t.Errorf("answer %+v", got)
		}
	}
	told(r.sim.Slash(ada, general, "/agent", ""))
	told(r.sim.Click(ada, general, string(notice[0]), "ccb:agent", ""))
	told(r.sim.Shortcut(ada, general, root, "ccb:end"))
}

func TestButtons(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Config{}, nil)
	dm := r.sim.OpenDM(ada)
	root := r.post(t, say(ada, "", "root"))
	r.in.event(t, 1)
	buttons := []bridge.Button{{Verb: bridge.VerbAgent, Label: "Human"}, {Verb: bridge.VerbResend, Ref: "ref7", Label: "Again"}}
	for n, thread := range []bridge.ThreadKey{key(general, root), key(dm, "")} {
		ts := r.send(t, "n", bridge.Message{Kind: bridge.MessageNotice, Text: "notice", Thread: thread, Buttons: buttons})
		i, err := r.sim.Click(ada, thread.Channel, string(ts[0]), "ccb:resend:ref7", "")
		if err != nil {
			t.Fatal(err)
		}
		ev := r.in.event(t, n+2)
		if ev.Thread != thread || ev.Verb.Kind != bridge.VerbResend || ev.Verb.Ref != "ref7" || ev.Verb.By.ID != ada || ev.Verb.Direct != (thread.Root == "") {
			t.Errorf("event %+v %+v", ev, ev.Verb)
		}
		r.answered(t, i, 0)
		var to address
		if err := json.Unmarshal(ev.Verb.Answer.Address, &to); err != nil || to.ThreadTS != thread.Root || to.URL == "" {
			t.Errorf("answer goes to thread %q", to.ThreadTS)
		}
	}
}

func TestShortcuts(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Config{}, nil)
	root := r.post(t, say(ada, "", "root"))
	reply := r.post(t, say(ada, root, "reply"))
	r.in.event(t, 2)
	for n, c := range []struct {
		ts, id string
		kind   bridge.VerbKind
	}{{root, "ccb:agent", bridge.VerbAgent}, {reply, "bridge_end", bridge.VerbEnd}, {reply, "bridge_human", bridge.VerbAgent}} {
		i, err := r.sim.Shortcut(ada, general, c.ts, c.id)
		if err != nil {
			t.Fatal(err)
		}
		if ev := r.in.event(t, n+3); ev.Thread != key(general, root) || ev.Verb.Kind != c.kind {
			t.Errorf("event %+v %+v", ev, ev.Verb)
		}
		r.answered(t, i, 0)
	}
	i, err := r.sim.Shortcut(ada, general, root, "somebody_elses")
	if err != nil {
		t.Fatal(err)
	}
	r.answered(t, i, 0)
	if n := len(r.in.all()); n != 5 {
		t.Errorf("%d events", n)
	}
}

// An answer that comes too late or too often is refused for good, and its address stays secret.
func TestUsedUpAnswer(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Config{}, nil)
	root := key(general, "1700000000.000001")
	r.in.set(func() { r.in.threads = []bridge.ThreadKey{root} })
	r.slash(t, general, "/end")
	m := bridge.Message{Kind: bridge.MessageAnswer, Text: secret, Answer: r.in.event(t, 1).Verb.Answer, Thread: root}
	d := delivery(r.adapter, "answer", m)[0]
	var err error
	for range 6 {
		_, err = r.adapter.Send(t.Context(), d)
	}
	se := asSendError(t, err)
	if se.Certainty != bridge.NotDone || !se.Final || se.Scope != bridge.ScopeDelivery || strings.Contains(err.Error(), "/response/") {
		t.Errorf("error %v %+v", err, se)
	}
	r.sim.Inject(slacksim.Fault{Method: "response_url", Drop: true})
	_, err = r.adapter.Send(t.Context(), d)
	if se := asSendError(t, err); se.Certainty != bridge.InDoubt || strings.Contains(err.Error(), "http") {
		t.Errorf("error %v %+v", err, se)
	}
	if _, c, err := r.adapter.Find(t.Context(), d, time.Now()); c != bridge.NotDone || err != nil {
		t.Errorf("find: %v %v", c, err)
	}
}

// Where no answer may ride along with the acknowledgement it follows through the response_url.
func TestAnswerFollowsTheAcknowledgement(t *testing.T) {
	t.Parallel()
	a := testAdapter(t)
	defer a.http.CloseIdleConnections()
	acks := 0
	var got privateAnswer
	slackSide := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		if acks != 1 {
			t.Errorf("answered after %d acknowledgements", acks)
		}
		if err := json.NewDecoder(req.Body).Decode(&got); err != nil {
			t.Error(err)
		}
	}))
	defer slackSide.Close()
	a.self.Store(&identity{team: team, user: bot})
	r := newReceiver(a, newInbox())
	_, j := r.decode(envelope{
		kind:    "slash_commands",
		payload: []byte(`{"command":"/agent","channel_id":"C1","user_id":"U1","response_url":"` + slackSide.URL + `"}`),
		ack: func(payload any) error {
			if payload != nil {
				t.Errorf("acknowledged with %v", payload)
			}
			acks++
			return nil
		},
	})
	r.serve(t.Context(), &j)
	if got.Text != bridge.SayHowToStart || got.ResponseType != "ephemeral" || acks != 1 {
		t.Errorf("answer %+v after %d acknowledgements", got, acks)
	}
}
