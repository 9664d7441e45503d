package discord

import (
	"strings"
	"testing"
	"time"

	"ccbridge/adapters/discord/discordsim"
	"ccbridge/bridge"
)

// registered waits until the commands are there: people cannot use others.
func (w *world) registered() {
	w.t.Helper()
	w.until("commands", func(v *discordsim.View) bool { return len(v.Commands(w.guild)) == 2 })
}

func (w *world) slash(channel, name string) string {
	w.t.Helper()
	return w.id(w.sim.Slash(w.ann, channel, name, nil))
}

// answered waits for the final answer to an interaction.
func (w *world) answered(id string) string {
	w.t.Helper()
	var got discordsim.Interaction
	w.until("an answer", func(v *discordsim.View) bool {
		got, _ = v.Interaction(id)
		return got.Acknowledged && !got.Loading && len(got.Answers) > 0
	})
	if !got.Ephemeral || !got.Deferred {
		w.t.Errorf("interaction %+v is not deferred privately", got)
	}
	return got.Answers[0].Content
}

func TestCommandsAreRegisteredOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, discordsim.Config{}, true, func(c *Config) { c.Commands.Agent = "/human" })
	w.registered()
	w.sim.View(func(v *discordsim.View) {
		if got := strings.Join(v.Commands(w.guild), " "); got != "end human" {
			t.Errorf("commands %s", got)
		}
	})
	w.ok(w.stop())
	w.adapter = w.another()
	w.run()
	var gets, puts int
	w.until("both looked", func(v *discordsim.View) bool {
		gets, puts = 0, 0
		for _, c := range v.Calls() {
			switch c.Route {
			case "GET /applications/{app}/guilds/{guild}/commands":
				gets++
			case "PUT /applications/{app}/guilds/{guild}/commands":
				puts++
			}
		}
		return gets == 2
	})
	w.ok(w.stop())
	if puts != 1 {
		t.Errorf("registered %d times", puts)
	}
	w.clean()
}

func TestCommandInThread(t *testing.T) {
	t.Parallel()
	w := newWorld(t, discordsim.Config{}, true)
	w.registered()
	post := w.id(w.sim.ForumPost(w.forum, w.ann, "t", "x"))
	w.inbox.got(t, 1)
	id := w.slash(post, "agent")
	ev := w.inbox.got(t, 2)[1]
	v := ev.Verb
	if v == nil || v.Kind != bridge.VerbAgent || ev.Thread != w.key(w.forum, post) || ev.ID != bridge.EventID("community/i:"+id) ||
		v.By.ID != bridge.UserID(w.ann) || v.By.Name != "Annie" || len(v.By.Roles) != 1 || v.Answer == nil {
		t.Fatalf("%+v %+v", ev, v)
	}
	if left := time.Until(v.Answer.Until); left < 14*time.Minute || left > 15*time.Minute {
		t.Errorf("answer lives %s", left)
	}
	if i, _ := w.sim.Interaction(id); !i.Acknowledged || !i.Deferred || !i.Ephemeral || !i.Loading {
		t.Errorf("put before it was acknowledged: %+v", i)
	}
	m := bridge.Message{Kind: bridge.MessageAnswer, Text: "An agent will come. " + strings.Repeat("word ", 500), Answer: v.Answer}
	posts := w.adapter.Render(m)
	if len(posts) != 2 {
		t.Fatalf("%d posts", len(posts))
	}
	for _, p := range posts {
		if _, err := w.adapter.Send(t.Context(), delivery("x", ev.Thread, p)); err != nil {
			t.Fatal(err)
		}
	}
	if got := w.answered(id); !strings.HasPrefix(got, "An agent will come.") {
		t.Errorf("answer %q", got)
	}
	if i, _ := w.sim.Interaction(id); len(i.Answers) != 2 || i.Answers[1].EphemeralTo != w.ann {
		t.Errorf("answers %+v", i.Answers)
	}
	w.clean()
}

func TestCommandElsewhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t, discordsim.Config{}, true)
	w.registered()
	if got := w.answered(w.slash(w.help, "agent")); got != bridge.SayHowToStart {
		t.Errorf("no thread: %q", got)
	}
	one, two := w.key(w.help, "1500000000000000011"), w.key(w.help, "1500000000000000012")
	w.inbox.set(func() { w.inbox.open = []bridge.ThreadKey{one} })
	w.slash(w.help, "end")
	if ev := w.inbox.got(t, 1)[0]; ev.Thread != one || ev.Verb.Kind != bridge.VerbEnd {
		t.Errorf("one thread: %+v", ev)
	}
	w.inbox.set(func() { w.inbox.open = []bridge.ThreadKey{one, two} })
	id := w.slash(w.help, "end")
	if got := w.answered(id); !strings.HasPrefix(got, bridge.SayWhichThread) || !strings.Contains(got, "<#"+two.Root+">") {
		t.Errorf("several threads: %q", got)
	}
	list, _ := w.sim.Interaction(id)
	w.id(w.sim.Click(w.ann, list.Answers[0].ID, list.Answers[0].Buttons[1].CustomID))
	if ev := w.inbox.got(t, 2)[1]; ev.Thread != two || ev.Verb.Kind != bridge.VerbEnd || ev.Verb.Ref != "" {
		t.Errorf("chosen: %+v %+v", ev, ev.Verb)
	}
	w.inbox.set(func() { w.inbox.broken = true })
	if got := w.answered(w.slash(w.help, "end")); got != bridge.SayTryAgain {
		t.Errorf("broken: %q", got)
	}
	w.clean()
}

