package slack

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/slack-go/slack/slackutilsx"
	"pgregory.net/rapid"

	"ccbridge/bridge"
)

func testResolver() resolver {
	return resolver{
		self:    "U0BOT",
		user:    func(id string) string { return map[string]string{"U1": "Ada"}[id] },
		channel: func(id string) string { return map[string]string{"C1": "general"}[id] },
	}
}

func TestPlainText(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                                                "",
		"hello":                                           "hello",
		"a &lt;b&gt; &amp;lt; &amp;":                      "a <b> &lt; &",
		"<@U1> and <@U2> and <@U3|eve>":                   "@Ada and @U2 and @eve",
		"<#C1> <#C2|random> <#C3>":                        "#general #random #C3",
		"<!here> <!channel|channel>":                      "@here channel",
		"<!subteam^S1|@helpers> <!subteam^S1>":            "@helpers @subteam",
		"<!date^1392734382^{date}|Feb 18, 2014>":          "Feb 18, 2014",
		"<https://x.y/a?b=1&amp;c=2>":                     "https://x.y/a?b=1&c=2",
		"<https://x.y|the page>":                          "the page (https://x.y)",
		"<http://example.com|example.com>":                "example.com",
		"<http://example.com/|example.com>":               "example.com",
		"<https://x.y|https://x.y>":                       "https://x.y",
		"<mailto:a@b.c|a@b.c> <tel:+1|+1> <mailto:a@b.c>": "a@b.c +1 a@b.c",
		"a < b":                  "a < b",
		"a <b":                   "a <b",
		"*bold* stays":           "*bold* stays",
		"<@U1|&lt;!channel&gt;>": "@Ada",
		"<@U9|&lt;!channel&gt;>": "@<!channel>",
	} {
		if got, mention := testResolver().plain(in); got != want || mention {
			t.Errorf("%q: %q (mention %v), want %q", in, got, mention, want)
		}
	}
}

// A channel that is named already is not looked up: that may take as long as a look-up may take.
func TestNamedChannelIsNotLookedUp(t *testing.T) {
	t.Parallel()
	r := resolver{channel: func(id string) string { t.Errorf("%s was looked up", id); return "" }}
	if got, _ := r.plain("<#C2|random>"); got != "#random" {
		t.Errorf("%q", got)
	}
}

func TestOwnMentionIsTakenOut(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"<@U0BOT>":              "",
		"<@U0BOT> agent":        "agent",
		"<@U0BOT>: agent":       "agent",
		"<@U0BOT|bridge>, end":  "end",
		"agent <@U0BOT>":        "agent",
		"please <@U0BOT> help":  "please help",
		"a\n<@U0BOT> b":         "a\nb",
		"<@U0BOT> <@U0BOT> two": "two",
		"(<@U0BOT>)":            "()",
	} {
		if got, mention := testResolver().plain(in); got != want || !mention {
			t.Errorf("%q: %q (mention %v), want %q", in, got, mention, want)
		}
	}
}

// Whatever is escaped comes back as it was.
func FuzzPlainText(f *testing.F) {
	for _, s := range []string{"<@U0BOT>", "a&lt;b", "<https://x|y>", "&amp;amp;", "<!date^1^x|y>", "<", ">", "<|>"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		testResolver().plain(s)
		if got, mention := testResolver().plain(slackutilsx.EscapeMessage(s)); got != strings.TrimSpace(s) || mention {
			t.Errorf("%q came back as %q", s, got)
		}
	})
}

func TestSplitPlaces(t *testing.T) {
	t.Parallel()
	runes := utf8.RuneCountInString
	for _, c := range []struct {
		text  string
		limit int
		want  []string
	}{
		{"", 5, nil},
		{" \n ", 5, nil},
		{"short", 5, []string{"short"}},
		{"one two three", 8, []string{"one two", "three"}},
		{"one two three", 7, []string{"one two", "three"}},
		{"para one\n\npara two x", 16, []string{"para one", "para two x"}},
		{"line one\nline two x", 15, []string{"line one", "line two x"}},
		{"abcdefgh", 3, []string{"abc", "def", "gh"}},
		{"e\u0301e\u0301e\u0301", 3, []string{"e\u0301", "e\u0301", "e\u0301"}},
		{"🇩🇪🇫🇷🇮🇹", 3, []string{"🇩🇪", "🇫🇷", "🇮🇹"}},
		{"👩‍👩‍👧👩‍👩‍👧", 6, []string{"👩‍👩‍👧", "👩‍👩‍👧"}},
		{"👍🏽👍🏽", 3, []string{"👍🏽", "👍🏽"}},
		{"first line\n    indented", 12, []string{"first line", "    indented"}},
	} {
		if got := split(c.text, c.limit, runes); !slices.Equal(got, c.want) {
			t.Errorf("%q at %d: %q, want %q", c.text, c.limit, got, c.want)
		}
	}
	if got := split("<<<<<", 8, escapedLen); !slices.Equal(got, []string{"<<", "<<", "<"}) {
		t.Errorf("entities: %q", got)
	}
}

// No piece is too long, empty or broken, and together they hold all that is not blank, in order.
func TestSplitKeepsEverything(t *testing.T) {
	t.Parallel()
	letters := rapid.SampledFrom([]string{"a", "b", " ", "\n", "\n\n", "<", "&", ">", "é", "e\u0301", "😀", "👩‍👧", "🇩🇪", "\r\n", "\u200d", "word "})
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(letters, 0, 200).Draw(t, "text"), "")
		limit := rapid.IntRange(5, 60).Draw(t, "limit")
		solid := func(s string) string {
			return strings.Map(func(r rune) rune {
				if unicode.IsSpace(r) {
					return -1
				}
				return r
			}, s)
		}
		var whole strings.Builder
		for _, p := range split(text, limit, escapedLen) {
			if escapedLen(p) > limit || strings.TrimSpace(p) == "" || !utf8.ValidString(p) {
				t.Fatalf("piece %q at limit %d", p, limit)
			}
			whole.WriteString(p)
		}
		if solid(whole.String()) != solid(text) {
			t.Fatalf("%q became %q", text, whole.String())
		}
	})
}

