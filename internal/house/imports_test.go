package house

import (
	"go/ast"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// layer orders the parts of the repository: imports go down only.
func layer(dir string) int {
	switch {
	case dir == "internal/weburl", dir == "internal/vaultclient", dir == "internal/dpkgrecord", dir == "internal/osrelease", dir == "internal/ipv4", dir == "internal/lrn", dir == "internal/printable", dir == "internal/duration":
		return 0 // the root package uses them, too
	case dir == "cmd" || strings.HasPrefix(dir, "cmd/"), strings.HasPrefix(dir, "dctest/"):
		return 2
	case dir == "pkg" || strings.HasPrefix(dir, "pkg/"), strings.HasPrefix(dir, "internal/"):
		return 1
	}
	return 0
}

func TestImportsGoOneWay(t *testing.T) {
	for _, s := range sources(t) {
		if s.IsTest() {
			continue // a test may stand anywhere
		}
		for _, p := range s.Imports() {
			rel, ours := strings.CutPrefix(p, module+"/")
			if ours && layer(rel) > layer(s.Dir()) {
				t.Errorf("%s imports %s; imports go from cmd to pkg to the root package", s.Name, rel)
			}
		}
	}
}

func TestProductionCodeImportsNoTestSupport(t *testing.T) {
	for _, s := range sources(t) {
		// A package whose name ends in "test" is there for tests.
		if s.IsTest() || strings.HasSuffix(s.Dir(), "test") || s.Below("pkg/sandbox", "pkg/simulation", "cmd/neco-sandbox") {
			continue
		}
		for _, p := range s.Imports() {
			if p == "testing" || p == "net/http/httptest" || testSupport(p) {
				t.Errorf("%s imports %s", s.Name, p)
			}
		}
	}
}

// testSupport reports whether p is a package of ours that is there for tests.
func testSupport(p string) bool {
	rel, ours := strings.CutPrefix(p, module+"/")
	return ours && (strings.HasPrefix(rel, "pkg/sandbox") || strings.HasSuffix(rel, "test"))
}

// TestCoreIsPure: pkg/update decides from values alone.
func TestCoreIsPure(t *testing.T) {
	allowed := []string{"cmp", "encoding/json", "errors", "fmt", "iter", "maps", "math", "slices", "sort", "strconv", "strings", "time", module, module + "/internal/duration"}
	for _, s := range sources(t) {
		if s.Dir() != "pkg/update" || s.IsTest() {
			continue
		}
		for _, p := range s.Imports() {
			if !slices.Contains(allowed, p) {
				t.Errorf("%s imports %s; the core has no I/O, no context and no state", s.Name, p)
			}
		}
		s.Uses("time", func(name string, n ast.Node) {
			if slices.Contains([]string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"}, name) {
				t.Errorf("%s: time.%s; the core has no clock", s.Pos(n), name)
			}
		})
		ast.Inspect(s.AST, func(n ast.Node) bool {
			if _, ok := n.(*ast.GoStmt); ok {
				t.Errorf("%s: the core has no goroutine", s.Pos(n))
			}
			return true
		})
	}
}

// TestProgramsDoNotContainEtcd: the server is for the sandbox and tests only.
func TestProgramsDoNotContainEtcd(t *testing.T) {
	for _, program := range []string{"neco", "neco-updater", "neco-worker"} {
		t.Run(program, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "./cmd/"+program)
			cmd.Dir = rootDir
			out, err := cmd.Output()
			if err != nil {
				t.Fatal(err)
			}
			for dep := range strings.Lines(string(out)) {
				for _, bad := range []string{"go.etcd.io/etcd/server/", module + "/pkg/sandbox", "testing"} {
					if strings.HasPrefix(dep, bad) && !strings.HasPrefix(dep, "testing/") {
						t.Errorf("cmd/%s depends on %s", program, strings.TrimSpace(dep))
					}
				}
			}
		})
	}
}
