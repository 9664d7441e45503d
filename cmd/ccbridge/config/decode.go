package config

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// decoder holds what the sections of one file share while they are decoded.
// Sections are decoded key by key instead of into tagged structs, because the
// TOML package matches keys regardless of case, stops at the first wrong type,
// and knows no lines of keys it did not decode.
type decoder struct {
	file     string
	ref      reference
	lines    lineIndex
	broken   map[int]bool // lines that were no TOML, see parse
	exposed  bool         // others than the owner can read the file
	sections []*section   // in the order of decoding
	settings []Setting    // in force, in the order of decoding
	hidden   map[string]Secret
	faults   []Fault
}

// place is where a value stands, or should stand.
type place struct {
	path string
	line int
}

// problem is what a check finds wrong with a value.
type problem struct {
	text, write string
	warning     bool
}

// check judges a value; nil means that nothing is wrong with it.
type check func(value string) *problem

func (d *decoder) report(at place, p *problem) {
	d.faults = append(d.faults, Fault{File: d.file, Line: at.line, Key: at.path, Text: p.text, Write: p.write, Warning: p.warning})
}

func (d *decoder) fault(at place, text, write string) { d.report(at, &problem{text, write, false}) }
func (d *decoder) warn(at place, text, write string)  { d.report(at, &problem{text, write, true}) }

// section is one table of the file. Its methods read one key each, note the key
// as known, report what is wrong, and then return the zero value.
type section struct {
	*decoder
	path  string
	table map[string]any
	known []string
}

// section makes the table at path a section, whose unknown keys will be faults.
func (d *decoder) section(path string, table map[string]any) *section {
	s := &section{decoder: d, path: path, table: table}
	d.sections = append(d.sections, s)
	return s
}

// here is the place of the section's first line, or of the file's if it is missing.
func (s *section) here() place {
	return place{s.path, max(s.lines[s.path], 1)}
}

// at is the place of key; a missing one would stand in the section's first line.
func (s *section) at(key string) place {
	path := keyPath(s.path, key)
	if line := s.lines[path]; line > 0 {
		return place{path, line}
	}
	return place{path, s.here().line}
}

// atItem is the place of item i of the array key.
func (s *section) atItem(key string, i int) place {
	at := s.at(key)
	at.path = itemPath(at.path, i)
	if line := s.lines[at.path]; line > 0 {
		at.line = line
	}
	return at
}

// get returns the raw value of key, and notes that the key is known.
func (s *section) get(key string) (raw any, found bool) {
	if !slices.Contains(s.known, key) {
		s.known = append(s.known, key)
	}
	raw, found = s.table[key]
	return raw, found
}

// child returns the table at key, an empty one if there is none.
func (s *section) child(key string) *section {
	raw, found := s.get(key)
	table, ok := raw.(map[string]any)
	path := keyPath(s.path, key)
	if found && !ok {
		s.fault(s.at(key), "must be a table, not "+typeName(raw), "["+path+"]")
	}
	return s.section(path, table)
}

// resolve makes a string of raw, which stands at the given place: it follows
// env: and file:. ok is false after a fault.
func (d *decoder) resolve(at place, raw any, write string) (value string, ok bool) {
	text, ok := raw.(string)
	if !ok {
		d.fault(at, "must be a string, not "+typeName(raw), write)
		return "", false
	}
	value, p := d.ref.resolve(text)
	if p != nil {
		d.report(at, p)
		d.faults[len(d.faults)-1].Unset = isReference(text)
		return "", false
	}
	if strings.ContainsFunc(value, unicode.IsControl) {
		d.fault(at, "contains a line break or another control character", "it on one line")
		return "", false
	}
	return value, true
}

// text returns the string at key, or def. The empty string is as good as none
// where there is no default, and else a fault.
func (s *section) text(key, def string, checks ...check) string {
	value := s.optional(key, def, checks)
	s.note(key, value)
	return value
}

// optional is text without a note.
func (s *section) optional(key, def string, checks []check) string {
	raw, found := s.get(key)
	if !found {
		return def
	}
	value, ok := s.resolve(s.at(key), raw, "a text in quotes")
	if ok && value == "" && def != "" {
		s.fault(s.at(key), "is empty", fmt.Sprintf("%q (the default), or leave the key out", def))
		return ""
	}
	if !ok || value == "" || !s.passes(s.at(key), value, checks) {
		return ""
	}
	return value
}

