package demo

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"ccbridge/adapters/slack/slacksim"
)

func TestDemoScript(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := Run(t.Context(), Options{Script: true}, nil, &out, t.Output()); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	if got, want := strings.Count(out.String(), "✓"), 2*len(scriptSteps); got != want {
		t.Errorf("%d steps of %d:\n%s", got, want, out.String())
	}
}

// TestDemoScriptFails: a bridge that cannot post fails the script, whatever it says itself.
func TestDemoScriptFails(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	err := onStage(t.Context(), platformSlack, slog.New(slog.DiscardHandler), func(ctx context.Context, s *stage) error {
		s.slack.Inject(slacksim.Fault{Method: "chat.postMessage", Times: -1, Body: `{"ok":false,"error":"internal_error"}`})
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		return playScript(ctx, s, &out)
	})
	if err == nil || !strings.Contains(err.Error(), scriptSteps[0].title) {
		t.Errorf("the script ended with %v", err)
	}
	if !strings.Contains(out.String(), "✗") || strings.Contains(out.String(), "✓") {
		t.Errorf("it printed\n%s", out.String())
	}
}

// TestDemoScriptNotices: the comparison at the end finds what was lost, doubled or against the rules.
func TestDemoScriptNotices(t *testing.T) {
	t.Parallel()
	err := onStage(t.Context(), platformSlack, slog.New(slog.DiscardHandler), func(ctx context.Context, s *stage) error {
		p := &script{stage: s}
		for _, step := range scriptSteps[:2] {
			if err := p.play(ctx, step); err != nil {
				return err
			}
		}
		if err := p.clean(ctx); err != nil {
			t.Errorf("nothing is wrong yet: %v", err)
		}
		p.wrote = append(p.wrote, "a word that was lost")
		if p.clean(ctx) == nil {
			t.Error("a lost word went unnoticed")
		}
		p.wrote = p.wrote[:len(p.wrote)-1]
		call := url.Values{"token": {"xoxb-sim"}, "channel": {demoSlackChannel}, "text": {"careless"}, "link_names": {"1"}}
		resp, err := http.PostForm(s.slack.URL()+"chat.postMessage", call)
		if err != nil {
			return err
		}
		resp.Body.Close()
		if err := p.clean(ctx); err == nil || !strings.Contains(err.Error(), "rules broken") {
			t.Errorf("a broken rule brought %v", err)
		}
		again := slacksim.Post{Channel: demoSlackChannel, BotID: "B0BRIDGE", ThreadTS: p.thread, Text: robotGreeting}
		if _, err := s.slack.Post(again); err != nil {
			return err
		}
		if p.once() == nil {
			t.Error("a doubled answer went unnoticed")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
