package discord

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"

	"ccbridge/bridge"
)

// shown is what people see of content, as far as escapes go.
func shown(content string) string {
	return regexp.MustCompile(`\\([^A-Za-z0-9\s])`).ReplaceAllString(content, "$1")
}

func decoded(t interface{ Fatal(...any) }, p bridge.Post) (out post) {
	if err := json.Unmarshal(p.Body, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestEscape(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"hello, world. (really!)":    "hello, world. (really!)",
		"*a* _b_ ~~c~~ `d` ||e||":    `\*a\* \_b\_ \~\~c\~\~ \` + "`d\\`" + ` \|\|e\|\|`,
		`C:\*.txt`:                   `C:\\\*.txt`,
		"<@1> <@&2> <#3> <:n:4>":     `\<@1\> \<@&2\> \<#3\> \<:n:4\>`,
		"[bank](https://evil.test)":  `\[bank\](https://evil.test)`,
		"# head\n## two\n-# small":   "\\# head\n\\## two\n\\-# small",
		"- a\n+ b\n1. c\n 22. d":     "\\- a\n\\+ b\n1\\. c\n 22\\. d",
		"> quote\n>>> more":          "\\> quote\n\\>\\>\\> more",
		"-5 #tag 3.14":               "-5 #tag 3.14",
		"#\u00a0head":                "\\#\u00a0head",
		"a\n\u200b# b\n#\u2060 c":    "a\n\u200b\\# b\n\\#\u2060 c",
		"https://x.test/a_b_c?d=*e*": `https://x.test/a\_b\_c?d=\*e\*`,
		"see https://x.test/a_b (c)": "see https://x.test/a_b (c)",
		"xhttps://a_b":               `xhttps://a\_b`,
		"@everyone @here":            "@everyone @here",
	} {
		if got := escape(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestRender(t *testing.T) {
	t.Parallel()
	a := bareAdapter(t)
	contentOf := func(m bridge.Message) string {
		posts := a.Render(m)
		if len(posts) != 1 {
			t.Fatalf("%+v: %d posts", m, len(posts))
		}
		return decoded(t, posts[0]).Content
	}
	for want, m := range map[string]bridge.Message{
		"hi":                          {Kind: bridge.MessageRobot, Text: " hi\n"},
		"**Robo:** hi":                {Kind: bridge.MessageRobot, Text: "hi", Speaker: "Robo"},
		"**Eve:** hi":                 {Kind: bridge.MessageAgent, Text: "hi", Speaker: "Eve"},
		"**Agent:** hi":               {Kind: bridge.MessageAgent, Text: "hi"},
		`**\*\*E v\_e\*\*:** hi`:      {Kind: bridge.MessageAgent, Text: "hi", Speaker: "**E\nv_e**\u202e"},
		"hi\n\\*\\*Agent:\\*\\* send": {Kind: bridge.MessageRobot, Text: "hi\n**Agent:** send"},
		"over":                        {Kind: bridge.MessageSystem, Text: "over"},
	} {
		if got := contentOf(m); got != want {
			t.Errorf("%+v: %q, want %q", m, got, want)
		}
	}
	for _, text := range []string{"", " \n ", "\x00"} {
		if posts := a.Render(bridge.Message{Kind: bridge.MessageNotice, Text: text}); posts != nil {
			t.Errorf("%q: %d posts", text, len(posts))
		}
	}
	for text, want := range map[string]string{"": noThreadName, "\u200b \u2060": noThreadName, "a\nb": "a b", strings.Repeat("é", 90): strings.Repeat("é", 80)} {
		p := decoded(t, a.Render(bridge.Message{Kind: bridge.MessageMake, Text: text, Origin: "5"})[0])
		if p.Op != opMake || p.Name != want || p.Origin != "5" {
			t.Errorf("%q: %+v", text, p)
		}
	}
	if posts := a.Render(bridge.Message{Kind: bridge.MessageAnswer, Text: "x"}); posts != nil {
		t.Error("an answer without an address")
	}
}

func TestButtonsAreOnTheLastPiece(t *testing.T) {
	t.Parallel()
	a := bareAdapter(t)
	var buttons []bridge.Button
	for range 30 {
		buttons = append(buttons, bridge.Button{Verb: bridge.VerbEnd, Label: strings.Repeat("x", 100)})
	}
	posts := a.Render(bridge.Message{Kind: bridge.MessageNotice, Text: strings.Repeat("word ", 1000), Buttons: buttons})
	for i, p := range posts {
		rows := decoded(t, p).Components
		if last := i == len(posts)-1; last != (len(rows) == 5) || !last && len(rows) != 0 {
			t.Errorf("piece %d of %d has %d rows", i, len(posts), len(rows))
		}
		for _, row := range rows {
			if len(row.Components) != 5 || len(row.Components[0].Label) != maxLabel {
				t.Errorf("row %+v", row)
			}
		}
	}
}

func TestSplitPrefersParagraphs(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"aaaa bbb\n\ncc dd": "aaaa bbb|cc dd",
		"aaaaaa\nbb cc dd":  "aaaaaa|bb cc dd",
		"aaaa bbbb cccc":    "aaaa bbbb|cccc",
		"aaaaaaaaaaaaaa":    "aaaaaaaaaa|aaaa",
		"a\n\nbbbbbbb ccc":  "a\n\nbbbbbbb|ccc",
		"*********":         "*****|****",
		"👨‍👩‍👧👨‍👩‍👧👨‍👩‍👧": "👨‍👩‍👧👨‍👩‍👧|👨‍👩‍👧",
	} {
		if got := strings.Join(split(text, 10), "|"); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// checkPieces: every piece fits, and together they show what was written, white space aside.
func checkPieces(t interface {
	Fatal(...any)
	Errorf(string, ...any)
}, a *Adapter, text string) {
	noSpace := func(s string) string {
		return strings.Map(func(r rune) rune {
			if unicode.IsSpace(r) {
				return -1
			}
			return r
		}, s)
	}
	const prefix = "**Eve:** "
	var all strings.Builder
	for _, p := range a.Render(bridge.Message{Kind: bridge.MessageAgent, Speaker: "Eve", Text: text}) {
		content := decoded(t, p).Content
		rest, ok := strings.CutPrefix(content, prefix)
		if n := utf8.RuneCountInString(content); n > maxContent || !ok || strings.TrimSpace(rest) == "" {
			t.Errorf("piece of %d code points: %.40q", n, content)
		}
		all.WriteString(shown(rest))
	}
	// What is written as an escape is shown as one only if both backslash and sign are escaped.
	if got, want := noSpace(all.String()), noSpace(cleanText(text)); got != want && !strings.Contains(text, "http") {
		t.Errorf("shows %q, want %q", got, want)
	}
}

func TestPiecesShowWhatWasWritten(t *testing.T) {
	t.Parallel()
	a := bareAdapter(t)
	parts := rapid.SampledFrom([]string{
		"word", " ", "\n", "\n\n", "*", "**", "_", "`", "```", "<@1>", "# ", "1. ", "- ", "\\", "[a](b)", "é", "e\u0301", "👨‍👩‍👧", "🇩🇪", "@everyone", "\r\n", "\x00", "||",
	})
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOfN(parts, 0, 60).Draw(t, "parts")
		checkPieces(t, a, strings.Repeat(strings.Join(list, ""), rapid.IntRange(1, 30).Draw(t, "times")))
	})
}

func FuzzRender(f *testing.F) {
	for _, s := range []string{"hello", "# a\n**b**", strings.Repeat("*", 3000), strings.Repeat("e\u0301", 2500), "\xff\xfe", "https://x.test/a_b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) { checkPieces(t, bareAdapter(t), text) })
}
