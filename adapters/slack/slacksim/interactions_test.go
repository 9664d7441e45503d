package slacksim_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/slack-go/slack"

	"ccbridge/adapters/slack/slacksim"
)

func buttons() slack.MsgOption {
	return slack.MsgOptionBlocks(slack.NewActionBlock("talk",
		slack.NewButtonBlockElement("ccb:agent", "v1", slack.NewTextBlockObject("plain_text", "Talk to a human", false, false))))
}

func callback(t *testing.T, f frame) slack.InteractionCallback {
	t.Helper()
	var ic slack.InteractionCallback
	if err := json.Unmarshal(f.Payload, &ic); err != nil {
		t.Fatal(err)
	}
	return ic
}

func TestSlashAndItsResponses(t *testing.T) {
	t.Parallel()
	s := open(t, slacksim.Config{})
	l := connect(t, s)
	i, err := s.Slash(ada, chn, "/agent", "a<b")
	if err != nil {
		t.Fatal(err)
	}
	f := l.next()
	var cmd slack.SlashCommand
	if err := json.Unmarshal(f.Payload, &cmd); err != nil || f.Type != "slash_commands" || !f.Accepts || cmd.Text != "a&lt;b" || cmd.ChannelName != "general" || cmd.UserID != ada {
		t.Fatalf("%+v, %+v, %v", f, cmd, err)
	}
	l.send(map[string]any{"envelope_id": f.Envelope, "payload": map[string]any{"text": "wait"}})
	until(t, s, "acknowledged", func() bool { return i.Outcome().Acked })
	c := client(s)
	say := func(text, kind string) error {
		_, _, err := c.PostMessageContext(soon(t), chn, slack.MsgOptionText(text, true), slack.MsgOptionResponseURL(cmd.ResponseURL, kind))
		return err
	}
	if err := say("all", slack.ResponseTypeInChannel); err != nil {
		t.Fatal(err)
	}
	for range 4 {
		if err := say("you", slack.ResponseTypeEphemeral); err != nil {
			t.Fatal(err)
		}
	}
	if err := say("too much", ""); err == nil {
		t.Error("a sixth use was taken")
	}
	if got := s.Ephemerals(ada); len(got) != 5 || got[0].Text != "wait" || got[4].Text != "you" {
		t.Errorf("ada sees %+v", got)
	}
	if got := s.Messages(chn); len(got) != 1 || got[0].Text != "all" {
		t.Errorf("all see %+v", got)
	}
	if o := i.Outcome(); o.Error != "" || len(o.Responses) != 6 {
		t.Errorf("outcome %+v", o)
	}
	clean(t, s)
}

func TestResponseURLExpires(t *testing.T) {
	t.Parallel()
	var now clock
	s := open(t, slacksim.Config{Now: now.now})
	l := connect(t, s)
	if _, err := s.Slash(ada, chn, "/agent", ""); err != nil {
		t.Fatal(err)
	}
	f := l.next()
	l.ack(f)
	var cmd slack.SlashCommand
	if err := json.Unmarshal(f.Payload, &cmd); err != nil {
		t.Fatal(err)
	}
	now.advance(31 * time.Minute)
	if _, ans := do(t, cmd.ResponseURL, "application/json", `{"text":"late"}`); ans["error"] != "expired_url" {
		t.Errorf("after 31 minutes: %v", ans)
	}
}

