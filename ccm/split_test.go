package ccm_test

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"ccbridge/ccm"
	"pgregory.net/rapid"
)

func checkSplit(t interface{ Errorf(string, ...any) }, text string) {
	pieces := ccm.Split(text)
	if got, want := strings.Join(pieces, ""), strings.ToValidUTF8(text, "\uFFFD"); got != want {
		t.Errorf("pieces of %q join to %q", text, got)
	}
	for i, piece := range pieces {
		if piece == "" || len(piece) > ccm.MaxContent || !utf8.ValidString(piece) {
			t.Errorf("piece %d has %d bytes, valid %v", i, len(piece), utf8.ValidString(piece))
		}
		if i < len(pieces)-1 && len(piece) < ccm.MaxContent*3/4 {
			t.Errorf("piece %d of %d has only %d bytes", i, len(pieces), len(piece))
		}
	}
}

func TestSplitProperty(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		part := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }),
			rapid.SampledFrom([]string{"\n", " ", strings.Repeat("x", 700), strings.Repeat("€", 341), strings.Repeat("𝄞", 256), strings.Repeat("word ", 300)}))
		checkSplit(t, strings.Join(rapid.SliceOfN(part, 0, 20).Draw(t, "parts"), ""))
	})
}

func FuzzSplit(f *testing.F) {
	f.Add("")
	f.Add(strings.Repeat("€", 400))
	f.Add(strings.Repeat("a\xff", 900))
	f.Fuzz(func(t *testing.T, text string) { checkSplit(t, text) })
}

func TestSplit(t *testing.T) {
	t.Parallel()
	x := func(n int) string { return strings.Repeat("x", n) }
	for name, test := range map[string]struct {
		text string
		want []string
	}{
		"nothing":                {"", nil},
		"just fits":              {x(1024), []string{x(1024)}},
		"one more":               {x(1025), []string{x(1024), "x"}},
		"at the end of a line":   {x(800) + "\n" + x(200) + " " + x(100), []string{x(800) + "\n", x(200) + " " + x(100)}},
		"at the end of a word":   {x(900) + " " + x(200), []string{x(900) + " ", x(200)}},
		"too early a word's end": {x(500) + " " + x(600), []string{x(500) + " " + x(523), x(77)}},
		"not inside a character": {x(1023) + "€", []string{x(1023), "€"}},
	} {
		if got := ccm.Split(test.text); !slices.Equal(got, test.want) {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
	}
}
