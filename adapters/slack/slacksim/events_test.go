package slacksim_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/slack-go/slack"

	"ccbridge/adapters/slack/slacksim"
)

func TestEventFaults(t *testing.T) {
	t.Parallel()
	tests := []struct {
		fault slacksim.EventFault
		posts []string
		want  []string // texts in the order of their frames; "" is a payload that is no object
	}{
		{slacksim.EventFault{Kind: slacksim.Twice}, []string{"a", "b"}, []string{"a", "a", "b"}},
		{slacksim.EventFault{Kind: slacksim.Again, Delay: 100 * time.Millisecond}, []string{"a", "b"}, []string{"a", "b", "a"}},
		{slacksim.EventFault{Kind: slacksim.Late, Delay: 100 * time.Millisecond}, []string{"a", "b"}, []string{"b", "a"}},
		{slacksim.EventFault{Kind: slacksim.Reverse, Times: 3}, []string{"a", "b", "c", "d"}, []string{"c", "b", "a", "d"}},
		{slacksim.EventFault{Kind: slacksim.Lost, Skip: 1}, []string{"a", "b", "c"}, []string{"a", "c"}},
		{slacksim.EventFault{Kind: slacksim.Malformed}, []string{"a", "b"}, []string{"", "b"}},
	}
	for _, tt := range tests {
		t.Run(string(tt.fault.Kind), func(t *testing.T) {
			t.Parallel()
			s := open(t, slacksim.Config{})
			l := connect(t, s)
			if err := s.InjectEvent(tt.fault); err != nil {
				t.Fatal(err)
			}
			for _, text := range tt.posts {
				post(t, s, slacksim.Post{Text: text})
			}
			ids, envelopes := map[string]string{}, map[string]bool{}
			var got []string
			for range tt.want {
				f := l.next()
				l.ack(f)
				if string(f.Payload) == "42" {
					got = append(got, "")
					continue
				}
				id, ev := f.outer(t)
				text, _ := ev["text"].(string)
				got = append(got, text)
				if old := ids[text]; old != "" && old != id {
					t.Errorf("%s has two event ids", text)
				}
				if ids[text] != "" && envelopes[f.Envelope] != (tt.fault.Kind == slacksim.Twice) {
					t.Errorf("%s: same envelope: %v", text, envelopes[f.Envelope])
				}
				ids[text], envelopes[f.Envelope] = id, true
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			until(t, s, "all acknowledged", func() bool { return s.Stats().InFlight == 0 })
			clean(t, s)
		})
	}
}

func TestIgnoredAcksAreRetried(t *testing.T) {
	t.Parallel()
	s := open(t, slacksim.Config{AckTimeout: 20 * time.Millisecond, Retries: []time.Duration{0, 0, 0}})
	l := connect(t, s)
	s.IgnoreAcks(1)
	post(t, s, slacksim.Post{Text: "x"})
	first, _ := l.event()
	if second, _ := l.event(); second != first {
		t.Errorf("retried %s, want %s", second, first)
	}
	clean(t, s)
}

// TestWhatPeopleDo checks type, subtype and the fields a client decides by.
func TestWhatPeopleDo(t *testing.T) {
	t.Parallel()
	s := open(t, slacksim.Config{AppMentions: true})
	l := connect(t, s)
	expect := func(want map[string]any) map[string]any {
		t.Helper()
		_, ev := l.event()
		for k, v := range want {
			if ev[k] != v {
				t.Errorf("%s is %v, want %v in %v", k, ev[k], v, ev)
			}
		}
		return ev
	}
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	root := post(t, s, slacksim.Post{Text: "<@U0BRIDGE> hello"})
	expect(map[string]any{"type": "message", "ts": root, "thread_ts": nil, "subtype": nil, "user": ada})
	expect(map[string]any{"type": "app_mention", "ts": root, "channel_type": nil})
	reply := post(t, s, slacksim.Post{Text: "r", ThreadTS: root, User: bob})
	expect(map[string]any{"ts": reply, "thread_ts": root, "parent_user_id": ada})
	post(t, s, slacksim.Post{Text: "b", ThreadTS: root, Broadcast: true})
	if ev := expect(map[string]any{"subtype": "thread_broadcast", "thread_ts": root}); ev["root"] == nil {
		t.Error("a broadcast without its root")
	}
	post(t, s, slacksim.Post{Text: "f", Files: []slacksim.File{{ID: "F1", FileAccess: "check_file_info"}}})
	if ev := expect(map[string]any{"subtype": "file_share", "client_msg_id": nil}); ev["files"] == nil {
		t.Error("a file_share without files")
	}
	post(t, s, slacksim.Post{Text: "me", Subtype: "me_message"})
	expect(map[string]any{"subtype": "me_message"})
	post(t, s, slacksim.Post{Text: "beep", Subtype: "bot_message", BotID: "B0OTHER"})
	expect(map[string]any{"subtype": "bot_message", "bot_id": "B0OTHER", "user": nil})
	check(s.Edit(chn, reply, "changed"))
	ev := expect(map[string]any{"subtype": "message_changed", "hidden": true, "user": nil})
	if now, _ := ev["message"].(map[string]any); now["text"] != "changed" || now["edited"] == nil {
		t.Errorf("edited message is %v", now)
	}
	check(s.Unfurl(chn, root))
	ev = expect(map[string]any{"subtype": "message_changed"})
	if now, _ := ev["message"].(map[string]any); now["edited"] != nil || now["attachments"] == nil {
		t.Errorf("unfurled message is %v", now)
	}
	check(s.Delete(chn, reply))
	expect(map[string]any{"subtype": "message_deleted", "deleted_ts": reply})
	check(s.Delete(chn, root)) // has a reply left: a tombstone
	ev = expect(map[string]any{"subtype": "message_changed"})
	if now, _ := ev["message"].(map[string]any); now["subtype"] != "tombstone" {
		t.Errorf("deleted root is %v", now)
	}
	check(s.Archive(chn))
	expect(map[string]any{"subtype": "channel_archive"})
	expect(map[string]any{"type": "channel_archive", "channel": chn})
	if _, err := s.Post(slacksim.Post{Channel: chn, User: ada, Text: "x"}); err == nil {
		t.Error("posted into an archived channel")
	}
	check(s.Unarchive(chn))
	l.event()
	l.event()
	check(s.KickBot(chn))
	expect(map[string]any{"type": "channel_left", "channel": chn})
	post(t, s, slacksim.Post{Text: "unheard"})
	check(s.JoinBot(chn))
	expect(map[string]any{"type": "member_joined_channel", "user": "U0BRIDGE"})
	expect(map[string]any{"subtype": "channel_join"})
	dm := s.OpenDM(ada)
	post(t, s, slacksim.Post{Channel: dm, Text: "psst"})
	expect(map[string]any{"channel": dm, "channel_type": "im"})
	s.SendEvent(map[string]any{"type": "brand_new"})
	expect(map[string]any{"type": "brand_new"})
	s.Uninstall()
	expect(map[string]any{"type": "tokens_revoked"})
	expect(map[string]any{"type": "app_uninstalled"})
	clean(t, s)
}

// TestEverythingAtOnce posts from many sides while sockets come and go: each event is heard in the end.
func TestEverythingAtOnce(t *testing.T) {
	t.Parallel()
	s := open(t, slacksim.Config{NoLimits: true, Retries: slices.Repeat([]time.Duration{5 * time.Millisecond}, 1000)})
	c := client(s)
	const writers, each = 4, 25
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for range each {
				if _, err := s.Post(slacksim.Post{Channel: chn, User: ada, Text: "in"}); err != nil {
					t.Error(err)
				}
				if _, _, err := c.PostMessageContext(t.Context(), chn, slack.MsgOptionText("out", true)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	heard := map[string]bool{}
	for len(heard) < 2*writers*each {
		l := connect(t, s)
		for range 20 {
			if len(heard) == 2*writers*each {
				break
			}
			id, _ := l.event()
			heard[id] = true
		}
		_ = l.conn.Close()
	}
	wg.Wait()
	clean(t, s)
}

func BenchmarkEvents(b *testing.B) {
	s := open(b, slacksim.Config{NoLimits: true})
	l := connect(b, s)
	for b.Loop() {
		post(b, s, slacksim.Post{Text: "hello there, how are you?"})
		l.event()
	}
}
