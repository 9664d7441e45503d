package slacksim_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"
	"github.com/slack-go/slack/socketmode"

	"ccbridge/adapters/slack/slacksim"
)

func TestRealClientHearsAndAcknowledges(t *testing.T) {
	t.Parallel()
	s := open(t, slacksim.Config{})
	sm := socketmode.New(client(s))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- sm.RunContext(ctx) }()
	defer func() { cancel(); <-done }()
	until(t, s, "socket", func() bool { return s.Stats().Sockets == 1 })
	root := post(t, s, slacksim.Post{Text: "hello <@U0BRIDGE> a<b & https://example.com"})
	post(t, s, slacksim.Post{Text: "more", ThreadTS: root})
	if _, err := s.Slash(ada, chn, "/agent", "now"); err != nil {
		t.Fatal(err)
	}
	var got []string
	for len(got) < 3 {
		select {
		case ev := <-sm.Events:
			switch data := ev.Data.(type) {
			case slackevents.EventsAPIEvent:
				m, ok := data.InnerEvent.Data.(*slackevents.MessageEvent)
				if !ok {
					t.Fatalf("inner event %T", data.InnerEvent.Data)
				}
				if m.TimeStamp == root && (m.ThreadTimeStamp != "" || m.ClientMsgID == "" || m.ChannelType != "channel") {
					t.Errorf("root is %+v", m)
				}
				got = append(got, m.Text)
			case slack.SlashCommand:
				got = append(got, data.Command+" "+data.Text)
			default:
				continue
			}
			if err := sm.AckCtx(ctx, ev.Request.EnvelopeID, nil); err != nil {
				t.Fatal(err)
			}
		case <-soon(t).Done():
			t.Fatal("no event")
		}
	}
	want := "hello <@U0BRIDGE> a&lt;b &amp; <https://example.com>|more|/agent now"
	if all := strings.Join(got, "|"); all != want {
		t.Errorf("got  %s\nwant %s", all, want)
	}
	until(t, s, "acknowledged", func() bool { return s.Stats().Acked == 3 })
	clean(t, s)
}

func TestRetriesKeepTheEventID(t *testing.T) {
	t.Parallel()
	s := open(t, slacksim.Config{AckTimeout: 30 * time.Millisecond, Retries: []time.Duration{0, 10 * time.Millisecond}})
	l := connect(t, s)
	post(t, s, slacksim.Post{Text: "hi"})
	var first string
	for attempt := range 3 {
		f := l.next()
		id, _ := f.outer(t)
		if attempt == 0 {
			first = id
		}
		reason := ""
		if attempt > 0 {
			reason = "timeout"
		}
		if id != first || f.RetryAttempt != attempt || f.RetryReason != reason {
			t.Errorf("attempt %d: id %s (first %s), %d %q", attempt, id, first, f.RetryAttempt, f.RetryReason)
		}
	}
	until(t, s, "lost", func() bool { return len(s.Lost()) == 1 })
	if s.Lost()[0] != first {
		t.Errorf("lost %v, want %s", s.Lost(), first)
	}
}

func TestAnAcknowledgedEventIsNotRetried(t *testing.T) {
	t.Parallel()
	s := open(t, slacksim.Config{AckTimeout: 300 * time.Millisecond, Retries: []time.Duration{0}})
	l := connect(t, s)
	post(t, s, slacksim.Post{Text: "one"})
	l.event()
	until(t, s, "acknowledged", func() bool { return s.Stats().Acked == 1 })
	post(t, s, slacksim.Post{Text: "two"})
	for i := range 2 { // the second event and its retry: nothing of the first comes between
		f := l.next()
		if _, ev := f.outer(t); ev["text"] != "two" || f.RetryAttempt != i {
			t.Errorf("frame %d: %v, attempt %d", i, ev["text"], f.RetryAttempt)
		}
	}
}

func TestEventsWaitForASocket(t *testing.T) {
	t.Parallel()
	s := open(t, slacksim.Config{Retries: slices.Repeat([]time.Duration{100 * time.Millisecond}, 80)})
	post(t, s, slacksim.Post{Text: "early"})
	i, err := s.Slash(ada, chn, "/agent", "")
	if err != nil {
		t.Fatal(err)
	}
	if o := i.Outcome(); o.Error != "dispatch_failed" {
		t.Errorf("command without a socket: %+v", o)
	}
	l := connect(t, s)
	if _, ev := l.event(); ev["text"] != "early" {
		t.Errorf("got %v", ev)
	}
	clean(t, s)
}

func TestDroppedSocketMeansRetryOnAnother(t *testing.T) {
	t.Parallel()
	s := open(t, slacksim.Config{Retries: slices.Repeat([]time.Duration{100 * time.Millisecond}, 80)})
	l := connect(t, s)
	post(t, s, slacksim.Post{Text: "hi"})
	id, _ := l.next().outer(t)
	s.DropSockets()
	if _, err := l.read(); err == nil {
		t.Fatal("the socket lives on")
	}
	until(t, s, "gone", func() bool { return s.Stats().Sockets == 0 })
	again, _ := connect(t, s).event()
	if again != id {
		t.Errorf("retried %s, want %s", again, id)
	}
}