func TestEscapedLength(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.String().Draw(t, "s")
		if n := utf8.RuneCountInString(slackutilsx.EscapeMessage(s)); escapedLen(s) < n {
			t.Fatalf("%q: %d, Slack counts %d", s, escapedLen(s), n)
		}
	})
}

func testAdapter(t *testing.T) *Adapter {
	t.Helper()
	a, err := New(Config{Name: "acme", BotToken: "b", AppToken: "a"})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestRender(t *testing.T) {
	t.Parallel()
	a := testAdapter(t)
	answer := &bridge.Answer{Address: json.RawMessage(`{"url":"https://hooks/x","thread_ts":"1.2"}`), Until: time.Now()}
	for _, c := range []struct {
		m    bridge.Message
		want []string
	}{
		{bridge.Message{Kind: bridge.MessageMake, Text: "x"}, nil},
		{bridge.Message{Kind: bridge.MessageRobot, Text: " \n"}, nil},
		{bridge.Message{Kind: bridge.MessageRobot, Text: "a <b>"}, []string{`{"text":"a \u003cb\u003e"}`}},
		{bridge.Message{Kind: bridge.MessageRobot, Speaker: "Robo", Text: "a"}, []string{`{"text":"a","speaker":"Robo"}`}},
		{bridge.Message{Kind: bridge.MessageAgent, Speaker: " Eve\u202e\n\x00 X ", Text: "a"}, []string{`{"text":"a","speaker":"Eve X"}`}},
		{bridge.Message{Kind: bridge.MessageSystem, Speaker: "Eve", Text: "a"}, []string{`{"text":"a"}`}},
		{bridge.Message{Kind: bridge.MessageNotice, Text: "a", Buttons: []bridge.Button{{Verb: bridge.VerbAgent, Label: "Human"}, {Verb: bridge.VerbResend, Ref: "r", Label: "Again"}}},
			[]string{`{"text":"a","buttons":[{"action":"ccb:agent","label":"Human"},{"action":"ccb:resend:r","label":"Again"}]}`}},
		{bridge.Message{Kind: bridge.MessageAnswer, Text: "a", Answer: answer}, []string{`{"text":"a","answer":{"url":"https://hooks/x","thread_ts":"1.2"}}`}},
		{bridge.Message{Kind: bridge.MessageAnswer, Text: "a"}, nil},
		{bridge.Message{Kind: bridge.MessageAnswer, Text: "a", Answer: &bridge.Answer{Address: json.RawMessage(`7`)}}, nil},
	} {
		var got []string
		for _, p := range a.Render(c.m) {
			got = append(got, string(p.Body))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%+v: %q, want %q", c.m, got, c.want)
		}
	}
}

// Also with the name in the text no post is over the limit, and rendering is pure.
func TestRenderedLength(t *testing.T) {
	t.Parallel()
	a := testAdapter(t)
	rapid.Check(t, func(t *rapid.T) {
		m := bridge.Message{
			Kind: bridge.MessageAgent, Speaker: rapid.String().Draw(t, "speaker"),
			Text: strings.Repeat(rapid.StringN(1, 40, -1).Draw(t, "text"), rapid.IntRange(1, 400).Draw(t, "times")),
		}
		posts := a.Render(m)
		for _, p := range posts {
			var q post
			if err := json.Unmarshal(p.Body, &q); err != nil {
				t.Fatal(err)
			}
			for _, plainNames := range []bool{true, false} {
				if n := utf8.RuneCountInString(q.wire(plainNames)); n > textLimit {
					t.Fatalf("%d characters", n)
				}
			}
		}
		if again := a.Render(m); len(again) != len(posts) {
			t.Fatal("rendered differently the second time")
		}
	})
}

func TestTS(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		at := time.UnixMicro(rapid.Int64Range(1e15, 4e15).Draw(t, "at")).UTC()
		back, err := parseTS(formatTS(at))
		if err != nil || !back.Equal(at) {
			t.Fatalf("%v became %v (%v)", at, back, err)
		}
	})
	for _, bad := range []string{"", "1", "1.2", "a.000001", "1700000000.00000x", "-1.000000", "1700000000.0000011", "99999999999999999999.000000"} {
		if at, err := parseTS(bad); err == nil {
			t.Errorf("%q is %v", bad, at)
		}
	}
	if channel, root, ok := parseThreadRef(threadRef(key("C1", "1.2"))); channel != "C1" || root != "1.2" || !ok {
		t.Errorf("%q %q %v", channel, root, ok)
	}
	for _, bad := range []string{"", "C1:1.2", "thread:", "thread:C1", "thread::1.2", "ccb:agent"} {
		if _, _, ok := parseThreadRef(bad); ok {
			t.Errorf("%q was taken", bad)
		}
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	for _, c := range []Config{{}, {Name: "a", BotToken: "b"}, {Name: "a", AppToken: "b"}, {Name: "a", BotToken: "b", AppToken: "c", APIURL: "slack.com"}} {
		if _, err := New(c); err == nil {
			t.Errorf("%+v was taken", c)
		}
	}
	a := testAdapter(t)
	place, gap, burst := a.Pace(key("C1", "1.2"))
	other, _, _ := a.Pace(key("C1", "3.4"))
	if place != other || gap != time.Second || burst != 1 {
		t.Errorf("pace %q %q %v %d", place, other, gap, burst)
	}
}