// required returns the string at key, which must be there. write is what to write.
func (s *section) required(key, write string, checks ...check) string {
	value := s.mandatory(key, write, checks)
	s.note(key, value)
	return value
}

// mandatory is required without a note.
func (s *section) mandatory(key, write string, checks []check) string {
	raw, found := s.get(key)
	if !found {
		s.fault(s.at(key), "is missing", write)
		return ""
	}
	value, ok := s.resolve(s.at(key), raw, write)
	if ok && value == "" {
		s.fault(s.at(key), "is empty", write)
		s.faults[len(s.faults)-1].Unset = isReference(raw)
	}
	if !ok || value == "" || !s.passes(s.at(key), value, checks) {
		return ""
	}
	return value
}

// passes reports what the checks say, up to the first fault; it is false on a fault.
func (d *decoder) passes(at place, value string, checks []check) bool {
	for _, c := range checks {
		if p := c(value); p != nil {
			d.report(at, p)
			if !p.warning {
				return false
			}
		}
	}
	return true
}

// duration returns the duration at key, or def; both bounds are allowed values.
func (s *section) duration(key string, def, least, most time.Duration) (set time.Duration) {
	defer func() { s.note(key, shortDuration(set)) }()
	const write = `a number with a unit in quotes, such as "30m", "90s" or "720h"`
	raw, found := s.get(key)
	if !found {
		return def
	}
	value, ok := s.resolve(s.at(key), raw, write)
	if !ok {
		return 0
	}
	d, err := time.ParseDuration(value)
	switch {
	case err != nil:
		s.fault(s.at(key), "is not a duration", write)
	case d < least, d > most:
		s.fault(s.at(key), "is out of range", fmt.Sprintf("a duration from %q to %q", least, most))
	default:
		return d
	}
	return 0
}

// number returns the integer at key, or def; it must be from 1 to most.
func (s *section) number(key string, def, most int) (set int) {
	defer func() { s.note(key, strconv.Itoa(set)) }()
	raw, found := s.get(key)
	if !found {
		return def
	}
	write := fmt.Sprintf("a whole number from 1 to %d, without quotes", most)
	n, ok := raw.(int64)
	switch {
	case !ok:
		s.fault(s.at(key), "must be an integer, not "+typeName(raw), write)
	case n < 1, n > int64(most):
		s.fault(s.at(key), "is out of range", write)
	default:
		return int(n)
	}
	return 0
}

// flag returns the boolean at key, or false.
func (s *section) flag(key string) bool {
	raw, found := s.get(key)
	yes, ok := raw.(bool)
	s.note(key, strconv.FormatBool(yes))
	if found && !ok {
		s.fault(s.at(key), "must be a boolean, not "+typeName(raw), "true or false, without quotes")
	}
	return yes
}

// item is one string of an array.
type item struct {
	place
	value string
}

// list returns the strings of the array at key that pass the check; each stands once.
func (s *section) list(key, write string, valid check) (items []item) {
	defer func() { s.note(key, strings.Join(values(items), ", ")) }()
	raw, found := s.get(key)
	if !found {
		return nil
	}
	array, ok := raw.([]any)
	if !ok {
		s.fault(s.at(key), "must be an array of strings, not "+typeName(raw), write)
		return nil
	}
	for i, raw := range array {
		at := s.atItem(key, i)
		value, ok := s.resolve(at, raw, "a text in quotes")
		if !ok || !s.passes(at, value, []check{valid}) {
			continue
		}
		if slices.ContainsFunc(items, func(it item) bool { return it.value == value }) {
			s.warn(at, "stands twice in this list", "it once")
			continue
		}
		items = append(items, item{at, value})
	}
	return items
}

func values(items []item) []string {
	var texts []string
	for _, it := range items {
		texts = append(texts, it.value)
	}
	return texts
}

func sortedKeys(table map[string]any) []string { return slices.Sorted(maps.Keys(table)) }

// typeName names the TOML type of a decoded value, with its article.
func typeName(v any) string {
	switch v.(type) {
	case string:
		return "a string"
	case int64:
		return "an integer"
	case float64:
		return "a float"
	case bool:
		return "a boolean"
	case time.Time:
		return "a date or time"
	case map[string]any:
		return "a table"
	default:
		return "an array"
	}
}