func TestClickInAThread(t *testing.T) {
	t.Parallel()
	s := open(t, slacksim.Config{})
	root := post(t, s, slacksim.Post{Text: "root"})
	c := client(s)
	_, ts, err := c.PostMessageContext(soon(t), chn, slack.MsgOptionText("Talk?", true), slack.MsgOptionTS(root), buttons())
	if err != nil {
		t.Fatal(err)
	}
	l := connect(t, s)
	if _, err := s.Click(ada, chn, ts, "ccb:none", ""); err == nil {
		t.Error("clicked a button that is not there")
	}
	i, err := s.Click(bob, chn, ts, "ccb:agent", "")
	if err != nil {
		t.Fatal(err)
	}
	var f frame
	for f.Type != "interactive" { // the events of the posts come too
		f = l.next()
		l.ack(f)
	}
	ic := callback(t, f)
	a := ic.ActionCallback.BlockActions[0]
	if ic.Container.ThreadTs != root || ic.Container.MessageTs != ts || ic.Message.ThreadTimestamp != root || ic.User.ID != bob ||
		ic.Channel.ID != chn || a.ActionID != "ccb:agent" || a.Value != "v1" || a.BlockID != "talk" || ic.TriggerID != i.ID() {
		t.Errorf("payload %s", f.Payload)
	}
	_, _, err = c.PostMessageContext(soon(t), chn, slack.MsgOptionText("Done", true), slack.MsgOptionReplaceOriginal(ic.ResponseURL))
	if got := s.Thread(chn, root); err != nil || got[1].Text != "Done" || got[1].Blocks != nil {
		t.Errorf("replaced: %+v, %v", got, err)
	}
	until(t, s, "acknowledged", func() bool { return i.Outcome().Acked })
	clean(t, s)
}

func TestClickOnAnEphemeral(t *testing.T) {
	t.Parallel()
	s := open(t, slacksim.Config{})
	l := connect(t, s)
	c := client(s)
	ts, err := c.PostEphemeralContext(soon(t), chn, ada, slack.MsgOptionText("which?", true), buttons())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Click(bob, chn, ts, "ccb:agent", ""); err == nil {
		t.Error("bob clicked what only ada sees")
	}
	if _, err := s.Click(ada, chn, ts, "ccb:agent", "v1"); err != nil {
		t.Fatal(err)
	}
	f := l.next()
	l.ack(f)
	ic := callback(t, f)
	if !ic.Container.IsEphemeral || ic.Message.Timestamp != "" {
		t.Errorf("payload %s", f.Payload)
	}
	if _, _, err := c.PostMessageContext(soon(t), chn, slack.MsgOptionDeleteOriginal(ic.ResponseURL)); err != nil || len(s.Ephemerals(ada)) != 0 {
		t.Errorf("delete_original: %v, %+v", err, s.Ephemerals(ada))
	}
	clean(t, s)
}

func TestShortcut(t *testing.T) {
	t.Parallel()
	s := open(t, slacksim.Config{})
	root := post(t, s, slacksim.Post{Text: "root"})
	l := connect(t, s)
	if _, err := s.Shortcut(ada, chn, root, "ccb_agent"); err != nil {
		t.Fatal(err)
	}
	var f frame
	for f.Type != "interactive" {
		f = l.next()
		l.ack(f)
	}
	if ic := callback(t, f); ic.Type != slack.InteractionTypeMessageAction || ic.CallbackID != "ccb_agent" || ic.Message.Timestamp != root {
		t.Errorf("payload %s", f.Payload)
	}
}

func TestLateAckOfACommandIsAnErrorAndNoRetry(t *testing.T) {
	t.Parallel()
	s := open(t, slacksim.Config{AckTimeout: 20 * time.Millisecond, Retries: []time.Duration{0}})
	l := connect(t, s)
	i, err := s.Slash(ada, chn, "/agent", "")
	if err != nil {
		t.Fatal(err)
	}
	f := l.next()
	until(t, s, "too late", func() bool { return i.Outcome().Error == "dispatch_failed" })
	l.ack(f)
	until(t, s, "late", func() bool { return s.Stats().LateAcks == 1 })
	post(t, s, slacksim.Post{Text: "next"})
	if f := l.next(); f.Type != "events_api" {
		t.Errorf("the command was retried: %+v", f)
	}
	if o := i.Outcome(); o.Acked {
		t.Errorf("outcome %+v", o)
	}
	clean(t, s)
}
