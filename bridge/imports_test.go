package bridge_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "ccbridge"

// layers says which packages of ours a package may import: imports go one way only. Folders and imports are patterns
// of path.Match; the first entry that names a folder counts.
var layers = []struct {
	folders []string
	may     []string
	reason  string
}{
	{[]string{"ccm"}, nil, "it is a client of the centre that anybody can use without the bridge"},
	{[]string{"*/*sim", "*/*/*sim"}, nil, "a simulator that shares code with the bridge shares its mistakes"},
	{[]string{"bridge/mask"}, nil, "it knows texts and nothing else"},
	{[]string{"bridge"}, []string{"bridge/mask", "ccm"}, "the core knows no platform, no store and no program"},
	{[]string{"bridge/*"}, []string{"bridge", "ccm"}, "what is beside the core knows the core only"},
	{[]string{"adapters"}, nil, "it is a page for whoever adds an adapter"},
	{[]string{"adapters/reach"}, []string{"bridge"}, "it knows no adapter, so that all can use it"},
	{[]string{"adapters/*"}, []string{"bridge", "adapters/reach"}, "an adapter knows the core, but no other adapter, no store and no program"},
	{[]string{"cmd/ccbridge/page/browsertest"}, nil, "it opens any page"},
	{[]string{"cmd/ccbridge/config"}, []string{"bridge/mask"}, "the file is read without what it configures, but for patterns, which are compiled"},
	{[]string{"cmd/*", "cmd/*/*"}, []string{"bridge", "bridge/store", "ccm", "ccm/ccmsim", "adapters/*", "adapters/*/*sim", "cmd/*/*"}, "test code does not belong in a program"},
}

// onlyIn says where an import, or anything below it, may stand. Tests are free.
var onlyIn = []struct {
	imports []string
	folders []string
	reason  string
}{
	{[]string{"github.com/slack-go/slack"}, []string{"adapters/slack"}, "Slack's library is one adapter's own affair"},
	{[]string{"github.com/bwmarrin/discordgo"}, []string{"adapters/discord"}, "Discord's library is one adapter's own affair"},
	{[]string{"database/sql", "modernc.org/sqlite"}, []string{"bridge/store"}, "all SQL is in the store"},
	{[]string{"github.com/BurntSushi/toml", "flag", "os/signal"}, []string{"cmd/*", "cmd/*/*"}, "only the program knows files, flags and signals"},
	{[]string{"github.com/prometheus"}, []string{"cmd/*/*"}, "the core counts through bridge.Meter"},
	{[]string{"net", "github.com/gorilla/websocket"}, []string{"ccm", "ccm/*", "adapters/*", "adapters/*/*", "cmd/*", "cmd/*/*"}, "the core speaks to the outside through interfaces"},
	{[]string{"testing", "github.com/chromedp"}, []string{"bridge/bridgetest", "cmd/ccbridge/page/browsertest"}, "only what is made for tests may know of them"},
}

// exempt are the imports to which onlyIn does not apply although they stand below one of its entries.
var exempt = []string{"net/url", "net/netip", "net/mail"} // they parse, and connect to nothing

func TestImports(t *testing.T) {
	t.Parallel()
	checked := 0
	for _, file := range goFiles(t) {
		checked++
		folder := path.Dir(file)
		for _, imported := range imports(t, file) {
			own, isOwn := strings.CutPrefix(imported, module+"/")
			switch {
			case strings.HasSuffix(file, "_test.go"):
				if isOwn && otherAdapter(folder, own) {
					t.Errorf("%s imports %s: an adapter's tests must not need another adapter", file, imported)
				}
			case isOwn:
				checkLayer(t, file, folder, own)
			default:
				checkPlace(t, file, folder, imported)
			}
		}
	}
	if checked < 100 {
		t.Errorf("only %d files were found", checked)
	}
}

func checkLayer(t *testing.T, file, folder, own string) {
	t.Helper()
	for _, l := range layers {
		if !match(l.folders, folder) {
			continue
		}
		if !match(l.may, own) {
			t.Errorf("%s imports %s: %s", file, own, l.reason)
		}
		return
	}
	t.Errorf("%s: folder %s has no place among the layers of this test", file, folder)
}

func checkPlace(t *testing.T, file, folder, imported string) {
	t.Helper()
	for _, rule := range onlyIn {
		if slices.ContainsFunc(rule.imports, func(of string) bool { return within(imported, of) }) &&
			!slices.Contains(exempt, imported) && !match(rule.folders, folder) {
			t.Errorf("%s imports %s: %s", file, imported, rule.reason)
		}
	}
}

// otherAdapter reports whether folder and imported belong to two different adapters.
func otherAdapter(folder, imported string) bool {
	from, to := strings.Split(folder, "/"), strings.Split(imported, "/")
	return len(from) > 1 && len(to) > 1 && from[0] == "adapters" && to[0] == "adapters" && from[1] != to[1] && to[1] != "reach"
}

// TestBinary looks at all that is linked into the shipped program.
func TestBinary(t *testing.T) {
	t.Parallel()
	testOnly := []string{
		"testing", "net/http/httptest", module + "/bridge/bridgetest", module + "/cmd/ccbridge/page/browsertest",
		"github.com/chromedp", "go.uber.org/goleak", "pgregory.net/rapid", "github.com/rogpeppe/go-internal",
	}
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{.ImportPath}} {{.Standard}} {{len .CgoFiles}}", "./cmd/ccbridge")
	cmd.Dir = ".."
	cmd.Env = append(os.Environ(), "CGO_ENABLED=1") // without, cgo files are not even listed
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) < 100 {
		t.Fatalf("only %d packages are listed", len(lines))
	}
	for _, line := range lines {
		f := strings.Fields(line)
		if len(f) != 3 {
			t.Fatalf("unexpected line of go list: %q", line)
		}
		if slices.ContainsFunc(testOnly, func(of string) bool { return within(f[0], of) }) {
			t.Errorf("the program contains %s, which is for tests", f[0])
		}
		if f[1] == "false" && f[2] != "0" {
			t.Errorf("the program contains %s, which needs cgo: it could not be built with CGO_ENABLED=0", f[0])
		}
	}
}

// goFiles lists the module's Go files, relative to its root.
func goFiles(t *testing.T) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir("..", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || len(d.Name()) > 2 && d.Name()[0] == '.') {
			return filepath.SkipDir
		}
		if strings.HasSuffix(p, ".go") {
			files = append(files, strings.TrimPrefix(filepath.ToSlash(p), "../"))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// imports lists what a file imports.
func imports(t *testing.T, file string) []string {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join("..", filepath.FromSlash(file)), nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, spec := range parsed.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		list = append(list, imported)
	}
	return list
}

// match reports whether one of the patterns matches the whole of name.
func match(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		ok, err := path.Match(pattern, name)
		return ok && err == nil
	})
}

// within reports whether p is the package of, or stands below it.
func within(p, of string) bool { return p == of || strings.HasPrefix(p, of+"/") }
