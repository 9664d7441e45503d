package config

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
)

const (
	// maxNesting bounds how deep tables, arrays and dotted keys may nest: the TOML package takes time and memory with
	// the square of it.
	maxNesting = 64
	// maxBroken bounds how many lines that are no TOML are reported at once.
	maxBroken = 100
)

// parse decodes text and indexes its lines. The TOML package stops at the first line it cannot read, so each such line
// is reported and replaced, and hides no other fault. nil means that the rest could not be read either: then only the
// first is reported, because the others may follow from it.
func (d *decoder) parse(text string) map[string]any {
	// The package counts lines wrongly where a text is not closed before a \r.
	text = strings.ReplaceAll(strings.TrimPrefix(text, "\ufeff"), "\r\n", "\n")
	if _, depth := indexLines(text); depth > maxNesting {
		d.fault(place{anyKey, 1}, fmt.Sprintf("is nested more than %d deep", maxNesting), "it flat, as config.toml.example shows")
		return nil
	}
	lines := strings.Split(text, "\n")
	var broken []Fault
	for {
		var table map[string]any
		_, err := toml.Decode(text, &table)
		if err == nil {
			d.lines, _ = indexLines(text)
			d.reportBroken(broken, lines, table)
			return table
		}
		f := syntaxFault(d.file, text, err)
		broken = append(broken, f)
		if len(broken) > maxBroken || !replaceLine(lines, f) {
			d.faults = append(d.faults, broken[0])
			return nil
		}
		text = strings.Join(lines, "\n")
	}
}

// reportBroken reports the lines that were replaced, each with its key where that is known. What is found wrong with a
// key's replacement is not reported (see sortFaults).
func (d *decoder) reportBroken(broken []Fault, lines []string, table map[string]any) {
	d.broken = map[int]bool{}
	for _, f := range broken {
		if _, again := d.broken[f.Line]; again {
			continue // its first replacement did not do
		}
		d.broken[f.Line] = !anyHeader.MatchString(lines[f.Line-1])
		delete(table, ignoredTable(f.Line))
		if f.Key == anyKey {
			f.Key = cmp.Or(d.lines.longestAt(f.Line), anyKey)
		}
		d.faults = append(d.faults, f)
	}
}

var (
	anyHeader  = regexp.MustCompile(`^\s*\[`)
	openHeader = regexp.MustCompile(`^\s*(\[\[?)\s*([A-Za-z_][A-Za-z0-9_.-]*)`)
	firstKey   = regexp.MustCompile(`^\s*([A-Za-z_][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+)*)`)
)

// replaceLine puts something readable where f is, and tells whether it could: a key with nothing in it, nothing where a
// key stands twice, a header as it begins, a table that nobody reads where a table stands twice.
func replaceLine(lines []string, f Fault) bool {
	if f.Line > len(lines) {
		return false
	}
	line := &lines[f.Line-1]
	key := firstKey.FindStringSubmatch(*line)
	twice := f.Key != anyKey
	var with string
	switch {
	case anyHeader.MatchString(*line) && twice:
		with = fmt.Sprintf("[%q]", ignoredTable(f.Line))
	case anyHeader.MatchString(*line):
		m := openHeader.FindStringSubmatch(*line)
		if m == nil {
			return false
		}
		with = m[1] + m[2] + strings.Repeat("]", len(m[1]))
	case key != nil && !twice:
		with = key[1] + ` = ""`
	case key != nil:
		with = ""
	default:
		return false
	}
	changed := with != *line
	*line = with
	return changed
}

// ignoredTable is the name of a table whose header, on that line, stands twice.
func ignoredTable(line int) string { return fmt.Sprintf("(line %d)", line) }

// anyKey stands for the key of a line that cannot be read.
const anyKey = "(syntax)"

var (
	definedTwice  = regexp.MustCompile(`^Key '(.*)' has already been defined\.$`)
	madeOtherwise = regexp.MustCompile(`^Key '(.*)' was already created (as a hash|and cannot be used as an array)\.$`)
	outOfRange    = regexp.MustCompile(`^\S+ is out of range for \w+$`)
	quotedWord    = regexp.MustCompile(`"(\\.|[^"\\])*\w(\\.|[^"\\])*"|'[^' ]*\w[^' ]*\w[^' ]*'`)
)

// syntaxFault is what the TOML package found wrong. It names the key only if that stands twice.
func syntaxFault(file, text string, err error) Fault {
	var pe toml.ParseError
	if !errors.As(err, &pe) {
		return Fault{File: file, Line: 1, Key: anyKey, Text: "is not TOML", Write: "TOML (https://toml.io)"}
	}
	line := max(pe.Position.Line, 1)
	if strings.Contains(pe.Message, `\n`) || strings.Contains(pe.Message, "\n") {
		// It stumbled over the end of a line, and names the next.
		line = 1 + strings.Count(text[:min(pe.Position.Start, len(text))], "\n")
	}
	if m := definedTwice.FindStringSubmatch(pe.Message); m != nil {
		return Fault{File: file, Line: line, Key: m[1], Text: "stands twice", Write: "it once"}
	}
	if m := madeOtherwise.FindStringSubmatch(pe.Message); m != nil {
		return Fault{File: file, Line: line, Key: m[1], Text: "stands twice, once as a table and once as something else", Write: "it once"}
	}
	const write = `TOML (https://toml.io): key = "value", texts in quotes`
	if outOfRange.MatchString(pe.Message) { // it begins with the number
		return Fault{File: file, Line: line, Key: anyKey, Text: "is a number out of range", Write: write}
	}
	// The parser quotes what it stumbled over, which may be a token without its quotes.
	message := quotedWord.ReplaceAllString(pe.Message, "something")
	message = strings.NewReplacer(";", ",", "\n", `\n`).Replace(message)
	return Fault{File: file, Line: line, Key: anyKey, Text: message, Write: write}
}

// sortFaults puts the faults into the order of lines, and drops those of replaced lines but the first, which is why they
// were replaced.
func (d *decoder) sortFaults() {
	slices.SortStableFunc(d.faults, func(a, b Fault) int { return cmp.Compare(a.Line, b.Line) })
	last := 0
	d.faults = slices.DeleteFunc(d.faults, func(f Fault) bool {
		again := f.Line == last
		last = f.Line
		return again && d.broken[f.Line]
	})
}
