package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
)

const module = "github.com/cybozu-go/neco"

// source is a Go file of this repository.
type source struct {
	// Name is the path of the file, relative to the root of the repository.
	Name string
	Data []byte
	AST  *ast.File
	Fset *token.FileSet
}

func (s source) Dir() string  { return path.Dir(s.Name) }
func (s source) IsTest() bool { return strings.HasSuffix(s.Name, "_test.go") }

// Below reports whether the file is in one of the directories.
func (s source) Below(dirs ...string) bool {
	for _, d := range dirs {
		if strings.HasPrefix(s.Name, d+"/") {
			return true
		}
	}
	return false
}

// Pos returns the position of n as FILE:LINE.
func (s source) Pos(n ast.Node) string {
	return s.Name + ":" + strconv.Itoa(s.Fset.Position(n.Pos()).Line)
}

// Imports returns the imported paths.
func (s source) Imports() []string {
	var paths []string
	for _, i := range s.AST.Imports {
		p, _ := strconv.Unquote(i.Path.Value) // the parser has accepted it
		paths = append(paths, p)
	}
	return paths
}

// local returns the name under which the file imports the package p, or "" if it does
// not import p.
func (s source) local(p string) string {
	for _, i := range s.AST.Imports {
		if i.Path.Value != strconv.Quote(p) {
			continue
		}
		if i.Name != nil {
			return i.Name.Name
		}
		return path.Base(p)
	}
	return ""
}

// Uses calls f for each use of an exported name of the package p.
func (s source) Uses(p string, f func(name string, n ast.Node)) {
	local := s.local(p)
	if local == "" {
		return
	}
	ast.Inspect(s.AST, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if x, ok := sel.X.(*ast.Ident); ok && x.Name == local {
			f(sel.Sel.Name, sel)
		}
		return true
	})
}

// rootDir is the path from this package to the root of the repository.
const rootDir = "../.."

// load parses every Go file of the repository. It does so only on the first call.
var load = sync.OnceValues(func() ([]source, error) {
	var all []source
	err := filepath.WalkDir(rootDir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && skipped(name, d.Name()) {
			return filepath.SkipDir
		}
		if d.IsDir() || filepath.Ext(name) != ".go" {
			return nil
		}
		s, err := parse(name)
		all = append(all, s)
		return err
	})
	return all, err
})

// skipped reports whether the rules do not apply to the files of a directory.
func skipped(name, base string) bool {
	switch base {
	case "build", "testdata", "tools":
		return true
	}
	return name != rootDir && strings.HasPrefix(base, ".")
}

func parse(name string) (source, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return source{}, err
	}
	rel, err := filepath.Rel(rootDir, name)
	if err != nil {
		return source{}, err
	}
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, rel, data, parser.ParseComments|parser.SkipObjectResolution)
	return source{filepath.ToSlash(rel), data, file, fset}, err
}

// sources returns every Go file of this repository.
func sources(t *testing.T) []source {
	t.Helper()
	all, err := load()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 10 {
		t.Fatalf("only %d Go files below %s", len(all), rootDir)
	}
	return all
}
