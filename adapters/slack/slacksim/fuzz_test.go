package slacksim

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

func FuzzTyped(f *testing.F) {
	for _, seed := range []string{"", "hi", "a<b & c>d", "<@U0ADA> <@U0ADA|ada> <!here>", "see https://a.example/?x=1&y=2.", "<https://a.example|a>", "<#C1|x> <!subteam^S1>"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) {
			return
		}
		out, blocks := typed(text)
		if len(blocks) > 0 && !json.Valid(blocks) {
			t.Fatalf("blocks %s", blocks)
		}
		if !strings.ContainsAny(text, "<") && !strings.Contains(text, "http") && unescape.Replace(out) != text {
			t.Errorf("%q became %q", text, out)
		}
		if rest := token.ReplaceAllString(out, ""); strings.ContainsAny(rest, "<>") {
			t.Errorf("%q leaves bare brackets: %q", text, out)
		}
	})
}

func FuzzBlocks(f *testing.F) {
	for _, seed := range []string{"[]", `[{"type":"section","text":{"type":"mrkdwn","text":"<!here>"}}]`, `[{"type":"actions","elements":[{"type":"button"}]}]`,
		`[{"type":"rich_text","elements":[{"type":"user","user_id":"U1"}]}]`, `[{"type":"context","elements":[1]}]`, `[null]`, `{}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if _, bad := checkBlocks(text); bad == nil && !json.Valid([]byte(text)) {
			t.Errorf("%q was taken", text)
		}
		button(json.RawMessage(text), "a", "")
	})
}

func FuzzJSONArgs(f *testing.F) {
	for _, seed := range []string{"", "null", "{}", `{"a":1,"b":"x","c":[1],"d":null}`, "[1]", "{"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		a, bad := jsonArgs(body)
		if bad == nil && a == nil {
			t.Error("no arguments and no refusal")
		}
	})
}
