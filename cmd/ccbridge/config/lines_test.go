package config

import (
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
)

const oddDocument = `# [comment]
top = 1 # [not.a.table]
dotted.a . "b c" = 2
[server] # x
text = "a # [no] \" = \\" # c
other = 'c:\'
multi = """
[fake]
x = 1 \"""
""""" # two quotes before the end
raw = '''
[fake2]
'''
list = [ # comment ]
  "one", 'two]',

  [3, 4], # nested
  { in = 5, deep.er = 6 },
]
after = 1979-05-27 07:32:00
[adapters.acme-slack]
commands = { agent = "/agent", "end" = '/end' }
[adapters."odd \"name"]
k = 1
[[routes]]
a = 1
[routes.sub]
b = 2
[[routes]]
a = 3
[[routes.inner]]
c = 4
last = true`

func TestIndexLines(t *testing.T) {
	t.Parallel()
	want := map[string]int{
		"top":                              2,
		"dotted":                           3,
		`dotted.a."b c"`:                   3,
		"server":                           4,
		"server.text":                      5,
		"server.other":                     6,
		"server.multi":                     7,
		"server.raw":                       11,
		"server.list":                      14,
		"server.list[0]":                   15,
		"server.list[1]":                   15,
		"server.list[2]":                   17,
		"server.list[2][1]":                17,
		"server.list[3].in":                18,
		"server.list[3].deep.er":           18,
		"server.after":                     20,
		"adapters":                         21,
		"adapters.acme-slack":              21,
		"adapters.acme-slack.commands":     22,
		"adapters.acme-slack.commands.end": 22,
		`adapters."odd \"name"`:            23,
		`adapters."odd \"name".k`:          24,
		"routes":                           25,
		"routes[0]":                        25,
		"routes[0].a":                      26,
		"routes[0].sub":                    27,
		"routes[0].sub.b":                  28,
		"routes[1]":                        29,
		"routes[1].a":                      30,
		"routes[1].inner[0].c":             32,
		"routes[1].inner[0].last":          33,
	}
	for name, text := range map[string]string{
		"unix":    oddDocument,
		"windows": strings.ReplaceAll(oddDocument, "\n", "\r\n"),
		"bom":     "\ufeff" + oddDocument,
	} {
		lines, _ := indexLines(text)
		for path, line := range want {
			if lines[path] != line {
				t.Errorf("%s: %s is in line %d, want %d", name, path, lines[path], line)
			}
		}
		for _, wrong := range []string{"fake", "fake2", "not", "comment", "x"} {
			if line, ok := lines[wrong]; ok {
				t.Errorf("%s: %s should not be there, but is in line %d", name, wrong, line)
			}
		}
	}
}

// FuzzIndexLines: the scanner ends on any text, and knows every key and item of
// what the TOML parser accepts.
func FuzzIndexLines(f *testing.F) {
	f.Add(oddDocument)
	for _, text := range []string{"", "a", "a=", "[", "[[", "a.", `"`, `'''`, "a=[", "a={", "a={b", "=", "]", "\ufeff", `a="""\`, "a = 1 # end", "a" + strings.Repeat(".a", 400) + " = 1"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1<<10 { // the parser takes long for deep nesting
			return
		}
		lines, _ := indexLines(text)
		var table map[string]any
		if _, err := toml.Decode(text, &table); err != nil {
			return
		}
		last := strings.Count(text, "\n") + 1
		requireIndexed(t, lines, "", table, last)
	})
}

func requireIndexed(t *testing.T, lines lineIndex, path string, v any, last int) {
	t.Helper()
	if line := lines[path]; path != "" && len(path) <= maxPath && (line < 1 || line > last) {
		t.Errorf("%s is in line %d of %d", path, line, last)
	}
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			if strings.ContainsFunc(key, func(r rune) bool { return r < ' ' || r > '~' }) {
				continue // written with escapes that the scanner may not know
			}
			requireIndexed(t, lines, keyPath(path, key), value, last)
		}
	case []map[string]any:
		for i, value := range v {
			requireIndexed(t, lines, itemPath(path, i), value, last)
		}
	case []any:
		for i, value := range v {
			requireIndexed(t, lines, itemPath(path, i), value, last)
		}
	}
}