// A first answer that fails in passing is tried again while Discord waits for it.
func TestAcknowledgedAgain(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]discordsim.Fault{
		"dropped":                {Drop: true},
		"dropped after the deed": {Drop: true, Deed: true},
		"502":                    {Status: 502, Body: "<html>"},
		"429":                    {Status: 429, Body: `{"message":"x","retry_after":0.1,"global":false}`},
		"several":                {Status: 500, Body: "{}", Times: 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, discordsim.Config{}, true)
			w.registered()
			fault.Route = "POST /interactions/{interaction}/{token}/callback"
			w.sim.Fail(fault)
			if got := w.answered(w.slash(w.help, "agent")); got != bridge.SayHowToStart {
				t.Errorf("answer %q", got)
			}
			w.clean()
		})
	}
}

func TestButtons(t *testing.T) {
	t.Parallel()
	w := newWorld(t, discordsim.Config{}, true)
	post := w.id(w.sim.ForumPost(w.forum, w.ann, "t", "x"))
	key := w.key(w.forum, post)
	id, err := w.adapter.Send(t.Context(), delivery("n", key, w.rendered(bridge.Message{
		Kind: bridge.MessageNotice, Text: "Not delivered.", Buttons: []bridge.Button{{Verb: bridge.VerbResend, Ref: "r1", Label: bridge.LabelResend}},
	})))
	w.ok(err)
	w.id(w.sim.Click(w.ann, string(id), "ccb:resend:r1"))
	if ev := w.inbox.got(t, 2)[1]; ev.Verb == nil || ev.Verb.Kind != bridge.VerbResend || ev.Verb.Ref != "r1" || ev.Thread != key {
		t.Errorf("%+v", ev)
	}
	direct := w.directKey()
	id, err = w.adapter.Send(t.Context(), delivery("d", direct, w.rendered(bridge.Message{
		Kind: bridge.MessageNotice, Text: "Welcome.", Buttons: []bridge.Button{{Verb: bridge.VerbEnd, Label: bridge.LabelEnd}},
	})))
	w.ok(err)
	w.id(w.sim.Click(w.ann, string(id), "ccb:end"))
	if ev := w.inbox.got(t, 3)[2]; ev.Verb == nil || !ev.Verb.Direct || ev.Thread != direct || ev.Verb.By.Name != "Ann" {
		t.Errorf("%+v", ev)
	}
	w.clean()
}

// A verb that cannot be stored is answered.
func TestVerbNotStored(t *testing.T) {
	t.Parallel()
	w := newWorld(t, discordsim.Config{}, true)
	w.registered()
	post := w.id(w.sim.ForumPost(w.forum, w.ann, "t", "x"))
	w.inbox.got(t, 1)
	w.inbox.set(func() { w.inbox.broken = true })
	if got := w.answered(w.slash(post, "end")); got != bridge.SayTryAgain {
		t.Errorf("answer %q", got)
	}
	w.clean()
}

// The first answer does not wait for a slow inbox, nor for limits.
func TestAcknowledgedWhileBusy(t *testing.T) {
	t.Parallel()
	w := newWorld(t, discordsim.Config{}, true)
	w.registered()
	post := w.id(w.sim.ForumPost(w.forum, w.ann, "t", "x"))
	gate := make(chan struct{})
	defer close(gate)
	w.inbox.set(func() { w.inbox.blocked = gate })
	w.adapter.rest.limits.holdAll(time.Hour)
	id := w.slash(post, "end")
	w.until("acknowledged", func(v *discordsim.View) bool { i, _ := v.Interaction(id); return i.Acknowledged })
}

func TestExpiredAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t, discordsim.Config{}, true)
	w.registered()
	post := w.id(w.sim.ForumPost(w.forum, w.ann, "t", "x"))
	w.inbox.got(t, 1)
	w.slash(post, "end")
	ev := w.inbox.got(t, 2)[1]
	w.sim.Advance(16 * time.Minute)
	_, err := w.adapter.Send(t.Context(), delivery("x", ev.Thread, w.rendered(bridge.Message{Kind: bridge.MessageAnswer, Text: "late", Answer: ev.Verb.Answer})))
	if e := failure(t, err); !e.Final || e.Scope != bridge.ScopeDelivery {
		t.Errorf("%+v", *e)
	}
	var at answerAddress
	w.ok(decode(ev.Verb.Answer.Address, &at))
	if at.Token == "" || strings.Contains(w.log.String(), at.Token) || strings.Contains(err.Error(), at.Token) {
		t.Error("the interaction's token is in log or error")
	}
}

func TestVerbsOfOthersAreIgnored(t *testing.T) {
	t.Parallel()
	a := bareAdapter(t)
	for _, kind := range []int{1, interactionCommand, interactionComponent, 4, 5} {
		i := interaction{Type: kind}
		i.Data.Name, i.Data.CustomID = "other", "other:agent"
		if _, _, ok := a.verbOf(&i); ok {
			t.Errorf("type %d is taken", kind)
		}
	}
	for _, ref := range []string{"", "1", "1.", ".1", "a.b", "1.2.3", "0.1"} {
		if _, _, ok := parseChoice(ref); ok {
			t.Errorf("choice %q is taken", ref)
		}
	}
}
