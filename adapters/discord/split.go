package discord

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxCluster bounds what is kept together as one character, so that a tower of accents cannot exceed a message.
const maxCluster = 64

const (
	joiner      = '\u200d' // ZWJ
	regionFirst = '\U0001F1E6'
	regionLast  = '\U0001F1FF'
)

// split cuts clean text into pieces that are each, escaped, not above limit code points: at the end of a paragraph if
// there is one in the latter half, else of a line, else of a word, else between characters. White space at the cuts
// goes; Discord would trim it.
func split(text string, limit int) []string {
	var pieces []string
	text = strings.TrimSpace(text)
	for text != "" {
		end := len(text)
		if fit := fitting(text, limit); fit < len(text) {
			end = cut(text, fit)
		}
		if piece := strings.TrimRightFunc(text[:end], unicode.IsSpace); piece != "" {
			pieces = append(pieces, piece)
		}
		text = strings.TrimLeftFunc(text[end:], unicode.IsSpace)
	}
	return pieces
}

// fitting is how many bytes of text fit into limit, in whole characters; at least one.
func fitting(text string, limit int) int {
	used, at := 0, 0
	for at < len(text) {
		n, c := cluster(text[at:])
		if used+c > limit && at > 0 {
			break
		}
		used, at = used+c, at+n
	}
	return at
}

// cut finds where to end a piece of at most fit bytes.
func cut(text string, fit int) int {
	half := fit / 2
	if i := strings.LastIndex(text[:fit], "\n\n"); i >= half {
		return i
	}
	if i := strings.LastIndexByte(text[:fit], '\n'); i >= half {
		return i
	}
	if next, _ := utf8.DecodeRuneInString(text[fit:]); unicode.IsSpace(next) {
		return fit
	}
	if i := strings.LastIndexFunc(text[:fit], unicode.IsSpace); i > half {
		return i
	}
	return fit
}

// cluster measures the first character that a person sees: its bytes, and its cost when escaped.
func cluster(s string) (bytes, points int) {
	regions, count := 0, 0
	var last rune
	for i, r := range s {
		if i > 0 && (count >= maxCluster || !continues(last, r, regions)) {
			return i, points
		}
		if r >= regionFirst && r <= regionLast {
			regions++
		}
		count++
		points += cost(r)
		last = r
	}
	return len(s), points
}

// continues says whether r belongs to the character that ends in last so far.
func continues(last, r rune, regions int) bool {
	switch {
	case unicode.IsSpace(last):
		return false
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Mc), r == joiner, last == joiner:
		return true
	case r >= '\U0001F3FB' && r <= '\U0001F3FF': // skin tones
		return true
	case r >= '\U000E0020' && r <= '\U000E007F': // tags, in flags of regions
		return true
	}
	return r >= regionFirst && r <= regionLast && last >= regionFirst && last <= regionLast && regions%2 == 1
}
