package mask

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds of an address (RFC 5321, 4.5.3.1), in bytes.
const (
	maxLocal  = 64
	maxDomain = 255
)

// emails finds addresses of mail, also in a web address.
func emails(text string) []span {
	var found []span
	last := 0 // the end of the one before
	for at := 0; at < len(text); at++ {
		if text[at] != '@' {
			continue
		}
		from, to := localBefore(text, max(last, at-maxLocal-1), at), domainEnd(text, at+1)
		if from < at && to > at+1 {
			found = append(found, span{from, to})
			last, at = to, to-1
		}
	}
	return found
}

// nameLetter: letters and digits of scripts that are written with spaces; of others, the text around an address would be
// taken for a part of it.
func nameLetter(r rune) bool {
	return unicode.IsDigit(r) || unicode.IsLetter(r) &&
		!unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar)
}

// localBefore gives where the name before an @ begins, not before least; at if there is none.
func localBefore(text string, least, at int) int {
	from := at
	for from > least {
		r, n := utf8.DecodeLastRuneInString(text[least:from])
		if !nameLetter(r) && !strings.ContainsRune(".%+_'-", r) {
			break
		}
		from -= n
	}
	if from == least && at-from > maxLocal {
		return at // longer than any name is
	}
	for from < at && !startsName(text[from:]) {
		from++
	}
	return from
}

// startsName: a name may begin here, rather than with a quote or a bracket around it.
func startsName(text string) bool {
	r, _ := utf8.DecodeRuneInString(text)
	return nameLetter(r) || r == '_' || r == '+'
}

// domainEnd gives the end of the domain that begins at from: labels, the last of them of letters. from: there is none.
func domainEnd(text string, from int) int {
	end, label, labels := from, from, 0
	for at := from; at <= len(text) && at-from <= maxDomain; {
		r, n := utf8.DecodeRuneInString(text[at:])
		switch {
		case nameLetter(r):
			at += n
			continue
		case r == '-' && at > label:
			at++
			continue
		case at == label:
			return end
		}
		name := strings.TrimRight(text[label:at], "-")
		if labels++; labels > 1 && topLevel(name) {
			end = label + len(name)
		}
		if r != '.' {
			return end
		}
		at++
		label = at
	}
	return end
}

// topLevel: at least two letters, or the ASCII form of an international name.
func topLevel(label string) bool {
	letters := 0
	for _, r := range label {
		if !unicode.IsLetter(r) {
			return strings.HasPrefix(label, "xn--")
		}
		letters++
	}
	return letters > 1
}
