package slacksim_test

import (
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/slack-go/slack"

	"ccbridge/adapters/slack/slacksim"
)

// clock is a settable time.
type clock struct{ offset atomic.Int64 }

func (c *clock) now() time.Time {
	return time.Unix(1_790_000_000, 0).Add(time.Duration(c.offset.Load()))
}
func (c *clock) advance(d time.Duration) { c.offset.Add(int64(d)) }

func TestOneMessageASecondAndChannel(t *testing.T) {
	t.Parallel()
	var now clock
	s := open(t, slacksim.Config{Now: now.now})
	s.AddChannel(slacksim.Channel{ID: "C0OTHER"})
	c := client(s)
	say := func(channel string) error {
		_, _, err := c.PostMessageContext(soon(t), channel, slack.MsgOptionText("x", true))
		return err
	}
	for range 3 {
		if err := say(chn); err != nil {
			t.Fatal(err)
		}
	}
	var limited *slack.RateLimitedError
	if err := say(chn); !errors.As(err, &limited) || limited.RetryAfter != time.Second {
		t.Errorf("the fourth at once: %v", err)
	}
	if err := say("C0OTHER"); err != nil {
		t.Errorf("another channel: %v", err)
	}
	now.advance(time.Second)
	if err := say(chn); err != nil {
		t.Errorf("a second later: %v", err)
	}
	clean(t, s)
	for range 5 {
		_ = say(chn) // refused each time: the fourth early one is a violation
	}
	if v := s.Violations(); len(v) != 1 || !strings.Contains(v[0], "before Retry-After") {
		t.Errorf("violations: %q", v)
	}
}

func TestTiers(t *testing.T) {
	t.Parallel()
	var now clock
	s := open(t, slacksim.Config{Now: now.now})
	form := map[string]string{"channel": chn}
	for i := range 50 {
		if status, _ := call(t, s, "conversations.info", form); status != 200 {
			t.Fatalf("call %d: %d", i, status)
		}
	}
	status, ans := call(t, s, "conversations.info", form)
	if status != http.StatusTooManyRequests || ans["error"] != "ratelimited" {
		t.Errorf("the 51st: %d %v", status, ans)
	}
	now.advance(2 * time.Second)
	if status, _ := call(t, s, "conversations.info", form); status != 200 {
		t.Errorf("later: %d", status)
	}
}

func TestDistributedAppsReadOnceAMinute(t *testing.T) {
	t.Parallel()
	s := open(t, slacksim.Config{Distributed: true})
	for range 20 {
		post(t, s, slacksim.Post{Text: "x"})
	}
	c := client(s)
	page, err := c.GetConversationHistoryContext(soon(t), &slack.GetConversationHistoryParameters{ChannelID: chn, Limit: 100})
	if err != nil || len(page.Messages) != 15 || !page.HasMore {
		t.Errorf("first: %+v, %v", page, err)
	}
	var limited *slack.RateLimitedError
	if _, err = c.GetConversationHistoryContext(soon(t), &slack.GetConversationHistoryParameters{ChannelID: chn}); !errors.As(err, &limited) || limited.RetryAfter < 50*time.Second {
		t.Errorf("second: %v", err)
	}
}

func TestCallFaults(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		fault slacksim.Fault
		done  bool // the message is there
		check func(ts string, err error) bool
	}{
		{"drop before", slacksim.Fault{Drop: true}, false, func(_ string, err error) bool { return err != nil }},
		{"drop after", slacksim.Fault{Drop: true, After: true}, true, func(_ string, err error) bool { return err != nil }},
		{"429 without Retry-After", slacksim.Fault{Status: 429}, false, func(_ string, err error) bool {
			var code slack.StatusCodeError
			return errors.As(err, &code) && code.Code == 429
		}},
		{"429", slacksim.Fault{Status: 429, Header: map[string]string{"Retry-After": "7"}}, false, func(_ string, err error) bool {
			var limited *slack.RateLimitedError
			return errors.As(err, &limited) && limited.RetryAfter == 7*time.Second
		}},
		{"503", slacksim.Fault{Status: 503, Body: "<html>"}, false, func(_ string, err error) bool {
			var code slack.StatusCodeError
			return errors.As(err, &code) && code.Code == 503
		}},
		{"garbage", slacksim.Fault{Body: "<html>", After: true}, true, func(_ string, err error) bool { return err != nil }},
		{"no name", slacksim.Fault{Body: `{"ok":false}`}, false, func(ts string, err error) bool { return err == nil && ts == "" }},
		{"error after", slacksim.Fault{Body: `{"ok":false,"error":"internal_error"}`, After: true}, true, func(_ string, err error) bool {
			return err != nil && err.Error() == "internal_error"
		}},
		{"slow", slacksim.Fault{Delay: time.Millisecond}, true, func(ts string, err error) bool { return err == nil && ts != "" }},
		{"other method", slacksim.Fault{Method: "chat.update", Drop: true}, true, func(_ string, err error) bool { return err == nil }},
		{"other channel", slacksim.Fault{Channel: "C0ELSE", Drop: true}, true, func(_ string, err error) bool { return err == nil }},
		{"later", slacksim.Fault{Skip: 1, Drop: true}, true, func(_ string, err error) bool { return err == nil }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := open(t, slacksim.Config{})
			s.Inject(tt.fault)
			_, ts, err := client(s).PostMessageContext(soon(t), chn, slack.MsgOptionText("x", true))
			if !tt.check(ts, err) {
				t.Errorf("answer %q, %v", ts, err)
			}
			if got := len(s.Messages(chn)) == 1; got != tt.done {
				t.Errorf("done: %v, want %v", got, tt.done)
			}
			s.ClearFaults()
			calls := s.Calls("chat.postMessage")
			if len(calls) != 1 || calls[0].Done != tt.done {
				t.Errorf("recorded %+v", calls)
			}
		})
	}
}
