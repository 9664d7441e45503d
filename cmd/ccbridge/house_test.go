package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// The rules of the house that a machine can check. Import directions: bridge/imports_test.go.

const moduleRoot = "../.."

// source is one Go file of the module.
type source struct {
	name   string // relative to the module's root
	folder string
	test   bool
	syntax *ast.File
}

// sources reads all Go files of the module.
func sources(t *testing.T) (*token.FileSet, []source) {
	t.Helper()
	var list []source
	set := token.NewFileSet()
	err := filepath.WalkDir(moduleRoot, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && p != moduleRoot) {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(p, ".go") {
			return nil
		}
		syntax, err := parser.ParseFile(set, p, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(filepath.ToSlash(p), moduleRoot+"/")
		list = append(list, source{name: name, folder: path.Dir(name), test: strings.HasSuffix(name, "_test.go"), syntax: syntax})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(list) < 100 {
		t.Fatalf("only %d Go files were found", len(list))
	}
	return set, list
}

func TestPackageComments(t *testing.T) {
	t.Parallel()
	_, files := sources(t)
	comments := map[string][]string{}
	for _, f := range files {
		if f.test {
			continue
		}
		comments[f.folder] = append(comments[f.folder], nil...)
		if f.syntax.Doc != nil {
			comments[f.folder] = append(comments[f.folder], f.name)
			want := "Package " + f.syntax.Name.Name + " "
			if f.syntax.Name.Name == "main" {
				want = "Command " + path.Base(f.folder) + " "
			}
			if !strings.HasPrefix(f.syntax.Doc.Text(), want) {
				t.Errorf("%s: the package comment does not begin with %q", f.name, want)
			}
		}
	}
	for folder, in := range comments {
		if len(in) != 1 {
			t.Errorf("%s: %d package comments %v, want one", folder, len(in), in)
		}
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	vague := regexp.MustCompile(`^(utils?|common|helpers?|managers?)$`)
	_, files := sources(t)
	for _, f := range files {
		for _, part := range strings.FieldsFunc(strings.TrimSuffix(f.name, ".go"), func(r rune) bool { return r == '/' || r == '_' }) {
			if vague.MatchString(part) {
				t.Errorf("%s: %q says nothing about what is in there", f.name, part)
			}
		}
	}
}

// wellKnown are methods whose meaning a standard interface fixes.
var wellKnown = []string{"String", "GoString", "Format", "Error", "Unwrap", "Is", "As", "LogValue", "MarshalJSON", "UnmarshalJSON", "MarshalText", "UnmarshalText"}

func TestDocComments(t *testing.T) {
	t.Parallel()
	set, files := sources(t)
	for _, f := range files {
		if f.test {
			continue
		}
		above := "" // the last comment: "A, B and C are …" may stand for all of them
		for _, decl := range f.syntax.Decls {
			if d, ok := decl.(*ast.FuncDecl); ok && d.Doc != nil {
				above = d.Doc.Text()
			}
			for _, name := range undocumented(decl) {
				if _, isFunc := decl.(*ast.FuncDecl); !isFunc || !slices.Contains(wordsOf(above), name.Name) {
					t.Errorf("%s: %s has no doc comment", set.Position(name.Pos()), name.Name)
				}
			}
		}
	}
}

func wordsOf(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}

// undocumented lists the exported names that decl declares without a comment.
func undocumented(decl ast.Decl) []*ast.Ident {
	var names []*ast.Ident
	switch d := decl.(type) {
	case *ast.FuncDecl:
		method := d.Recv != nil
		if d.Doc == nil && d.Name.IsExported() && !(method && (!exportedReceiver(d) || slices.Contains(wellKnown, d.Name.Name))) {
			names = append(names, d.Name)
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch s := spec.(type) {
			case *ast.TypeSpec:
				if s.Doc == nil && s.Comment == nil && (d.Doc == nil || d.Lparen.IsValid()) {
					names = append(names, s.Name)
				}
			case *ast.ValueSpec:
				if s.Doc == nil && s.Comment == nil && d.Doc == nil {
					names = append(names, s.Names...)
				}
			}
		}
	}
	return slices.DeleteFunc(names, func(name *ast.Ident) bool { return !name.IsExported() })
}

// exportedReceiver reports whether a method belongs to an exported type.
func exportedReceiver(d *ast.FuncDecl) bool {
	exported := false
	ast.Inspect(d.Recv.List[0].Type, func(n ast.Node) bool {
		if name, ok := n.(*ast.Ident); ok {
			exported = name.IsExported()
			return false
		}
		_, generic := n.(*ast.IndexExpr)
		_, pointer := n.(*ast.StarExpr)
		return generic || pointer
	})
	return exported
}

// TestContexts: below cmd a context comes from the caller, or nobody can end what it is for.
func TestContexts(t *testing.T) {
	t.Parallel()
	set, files := sources(t)
	for _, f := range files {
		if f.test || strings.HasPrefix(f.folder, "cmd/") {
			continue
		}
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok && (calls(call, "context", "Background") || calls(call, "context", "TODO")) {
				t.Errorf("%s: a context of its own", set.Position(n.Pos()))
			}
			return true
		})
	}
}

// TestNoSleep: a test that sleeps is slow or fails on a slow machine. Inside synctest.Test a sleep takes no time.
func TestNoSleep(t *testing.T) {
	t.Parallel()
	set, files := sources(t)
	for _, f := range files {
		if !f.test {
			continue
		}
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if ok && calls(call, "time", "Sleep") {
				t.Errorf("%s: a test that sleeps", set.Position(n.Pos()))
			}
			return !ok || !calls(call, "synctest", "Test")
		})
	}
}

