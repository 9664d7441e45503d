package config

import (
	"fmt"
	"slices"
	"strings"
)

// Fault is one thing wrong with a configuration file. It never contains a value
// from the file: a token that stands in the wrong place must not be printed.
type Fault struct {
	File    string
	Line    int
	Key     string // path, such as "routes[0].channels"; "(file)" or "(syntax)" if no key is meant
	Text    string
	Write   string // what to write instead
	Warning bool   // ccbridge runs all the same
	Unset   bool   // the key is right, but its env: or file: gives no text yet
}

// String is the line that `ccbridge check` prints.
func (f Fault) String() string {
	mark := ""
	if f.Warning {
		mark = "warning: "
	}
	return fmt.Sprintf("%s:%d: %s: %s%s; write %s", f.File, f.Line, f.Key, mark, f.Text, f.Write)
}

// Broken tells whether there is a fault that is more than a warning.
func Broken(faults []Fault) bool {
	return slices.ContainsFunc(faults, func(f Fault) bool { return !f.Warning })
}

// Pending splits off the faults that only say that an env: or file: gives no text yet: before the tokens are there, a
// configuration without others is as it should be.
func Pending(faults []Fault) (unset, rest []Fault) {
	for _, f := range faults {
		if f.Unset {
			unset = append(unset, f)
		} else {
			rest = append(rest, f)
		}
	}
	return unset, rest
}

// reportUnknownKeys reports every key that no section asked for. It comes last:
// only then is it known where else a key would belong.
func (d *decoder) reportUnknownKeys() {
	for _, s := range d.sections {
		for _, key := range sortedKeys(s.table) {
			if !slices.Contains(s.known, key) {
				d.fault(s.at(key), "is no known key", s.suggest(key))
			}
		}
	}
}

// suggest says what to write instead of an unknown key: one spelt alike, the
// section it belongs to, or all there are.
func (s *section) suggest(key string) string {
	if like := closest(key, s.known); like != "" {
		return like + " (did you mean that?)"
	}
	for _, other := range s.sections {
		if slices.Contains(other.known, key) && other.path != "" {
			return "it under [" + other.path + "], where it belongs"
		}
	}
	known := slices.Clone(s.known)
	slices.Sort(known)
	return "one of " + strings.Join(known, ", ") + ", or nothing"
}

// closest returns the candidate that differs from word in case only or in at
// most two letters (one or none, in short words), or "".
func closest(word string, candidates []string) string {
	best, least := "", min(3, 1+len(word)/2)
	for _, c := range candidates {
		if d := editDistance(strings.ToLower(word), strings.ToLower(c)); d < least {
			best, least = c, d
		}
	}
	return best
}

// editDistance is the least number of letters to insert, delete or replace to
// make b from a.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(diagonal+cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
