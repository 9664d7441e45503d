package slack

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// split cuts text into pieces of at most limit by size, at the end of a paragraph, else of a line, else of a word, else
// between characters as people see them. Blanks at a cut are dropped; pieces of blanks alone are left out.
func split(text string, limit int, size func(string) int) []string {
	var pieces []string
	for strings.TrimSpace(text) != "" {
		if size(text) <= limit {
			return append(pieces, text)
		}
		n := cut(text, fit(text, limit, size))
		if piece := strings.TrimRightFunc(text[:n], unicode.IsSpace); strings.TrimSpace(piece) != "" {
			pieces = append(pieces, piece)
		}
		text = trimCut(text[n:])
	}
	return pieces
}

// trimCut drops the blanks at the beginning of what follows a cut, but keeps the indentation of its first line.
func trimCut(text string) string {
	blank := len(text) - len(strings.TrimLeftFunc(text, unicode.IsSpace))
	if nl := strings.LastIndexByte(text[:blank], '\n'); nl >= 0 {
		return text[nl+1:]
	}
	return text[blank:]
}

// fit is how many bytes of text fit into limit, ending between two characters as people see them. At least one
// character is taken, broken up only if it is itself too long.
func fit(text string, limit int, size func(string) int) int {
	used, end := 0, 0
	for end < len(text) {
		n := clusterLen(text[end:])
		s := size(text[end : end+n])
		if used+s > limit {
			break
		}
		used, end = used+s, end+n
	}
	if end > 0 {
		return end
	}
	for end < len(text) {
		_, n := utf8.DecodeRuneInString(text[end:])
		if s := size(text[end : end+n]); end > 0 && used+s > limit {
			break
		} else {
			used, end = used+s, end+n
		}
	}
	return end
}

// cut is the best place to cut at or before end, before the blanks there. A place in the first half is no good: pieces
// would be too many.
func cut(text string, end int) int {
	head := text[:end]
	for _, mark := range []string{"\n\n", "\n"} {
		if i := strings.LastIndex(head, mark); i >= end/2 {
			return i
		}
	}
	if strings.HasPrefix(text[end:], "\n") || strings.HasPrefix(text[end:], " ") {
		return end
	}
	if i := strings.LastIndexFunc(head, unicode.IsSpace); i >= end/2 {
		return i
	}
	return end
}

// zeroWidthJoiner glues emoji into one.
const zeroWidthJoiner = '\u200D'

// clusterLen is the length in bytes of the first character as people see it: a letter with its accents, an emoji with
// its modifiers, a flag, a line ending. It is simpler than Unicode's full rules and never cuts where they do not.
func clusterLen(s string) int {
	first, n := utf8.DecodeRuneInString(s)
	if first == '\r' && strings.HasPrefix(s[n:], "\n") {
		return n + 1
	}
	if isFlagHalf(first) {
		if next, m := utf8.DecodeRuneInString(s[n:]); isFlagHalf(next) {
			n += m
		}
	}
	joined := false
	for n < len(s) {
		r, m := utf8.DecodeRuneInString(s[n:])
		if !joined && !extends(r) {
			break
		}
		joined = r == zeroWidthJoiner
		n += m
	}
	return n
}

// extends reports whether r belongs to the character before it.
func extends(r rune) bool {
	switch {
	case unicode.Is(unicode.M, r), r == zeroWidthJoiner:
		return true
	case r >= 0x1F3FB && r <= 0x1F3FF: // skin tones
		return true
	case r >= 0xE0020 && r <= 0xE007F: // tags, as in the flags of countries within countries
		return true
	}
	return false
}

func isFlagHalf(r rune) bool { return r >= 0x1F1E6 && r <= 0x1F1FF }
