// Package mask replaces what is nobody's business in texts: card numbers, bank accounts, addresses, telephone numbers, and
// what own patterns find. It is careful both ways: a number is a card's or an account's only if its check digits say so,
// and what merely looks like one stays as it is, byte for byte.
package mask

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
)

// The names of what can be masked. In the text stands the name in brackets instead: "[card]".
const (
	Card  = "card"  // payment cards: known prefix and length, Luhn's check digit
	Email = "email" // addresses name@example.com
	Phone = "phone" // telephone numbers: +…, and the commonest national forms
	IBAN  = "iban"  // bank accounts: known country and length, check digits mod 97
)

// Names lists them in the order in which they are looked for: what can be checked first.
var Names = []string{IBAN, Card, Email, Phone}

// finders find the names' places in a text, in order and without overlap. A finder takes time linear in the text.
var finders = map[string]func(text string) []span{IBAN: ibans, Card: cards, Email: emails, Phone: phones}

// own stands for what a pattern of the operator's found.
const own = "[masked]"

// Bounds of own patterns.
const (
	MaxPatterns = 20
	maxPattern  = 500 // bytes
	maxProgram  = 500 // instructions: the time for one byte of text
)

// Mask masks texts. The zero Mask leaves them as they are. It may be used by many at once.
type Mask struct {
	names    []string
	patterns []*regexp.Regexp
}

// New makes a Mask of names and of patterns that CheckPattern found in order; it panics on others.
func New(names, patterns []string) Mask {
	var m Mask
	for _, name := range Names {
		if slices.Contains(names, name) {
			m.names = append(m.names, name)
		}
	}
	for _, p := range patterns {
		m.patterns = append(m.patterns, regexp.MustCompile(p))
	}
	return m
}

// CheckPattern says what is wrong with an own pattern (RE2), without quoting it.
func CheckPattern(pattern string) error {
	if len(pattern) > maxPattern {
		return fmt.Errorf("is longer than %d bytes", maxPattern)
	}
	re, err := regexp.Compile(pattern)
	if err != nil {
		return fmt.Errorf("is no regular expression (RE2)")
	}
	if re.MatchString("") {
		return fmt.Errorf("matches nothing at all, and so everywhere")
	}
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err == nil {
		var prog *syntax.Prog
		if prog, err = syntax.Compile(parsed.Simplify()); err == nil && len(prog.Inst) > maxProgram {
			return fmt.Errorf("is too large: it repeats too much")
		}
	}
	return err
}

// Empty reports whether texts are left as they are.
func (m Mask) Empty() bool { return len(m.names) == 0 && len(m.patterns) == 0 }

// Text gives the text with everything masked. What was masked before stays as it is. It grows by at most eight times.
func (m Mask) Text(text string) string {
	for _, name := range m.names {
		text = replace(text, finders[name](text), "["+name+"]")
	}
	for _, re := range m.patterns {
		text = ownPattern(text, re)
	}
	return text
}

// Texts gives a list with each text masked; the list itself is not changed.
func (m Mask) Texts(list []string) []string {
	if m.Empty() || list == nil {
		return list
	}
	masked := make([]string, len(list))
	for i, text := range list {
		masked[i] = m.Text(text)
	}
	return masked
}

// span is a place in a text, in bytes.
type span struct{ from, to int }

func replace(text string, spans []span, with string) string {
	if len(spans) == 0 {
		return text
	}
	var b strings.Builder
	b.Grow(len(text))
	at := 0
	for _, s := range spans {
		b.WriteString(text[at:s.from])
		b.WriteString(with)
		at = s.to
	}
	b.WriteString(text[at:])
	return b.String()
}

// placeholder is what stands for something that was masked.
var placeholder = regexp.MustCompile(`\[(?:card|email|phone|iban|masked)\]`)

// ownPattern masks what re finds between what was masked before.
func ownPattern(text string, re *regexp.Regexp) string {
	var b strings.Builder
	at := 0
	for _, kept := range append(placeholder.FindAllStringIndex(text, -1), []int{len(text), len(text)}) {
		part := text[at:kept[0]]
		var spans []span
		for _, m := range re.FindAllStringIndex(part, -1) {
			if m[0] < m[1] {
				spans = append(spans, span{m[0], m[1]})
			}
		}
		b.WriteString(replace(part, spans, own))
		b.WriteString(text[kept[0]:kept[1]])
		at = kept[1]
	}
	return b.String()
}
