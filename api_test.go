package neco_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestTheExportedAPIIsThePublishedOne compares the public API with two files, which
// have one declaration a line: testdata/api.txt, the API that other programs use, and
// testdata/api_additions.txt, the later additions.
func TestTheExportedAPIIsThePublishedOne(t *testing.T) {
	want := append(readLines(t, "testdata/api.txt"), readLines(t, "testdata/api_additions.txt")...)
	slices.Sort(want)
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	files = slices.DeleteFunc(files, func(name string) bool { return strings.HasSuffix(name, "_test.go") })
	if diff := cmp.Diff(want, describeAPI(t, files)); diff != "" {
		t.Errorf("exported API (-published +code):\n%s", diff)
	}
}

func readLines(t *testing.T, filename string) []string {
	t.Helper()
	data, err := os.ReadFile(filename)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(data)), "\n")
}

// describeAPI returns one sorted line for each exported declaration.
func describeAPI(t *testing.T, filenames []string) []string {
	t.Helper()
	fset := token.NewFileSet()
	var files []*ast.File
	for _, name := range filenames {
		f, err := parser.ParseFile(fset, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.FileExports(f)
		files = append(files, f)
	}
	// Imports are not resolved: only constants need types, and those of the constants
	// are declared in this package.
	conf := types.Config{Error: func(error) {}}
	pkg, _ := conf.Check("neco", fset, files, nil)
	d := describer{fset: fset, scope: pkg.Scope()}
	for _, f := range files {
		for _, decl := range f.Decls {
			d.decl(decl)
		}
	}
	slices.Sort(d.lines)
	return d.lines
}

type describer struct {
	fset  *token.FileSet
	scope *types.Scope
	lines []string
}

func (d *describer) decl(decl ast.Decl) {
	switch decl := decl.(type) {
	case *ast.FuncDecl:
		if decl.Recv != nil && !ast.IsExported(receiver(decl.Recv.List[0].Type)) {
			return
		}
		decl.Body, decl.Doc = nil, nil
		d.add("%s", d.source(decl))
	case *ast.GenDecl:
		for _, spec := range decl.Specs {
			d.spec(spec)
		}
	}
}

func (d *describer) spec(spec ast.Spec) {
	switch spec := spec.(type) {
	case *ast.TypeSpec:
		d.add("type %s", d.source(spec))
	case *ast.ValueSpec:
		for i, name := range spec.Names {
			if c, ok := d.scope.Lookup(name.Name).(*types.Const); ok {
				d.add("const %s %s = %s", name, types.TypeString(c.Type(), types.RelativeTo(c.Pkg())), c.Val().ExactString())
				continue
			}
			d.variable(name.Name, spec.Values[i])
		}
	}
}

func receiver(t ast.Expr) string {
	if star, ok := t.(*ast.StarExpr); ok {
		t = star.X
	}
	return t.(*ast.Ident).Name
}

// variable returns the description of a variable. It includes the value, because paths
// and names are part of the API, except for the versions of artifacts, which change
// with every release.
func (d *describer) variable(name string, v ast.Expr) {
	if lit, ok := v.(*ast.CompositeLit); ok && d.source(lit.Type) == "ArtifactSet" {
		d.add("var %s ArtifactSet", name)
		return
	}
	d.add("var %s = %s", name, d.source(v))
}

// source returns the source of node on one line with single spaces.
func (d *describer) source(node ast.Node) string {
	var buf bytes.Buffer
	if err := format.Node(&buf, d.fset, node); err != nil {
		return err.Error()
	}
	text := strings.ReplaceAll(buf.String(), "// contains filtered or unexported fields", "")
	return strings.Join(strings.Fields(text), " ")
}

func (d *describer) add(format string, args ...any) {
	d.lines = append(d.lines, fmt.Sprintf(format, args...))
}
