package discord

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// address is a web address that Discord will make a link of. Nothing in it is markup to Discord, and a backslash would
// become a part of it. Addresses with characters that only a trick would need are none here.
var address = regexp.MustCompile(`https?://[A-Za-z0-9\-._/?#@!$&'+,;=%():~]+`)

// lineStart is what makes a line a heading, a list, small text or a quotation, also once Discord has dropped characters
// without a form of their own (Cf).
var lineStart = regexp.MustCompile(`(?m)^([\s\p{Z}\p{Cf}]*)(#{1,3}|-#?|\+|\d{1,10}\.)([\s\p{Z}\p{Cf}]|$)`)

// guard stands for a backslash until escapeInline, which would escape a real one. It is no character; cleanText removes
// it from what people write.
const guard = '\uFFFF'

// escape makes clean text appear literally.
func escape(text string) string {
	var b strings.Builder
	b.Grow(len(text) + len(text)/8)
	text = markLineStarts(text)
	done := 0
	for _, at := range address.FindAllStringIndex(text, -1) {
		if isAddress(text, at) {
			escapeInline(&b, text[done:at[0]])
			b.WriteString(text[at[0]:at[1]])
			done = at[1]
		}
	}
	escapeInline(&b, text[done:])
	return b.String()
}

// isAddress says whether s[at[0]:at[1]] stands alone as an address.
func isAddress(s string, at []int) bool {
	before, _ := utf8.DecodeLastRuneInString(s[:at[0]])
	after, _ := utf8.DecodeRuneInString(s[at[1]:])
	alone := at[0] == 0 || unicode.IsSpace(before) || before == '('
	ends := at[1] == len(s) || unicode.IsSpace(after)
	return alone && ends && !strings.Contains(s[at[0]:at[1]], "~~")
}

func markLineStarts(text string) string {
	return lineStart.ReplaceAllStringFunc(text, func(m string) string {
		p := lineStart.FindStringSubmatch(m)
		if p == nil { // what follows the mark was seen only in the whole text
			return m
		}
		mark := p[2]
		if digits, ok := strings.CutSuffix(mark, "."); ok {
			return p[1] + digits + string(guard) + "." + p[3]
		}
		return p[1] + string(guard) + mark + p[3]
	})
}

func escapeInline(b *strings.Builder, s string) {
	for _, r := range s {
		switch r {
		case guard:
			b.WriteByte('\\')
			continue
		case '\\', '*', '_', '~', '`', '|', '<', '>', '[', ']':
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
}

// cost is at most how many code points r takes when escaped, wherever it stands.
func cost(r rune) int {
	switch r {
	case '\\', '*', '_', '~', '`', '|', '<', '>', '[', ']', '#', '-', '+', '.':
		return 2
	}
	return 1
}

// cleanText removes what cannot be shown: control characters, broken UTF-8, no-characters.
func cleanText(s string) string {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case r == '\r':
			return '\n'
		case unicode.IsControl(r), r == utf8.RuneError, r == guard, r == '\uFFFE':
			return -1
		}
		return r
	}, s)
}