func TestOnlyTenSockets(t *testing.T) {
	t.Parallel()
	s := open(t, slacksim.Config{})
	for range 10 {
		connect(t, s)
	}
	l := dial(t, s)
	if f := l.next(); f.Type != "disconnect" || f.Reason != "too_many_websockets" {
		t.Errorf("the 11th got %+v", f)
	}
	if _, err := l.read(); err == nil {
		t.Error("the 11th stays open")
	}
}

func TestATicketIsGoodForOneSocket(t *testing.T) {
	t.Parallel()
	s := open(t, slacksim.Config{})
	u := socketURL(t, s)
	conn, resp, err := websocket.DefaultDialer.DialContext(soon(t), u, nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	defer func() { _ = conn.Close() }()
	if _, resp, err = websocket.DefaultDialer.DialContext(soon(t), u, nil); err == nil {
		t.Fatal("a used ticket opened a socket")
	}
	_ = resp.Body.Close()
}

func TestAckViolations(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		do   func(a, b *line, fa frame)
		want string
	}{
		{"unknown", func(a, _ *line, _ frame) { a.ack(frame{Envelope: "nonsense"}) }, "unknown envelope"},
		{"twice", func(a, _ *line, fa frame) { a.ack(fa); a.ack(fa) }, "acknowledged twice"},
		{"another socket", func(_, b *line, fa frame) { b.ack(fa) }, "another socket"},
		{"payload", func(a, _ *line, fa frame) {
			a.send(map[string]any{"envelope_id": fa.Envelope, "payload": map[string]string{"text": "x"}})
		}, "with a payload"},
		{"huge", func(a, _ *line, fa frame) {
			a.send(map[string]any{"envelope_id": fa.Envelope, "payload": strings.Repeat("x", 20<<10)})
		}, "drops it"},
		{"no envelope", func(a, _ *line, _ frame) { a.send(map[string]any{"type": "hello"}) }, "without an envelope_id"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := open(t, slacksim.Config{})
			a := connect(t, s)
			post(t, s, slacksim.Post{Text: "x"})
			fa := a.next()
			tt.do(a, connect(t, s), fa)
			until(t, s, "violation", func() bool { return len(s.Violations()) == 1 })
			if v := s.Violations()[0]; !strings.Contains(v, tt.want) {
				t.Errorf("violation %q, want %q", v, tt.want)
			}
		})
	}
}

func TestDoors(t *testing.T) {
	t.Parallel()
	s := open(t, slacksim.Config{})
	set := func(d slacksim.Door) {
		if err := s.SetDoor(d); err != nil {
			t.Fatal(err)
		}
	}
	set(slacksim.DoorRefuse)
	_, resp, err := websocket.DefaultDialer.DialContext(soon(t), socketURL(t, s), nil)
	if err == nil || resp.StatusCode != 503 {
		t.Errorf("refuse: %v", err)
	}
	set(slacksim.DoorClose)
	if _, err := dial(t, s).read(); err == nil {
		t.Error("close: a frame came")
	}
	set(slacksim.DoorTooMany)
	if f := dial(t, s).next(); f.Reason != "too_many_websockets" {
		t.Errorf("too many: %+v", f)
	}
	set(slacksim.DoorMute)
	mute := dial(t, s)
	until(t, s, "mute socket", func() bool { return s.Stats().Sockets == 1 })
	s.DropSockets()
	if f, err := mute.read(); err == nil {
		t.Errorf("mute: it said %+v", f)
	}
	if s.SetDoor("ajar") == nil {
		t.Error("an unknown door was taken")
	}
}

func TestMutedSocketLosesEventsToRetries(t *testing.T) {
	t.Parallel()
	s := open(t, slacksim.Config{AckTimeout: 20 * time.Millisecond, Retries: []time.Duration{0, 0, 0, 0, 0, 0, time.Minute}})
	connect(t, s)
	s.MuteSockets()
	post(t, s, slacksim.Post{Text: "x"})
	until(t, s, "retry", func() bool { return s.Stats().Retries > 0 })
}

func TestDisconnectNotice(t *testing.T) {
	t.Parallel()
	s := open(t, slacksim.Config{Parting: 50 * time.Millisecond})
	l := connect(t, s)
	s.Disconnect("warning")
	if f := l.next(); f.Type != "disconnect" || f.Reason != "warning" {
		t.Errorf("got %+v", f)
	}
	if _, err := l.read(); err == nil {
		t.Error("the socket was not cut")
	}
}

func TestPings(t *testing.T) {
	t.Parallel()
	s := open(t, slacksim.Config{PingInterval: 10 * time.Millisecond})
	l := connect(t, s)
	pinged := false
	l.conn.SetPingHandler(func(string) error {
		pinged = true
		s.DropSockets()
		return nil
	})
	_, _ = l.read()
	if !pinged {
		t.Error("no ping")
	}
}
