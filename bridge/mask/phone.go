package mask

import (
	"regexp"
	"strings"
)

// phoneForms are the forms of telephone numbers, from the surest. They are found where nothing that belongs to them stands
// before or behind, and are short, which bounds the time. A plain run of digits is none, unless it begins as only telephone numbers do.
var phoneForms = []phoneForm{
	// International: +49 30 123456, +49 (0)30/123456, +1-212-555-0123. ITU-T E.164: at most 15 digits.
	{regexp.MustCompile(`\+[1-9](?:` + gap + `?(?:\([0-9]{1,5}\)|[0-9]{1,15})){1,8}`), 8, 16},
	// The same with 00, to Europe if written in one.
	{regexp.MustCompile(`\b00[1-9][0-9]{0,2}(?:` + gap + `(?:\([0-9]{1,5}\)|[0-9]{1,15})){1,8}`), 10, 17},
	{regexp.MustCompile(`\b00[34][0-9]{9,12}\b`), 12, 15},
	// North America: (212) 555-0123, 212-555-0123, 1-212-555-0123.
	{regexp.MustCompile(`(?:\+?1[ -])?\([2-9][0-9]{2}\) ?[2-9][0-9]{2}[ -][0-9]{4}\b`), 10, 11},
	{regexp.MustCompile(`\b(?:1-)?[2-9][0-9]{2}-[2-9][0-9]{2}-[0-9]{4}\b`), 10, 11},
	// With the 0 before the area: (030) 123456, 030/123456, 0170-1234567, 020 7946 0958, 01 23 45 67 89.
	{regexp.MustCompile(`\(0[1-9][0-9]{1,4}\)(?:` + gap + `?[0-9]{1,12}){1,4}`), 9, 12},
	{regexp.MustCompile(`\b0[1-9][0-9]{1,4}(?: ?[-/] ?| )[0-9]{3,12}(?:[ -][0-9]{2,12}){0,3}`), 9, 12},
	{regexp.MustCompile(`\b0[1-9](?:(?: [0-9]{2}){4}|(?:\.[0-9]{2}){4}|(?:-[0-9]{2}){4})\b`), 10, 10},
	// Mobile numbers written in one: Britain, Germany.
	{regexp.MustCompile(`\b07[0-9]{9}\b`), 11, 11},
	{regexp.MustCompile(`\b01[5-7][0-9]{8,9}\b`), 11, 12},
}

// gap is what stands between the groups of a telephone number.
const gap = `[ \x{a0}\x{202f}./\x{2010}\x{2011}\x{2013}-]`

type phoneForm struct {
	form        *regexp.Regexp
	least, most int // digits
}

// dateForm begins like a telephone number and is a date.
var dateForm = regexp.MustCompile(`^0?[0-9]{1,2}[./ -][0-9]{1,2}[./ -](?:19|20)[0-9]{2}(?:[^0-9]|$)`)

// phones finds telephone numbers: of each form what lies between those of the forms before.
func phones(text string) []span {
	var found []span
	kept := fixed(text)
	for _, f := range phoneForms {
		var all []span
		at := 0
		for _, taken := range append(found, span{len(text), len(text)}) {
			all = append(all, f.between(text, span{at, taken.from}, kept)...)
			all = append(all, taken)
			at = taken.to
		}
		found = all[:len(all)-1]
	}
	return found
}

// between finds the numbers of this form in a part of the text.
func (f phoneForm) between(text string, part span, kept []span) (found []span) {
	look := 0
	for at := part.from; at < part.to; {
		m := f.form.FindStringIndex(text[at:part.to])
		if m == nil {
			break
		}
		s := f.number(text, span{at + m[0], at + m[1]})
		if s.to > s.from && !inside(kept, s, &look) {
			found = append(found, s)
			at = s.to
			continue
		}
		at = digitsAt(text, at+m[0]+1) // what follows in it may be a number
	}
	return found
}

// number gives the longest number that a place begins with: whole groups, as many digits as the form has. Empty: none.
func (f phoneForm) number(text string, s span) (longest span) {
	digits := 0
	for at := s.from; at < s.to && digits <= f.most; at++ {
		if !isDigit(text[at]) {
			continue
		}
		digits++
		one := span{s.from, at + 1}
		if digits >= f.least && digits <= f.most && (one.to == s.to || !isDigit(text[one.to])) && alone(text, one) && !dateForm.MatchString(text[one.from:one.to]) {
			longest = one
		}
	}
	return longest
}

// alone: the number is no part of a longer figure, serial number, address or time.
func alone(text string, s span) bool {
	const joins = ".-/:,+="
	before := s.from > 0 && (isWord(text[s.from-1]) || strings.IndexByte(".-/,+", text[s.from-1]) >= 0 && s.from > 1 && isWord(text[s.from-2]))
	behind := s.to < len(text) && (isWord(text[s.to]) || strings.IndexByte(joins, text[s.to]) >= 0 && s.to+1 < len(text) && isWord(text[s.to+1]))
	return !before && !behind
}
