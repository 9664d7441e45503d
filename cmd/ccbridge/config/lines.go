package config

import (
	"regexp"
	"strconv"
	"strings"
)

// lineIndex tells on which line each key and each array item of a TOML document
// stands. Its keys are paths such as "server.listen", "adapters.acme-slack",
// `adapters."odd name"`, "routes[0].channels[2]". A table that is opened several
// times ("[a.b]", then "[a]") counts where it first appears.
type lineIndex map[string]int

// longestAt is the longest path that begins on line, or "".
func (l lineIndex) longestAt(line int) string {
	longest := ""
	for path, n := range l {
		if n == line && len(path) > len(longest) {
			longest = path
		}
	}
	return longest
}

// maxPath bounds the paths in the index, in bytes.
const maxPath = 512

var bareKey = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// keyPath is the path of key in the table at parent ("" is the document).
func keyPath(parent, key string) string {
	if !bareKey.MatchString(key) {
		key = strconv.Quote(key)
	}
	if parent == "" {
		return key
	}
	return parent + "." + key
}

// itemPath is the path of item i of the array at parent.
func itemPath(parent string, i int) string {
	return parent + "[" + strconv.Itoa(i) + "]"
}

// indexLines scans text, which the TOML parser accepts. The scanner therefore
// checks nothing; on other text it ends too, with an index of little worth. depth
// is how deep tables, arrays and dotted keys nest.
func indexLines(text string) (lines lineIndex, depth int) {
	s := &lineScanner{
		rest:  strings.TrimPrefix(text, "\ufeff"),
		line:  1,
		lines: lineIndex{},
		count: map[string]int{},
	}
	table := ""
	for s.skipBlank(); s.rest != ""; s.skipBlank() {
		if s.accept("[") {
			table = s.header()
		} else {
			s.keyValue(table)
		}
	}
	return s.lines, s.deepest
}

type lineScanner struct {
	rest  string // the text not yet read
	line  int    // of its first character
	lines lineIndex
	count map[string]int // items so far of each array of tables

	depth, deepest int // of the present place, and of any
}

// header reads the rest of "[a.b]" or "[[a.b]]" and returns the table's path.
func (s *lineScanner) header() string {
	array := s.accept("[")
	path, line := "", s.line
	keys := s.keys()
	for i, key := range keys {
		path = s.note(path, keyPath(path, key), line)
		last := i == len(keys)-1
		if last && array {
			s.count[path]++
		}
		if n := s.count[path]; n > 0 {
			path = s.note(path, itemPath(path, n-1), line)
		}
	}
	s.accept("]")
	s.accept("]")
	return path
}

// keyValue reads "a.b = value" of the table at path.
func (s *lineScanner) keyValue(path string) {
	line := s.line
	for _, key := range s.keys() {
		path = s.note(path, keyPath(path, key), line)
	}
	if !s.accept("=") {
		s.skip(1)
		return
	}
	s.skipBlank()
	s.value(path)
}

// value reads one value, and notes the items and keys within it.
func (s *lineScanner) value(path string) {
	s.depth++
	defer func() { s.depth-- }()
	s.deepest = max(s.deepest, s.depth)
	if s.depth > 2*maxNesting { // too deep in any case
		s.rest = ""
	}
	switch {
	case s.accept("["):
		for i := 0; s.inside("]"); i++ {
			s.value(s.note(path, itemPath(path, i), s.line))
		}
	case s.accept("{"):
		for s.inside("}") {
			s.keyValue(path)
		}
	case strings.HasPrefix(s.rest, `"`), strings.HasPrefix(s.rest, `'`):
		s.quoted()
	default:
		n := strings.IndexAny(s.rest, ",]}#\n")
		if n < 0 {
			n = len(s.rest)
		}
		s.skip(max(n, 1))
	}
}

// inside skips blanks, comments and commas; it is false after the closing mark
// and at the end of the text.
func (s *lineScanner) inside(closing string) bool {
	s.skipBlank()
	for s.accept(",") {
		s.skipBlank()
	}
	return !s.accept(closing) && s.rest != ""
}

// keys reads a dotted key and the spaces around it.
func (s *lineScanner) keys() []string {
	var keys []string
	for {
		s.skipSpace()
		keys = append(keys, s.key())
		s.skipSpace()
		if !s.accept(".") {
			s.deepest = max(s.deepest, s.depth+len(keys))
			return keys
		}
	}
}

func (s *lineScanner) key() string {
	if strings.HasPrefix(s.rest, `"`) || strings.HasPrefix(s.rest, `'`) {
		raw := s.quoted()
		if raw[0] == '"' {
			// TOML's few other escapes only make the line of such a key less exact.
			if key, err := strconv.Unquote(raw); err == nil {
				return key
			}
		}
		return strings.Trim(raw, raw[:1])
	}
	n := strings.IndexAny(s.rest, " \t\r\n.=]#,{}[\"'")
	if n < 0 {
		n = len(s.rest)
	}
	return s.skip(n)
}

// quoted reads a string in any of TOML's four forms and returns it with its quotes.
func (s *lineScanner) quoted() string {
	mark := s.rest[:1]
	if long := strings.Repeat(mark, 3); strings.HasPrefix(s.rest, long) {
		mark = long
	}
	n := len(mark)
	for n < len(s.rest) && !strings.HasPrefix(s.rest[n:], mark) {
		if s.rest[n] == '\\' && mark[0] == '"' {
			n++
		}
		n++
	}
	n += len(mark)
	// Up to two quotes may stand right before the closing three.
	for len(mark) == 3 && n < len(s.rest) && s.rest[n] == mark[0] {
		n++
	}
	return s.skip(n)
}

// note puts path into the index, if it is not there, and returns it. A path too
// long to be one of ours is replaced by its parent: deep nesting must not fill
// the memory.
func (s *lineScanner) note(parent, path string, line int) string {
	if len(path) > maxPath {
		return parent
	}
	if _, ok := s.lines[path]; !ok {
		s.lines[path] = line
	}
	return path
}

func (s *lineScanner) accept(mark string) bool {
	if !strings.HasPrefix(s.rest, mark) {
		return false
	}
	s.skip(len(mark))
	return true
}

// skip passes over the next n bytes (or what is left), counting lines, and returns them.
func (s *lineScanner) skip(n int) string {
	n = min(n, len(s.rest))
	done := s.rest[:n]
	s.rest = s.rest[n:]
	s.line += strings.Count(done, "\n")
	return done
}

func (s *lineScanner) skipSpace() {
	s.skip(len(s.rest) - len(strings.TrimLeft(s.rest, " \t")))
}

// skipBlank passes over white space, line ends and comments.
func (s *lineScanner) skipBlank() {
	for {
		s.skip(len(s.rest) - len(strings.TrimLeft(s.rest, " \t\r\n")))
		if !strings.HasPrefix(s.rest, "#") {
			return
		}
		n := strings.IndexByte(s.rest, '\n')
		if n < 0 {
			n = len(s.rest)
		}
		s.skip(n)
	}
}
