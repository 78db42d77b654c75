package house

import (
	"go/ast"
	"go/token"
	"path"
	"strings"
	"testing"
)

func TestProgramsEndInOnePlace(t *testing.T) {
	for _, s := range sources(t) {
		// The programs of dctest are main.go files below dctest, not in cmd.
		if s.IsTest() || s.Below("cmd", "pkg/daemon") || s.Below("dctest") && path.Base(s.Name) == "main.go" {
			continue
		}
		for _, p := range []string{"os", "log"} {
			s.Uses(p, func(name string, n ast.Node) {
				if p == "os" && name == "Exit" || p == "log" && (strings.HasPrefix(name, "Fatal") || strings.HasPrefix(name, "Panic")) {
					t.Errorf("%s: %s.%s; only cmd and pkg/daemon end a program", s.Pos(n), p, name)
				}
			})
		}
	}
}

// TestNobodySleeps checks that no wait has a fixed time: it must end when a condition
// holds. A test may poll in a loop, or sleep in a bubble of testing/synctest, where
// that takes no time.
func TestNobodySleeps(t *testing.T) {
	for _, s := range sources(t) {
		if s.local("testing/synctest") != "" {
			continue
		}
		polls := map[ast.Node]bool{}
		if s.IsTest() {
			polls = loops(s)
		}
		s.Uses("time", func(name string, n ast.Node) {
			if name == "Sleep" && !polls[n] {
				t.Errorf("%s: time.Sleep; wait for a fact, with a deadline", s.Pos(n))
			}
		})
	}
}

// loops returns the set of nodes that are inside a for statement of s.
func loops(s source) map[ast.Node]bool {
	within := map[ast.Node]bool{}
	ast.Inspect(s.AST, func(n ast.Node) bool {
		if loop, ok := n.(*ast.ForStmt); ok {
			ast.Inspect(loop.Body, func(n ast.Node) bool {
				if n != nil {
					within[n] = true
				}
				return true
			})
		}
		return true
	})
	return within
}

func TestNothingHappensOnImport(t *testing.T) {
	for _, s := range sources(t) {
		for _, d := range s.AST.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				t.Errorf("%s: func init", s.Pos(f))
			}
		}
	}
}

// TestPackagesKeepNoState checks that a package variable is a constant which the
// language cannot express as one, such as a slice. The variables of the root package
// are part of the public API and are allowed.
func TestPackagesKeepNoState(t *testing.T) {
	for _, s := range sources(t) {
		if s.IsTest() || !s.Below("cmd", "pkg", "internal", "installer") {
			continue
		}
		for _, d := range s.AST.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.VAR {
				continue
			}
			for _, spec := range g.Specs {
				if v := spec.(*ast.ValueSpec); mutable(v, g) {
					t.Errorf("%s: var %s can change", s.Pos(v), v.Names[0].Name)
				}
			}
		}
	}
}

func mutable(v *ast.ValueSpec, g *ast.GenDecl) bool {
	if v.Names[0].Name == "_" || embedded(v.Doc) || embedded(g.Doc) {
		return false
	}
	if typ, ok := v.Type.(*ast.SelectorExpr); ok && typ.Sel.Name == "Mutex" {
		return false // it guards state of the process, such as its environment
	}
	if len(v.Values) == 0 {
		return true
	}
	for _, value := range v.Values {
		switch e := value.(type) {
		case *ast.UnaryExpr:
			if e.Op == token.AND {
				return true
			}
		case *ast.CompositeLit:
			switch typ := e.Type.(type) {
			case *ast.MapType:
				return true
			case *ast.ArrayType:
				if typ.Len == nil {
					return true
				}
			}
		case *ast.CallExpr:
			if f, ok := e.Fun.(*ast.Ident); ok && (f.Name == "make" || f.Name == "new") {
				return true
			}
		}
	}
	return false
}

func embedded(doc *ast.CommentGroup) bool {
	if doc == nil {
		return false
	}
	for _, c := range doc.List {
		if strings.HasPrefix(c.Text, "//go:embed ") {
			return true
		}
	}
	return false
}

// TestOnePlaceMakesClientsOfVault checks that only internal/vaultclient calls the
// constructors of Vault's library, because they read the environment.
func TestOnePlaceMakesClientsOfVault(t *testing.T) {
	for _, s := range sources(t) {
		if s.IsTest() || s.Below("internal/vaultclient", "dctest/vaulttest") {
			continue
		}
		s.Uses("github.com/hashicorp/vault/api", func(name string, n ast.Node) {
			if name == "NewClient" || name == "DefaultConfig" {
				t.Errorf("%s: api.%s; use internal/vaultclient, which reads no environment", s.Pos(n), name)
			}
		})
	}
}

// TestArtifactsAreReadInOnePlace checks that only pkg/component reads the set of
// artifacts, and only pkg/release their digests.
func TestArtifactsAreReadInOnePlace(t *testing.T) {
	for _, s := range sources(t) {
		if s.IsTest() || s.Below("dctest") || s.Name == "pkg/component/component.go" {
			continue
		}
		s.Uses(module, func(name string, n ast.Node) {
			if name == "CurrentArtifacts" {
				t.Errorf("%s: neco.CurrentArtifacts; use component.Artifacts", s.Pos(n))
			}
			if name == "CurrentDigests" && s.Name != "pkg/release/digests.go" {
				t.Errorf("%s: neco.CurrentDigests; use release.ArtifactDigests", s.Pos(n))
			}
		})
	}
}

// TestSystemdIsReachedInOneWay checks that only internal/sysdbus connects to systemd.
// Other constructors of the library bypass the system bus.
func TestSystemdIsReachedInOneWay(t *testing.T) {
	for _, s := range sources(t) {
		if s.IsTest() || s.Below("dctest", "internal/sysdbus") {
			continue
		}
		s.Uses("github.com/coreos/go-systemd/v22/dbus", func(name string, n ast.Node) {
			if strings.HasPrefix(name, "New") {
				t.Errorf("%s: dbus.%s; use internal/sysdbus", s.Pos(n), name)
			}
		})
	}
}