// calls reports whether call is pkg.name(…).
func calls(call *ast.CallExpr, pkg, name string) bool {
	f, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || f.Sel.Name != name {
		return false
	}
	of, ok := f.X.(*ast.Ident)
	return ok && of.Name == pkg
}

func TestReadme(t *testing.T) {
	t.Parallel()
	text := readDocument(t, "README.md")
	for _, command := range []string{
		"go run ./cmd/ccbridge demo", "go test ./...", "ccbridge check", "config.toml.example",
		"go vet ./...", "go tool staticcheck ./...", "go test -race ./...",
	} {
		if !strings.Contains(text, command) {
			t.Errorf("README.md does not name %q", command)
		}
	}
	if lines := strings.Count(text, "\n"); lines >= 150 {
		t.Errorf("README.md has %d lines, want fewer than 150", lines)
	}
}

// TestDocumentsNameWhatExists: every file and folder that a document names is there.
func TestDocumentsNameWhatExists(t *testing.T) {
	t.Parallel()
	named := regexp.MustCompile("`([\\w.*/-]+(?:\\.(?:go|md|example|yml|txtar|mod|sum)|/))`|\\]\\(([^):#]+)\\)")
	for _, document := range []string{"README.md", "bridge/DESIGN.md"} {
		count := 0
		for _, found := range named.FindAllStringSubmatch(readDocument(t, document), -1) {
			count++
			name := found[1] + found[2]
			if !strings.HasPrefix(name, "/") && !exists(name) && !exists(path.Join(path.Dir(document), name)) {
				t.Errorf("%s names %s, which does not exist", document, name)
			}
		}
		if count == 0 {
			t.Errorf("%s names no file at all", document)
		}
	}
}

// exists reports whether name, which may be a pattern, is in the module.
func exists(name string) bool {
	found, err := filepath.Glob(filepath.Join(moduleRoot, filepath.FromSlash(name)))
	return err == nil && len(found) > 0
}

func readDocument(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(moduleRoot, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestChecksAreDocumented: who reads `doctor -json` finds each check of the adapters in OPERATING.md.
func TestChecksAreDocumented(t *testing.T) {
	t.Parallel()
	document := readDocument(t, "cmd/ccbridge/OPERATING.md")
	check := regexp.MustCompile(`check\w+\s*= "((?:slack|discord)\.[a-z.]+?)\.?"`)
	for _, file := range []string{"adapters/slack/examine.go", "adapters/discord/examine.go"} {
		found := check.FindAllStringSubmatch(readDocument(t, file), -1)
		if len(found) < 10 {
			t.Errorf("%s: only %d checks were found", file, len(found))
		}
		for _, f := range found {
			if !strings.Contains(document, "`"+f[1]) {
				t.Errorf("OPERATING.md does not name the check %s", f[1])
			}
		}
	}
}
