package mask

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Numbers are read as groups: runs of digits with one separator between them.

// group is a run of ASCII digits.
type group struct{ span }

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// isWord: a number next to it is part of something longer. Letters beyond ASCII are not meant: Chinese has no spaces.
func isWord(c byte) bool { return isDigit(c) || isLetter(c) || c == '_' }

// bounded: nothing that belongs to it stands directly before or behind a place.
func bounded(text string, s span) bool {
	return (s.from == 0 || !isWord(text[s.from-1])) && (s.to == len(text) || !isWord(text[s.to]))
}

// decimal: a digit stands beyond a point, comma or colon beside the place: it is a part of a longer figure or a time.
func decimal(text string, s span) bool {
	const joins = ".,:"
	return s.from > 1 && strings.IndexByte(joins, text[s.from-1]) >= 0 && isDigit(text[s.from-2]) ||
		s.to+1 < len(text) && strings.IndexByte(joins, text[s.to]) >= 0 && isDigit(text[s.to+1])
}

// blanks and dashes separate the groups of a number.
var (
	blanks = []string{" ", "\u00a0", "\u202f", "\u2009"}
	dashes = []string{"-", "\u2010", "\u2011", "\u2013"}
)

// separator reads one of the given at the beginning of text and gives its length; 0: none is there.
func separator(text string, of ...[]string) int {
	for _, list := range of {
		for _, s := range list {
			if strings.HasPrefix(text, s) {
				return len(s)
			}
		}
	}
	return 0
}

// digitsAt gives the end of the run of digits at a place.
func digitsAt(text string, at int) int {
	for at < len(text) && isDigit(text[at]) {
		at++
	}
	return at
}

// digitsOf takes the digits of a place.
func digitsOf(text string) string {
	var b strings.Builder
	for i := range len(text) {
		if isDigit(text[i]) {
			b.WriteByte(text[i])
		}
	}
	return b.String()
}

// fixed finds what stays together and is none of the numbers that are looked for: web addresses, unless they name a user
// (which may be somebody's address and password), and UUIDs.
func fixed(text string) []span {
	var spans []span
	for _, m := range fixedForm.FindAllStringIndex(text, -1) {
		_, rest, isURL := strings.Cut(text[m[0]:m[1]], "://")
		host := rest
		if end := strings.IndexAny(rest, "/?#"); end >= 0 {
			host = rest[:end]
		}
		if !isURL || !strings.Contains(host, "@") {
			spans = append(spans, span{m[0], m[1]})
		}
	}
	return spans
}

var fixedForm = regexp.MustCompile(`(?i)\b[a-z][a-z0-9+.-]{1,15}://[!-~]+|\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b`)

// inside reports whether a place lies in one of spans, which are in order. from is where to begin to look, for the next call.
func inside(spans []span, s span, from *int) bool {
	for *from < len(spans) && spans[*from].to <= s.from {
		*from++
	}
	return *from < len(spans) && spans[*from].from < s.to
}

// The most groups and digits of a card number as people write it.
const (
	maxCardGroups = 6
	maxCardDigits = 19
)

// cards finds payment cards (ISO/IEC 7812): digits, in groups or not, of a length and prefix that are in use, whose last
// one is Luhn's check digit. 17 and 18 digits are left alone: hardly a card has them, and every Discord id.
func cards(text string) []span {
	var found []span
	groups := groupsOf(text)
	kept, look := fixed(text), 0
	for i := 0; i < len(groups); i++ {
		end := i
		for j := min(i+maxCardGroups, len(groups)) - 1; j >= i; j-- { // the longest first
			s := span{groups[i].from, groups[j].to}
			if joined(text, groups[i:j+1]) && isCard(text[s.from:s.to]) && bounded(text, s) && !decimal(text, s) && !inside(kept, s, &look) {
				found, end = append(found, s), j
				break
			}
		}
		i = end
	}
	return found
}

func groupsOf(text string) []group {
	var groups []group
	for at := 0; at < len(text); at++ {
		if isDigit(text[at]) {
			end := digitsAt(text, at)
			groups = append(groups, group{span{at, end}})
			at = end
		}
	}
	return groups
}

// joined: between neighbours stands one separator, the same everywhere.
func joined(text string, groups []group) bool {
	between := ""
	for i := 1; i < len(groups); i++ {
		gap := text[groups[i-1].to:groups[i].from]
		if len(gap) == 0 || len(gap) > utf8.UTFMax || separator(gap, blanks, dashes) != len(gap) || between != "" && gap != between {
			return false
		}
		between = gap
	}
	return true
}

func isCard(text string) bool {
	if len(text) > maxCardDigits+(maxCardGroups-1)*utf8.UTFMax {
		return false
	}
	digits := digitsOf(text)
	return slices.ContainsFunc(issuers, func(i issuer) bool { return i.issued(digits) }) && luhn(digits)
}

// issuer is a range of prefixes, of the same number of digits, and the lengths of its cards.
type issuer struct {
	from, to string
	lengths  []int
}

func (i issuer) issued(digits string) bool {
	if !slices.Contains(i.lengths, len(digits)) {
		return false
	}
	prefix := digits[:len(i.from)]
	return prefix >= i.from && prefix <= i.to
}

// issuers are the networks' published ranges.
var issuers = []issuer{
	{"4", "4", []int{13, 16, 19}},                        // Visa
	{"51", "55", []int{16}}, {"2221", "2720", []int{16}}, // Mastercard
	{"34", "34", []int{15}}, {"37", "37", []int{15}}, // American Express
	{"300", "305", []int{14}}, {"309", "309", []int{14}}, {"36", "36", []int{14}}, {"38", "39", []int{14}}, // Diners Club
	{"6011", "6011", []int{16, 19}}, {"644", "649", []int{16, 19}}, {"65", "65", []int{16, 19}}, // Discover
	{"62", "62", []int{16, 19}}, {"81", "81", []int{16}}, // UnionPay
	{"3528", "3589", []int{16}},                                                                                                                 // JCB
	{"2200", "2204", []int{16, 19}},                                                                                                             // Mir
	{"50", "50", []int{16, 19}}, {"56", "58", []int{16, 19}}, {"60", "60", []int{16}}, {"63", "63", []int{16, 19}}, {"67", "69", []int{16, 19}}, // Maestro, RuPay
}

// luhn checks the last digit (ISO/IEC 7812-1, annex B).
func luhn(digits string) bool {
	sum := 0
	for i := range len(digits) {
		d := int(digits[len(digits)-1-i] - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}
