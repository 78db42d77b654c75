package house

import (
	"go/ast"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// rootUses are the internal packages that the root package imports, itself or through another
// one of them.
var rootUses = []string{"internal/weburl", "internal/vaultclient", "internal/dpkgrecord", "internal/osrelease", "internal/ipv4", "internal/lrn", "internal/printable", "internal/duration", "internal/sysdbus", "internal/dockercmd", "internal/errtext"}

// layer returns the layer of a directory. A package may import only packages of the
// same or a lower layer.
func layer(dir string) int {
	top, _, _ := strings.Cut(dir, "/")
	switch {
	case slices.Contains(rootUses, dir):
		return 0
	case top == "pkg", top == "internal":
		return 1
	case top == "installer":
		return 2
	case top == "dctest":
		return 3
	case top == "cmd":
		return 4
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
				t.Errorf("%s imports %s; imports go from cmd to dctest to installer to pkg to the root package", s.Name, rel)
			}
		}
	}
}

// TestTheProductImportsNoTestBed checks that neither the programs of the package nor
// those of an installer import dctest.
func TestTheProductImportsNoTestBed(t *testing.T) {
	for _, s := range sources(t) {
		if s.IsTest() || s.Below("dctest", "cmd/neco-sandbox", "cmd/placemat", "cmd/placemat-menu") {
			continue
		}
		for _, p := range s.Imports() {
			if p == "testing" || p == "net/http/httptest" || strings.HasPrefix(p, module+"/dctest") {
				t.Errorf("%s imports %s", s.Name, p)
			}
		}
	}
}

// TestAPackageOfTheProductIsUsedByIt checks that a package which only tests import is
// below dctest.
func TestAPackageOfTheProductIsUsedByIt(t *testing.T) {
	used := map[string]bool{}
	for _, s := range sources(t) {
		if s.IsTest() || s.Below("dctest") {
			continue
		}
		for _, p := range s.Imports() {
			used[strings.TrimPrefix(p, module+"/")] = true
		}
	}
	for _, s := range sources(t) {
		if dir := s.Dir(); !s.IsTest() && s.Below("pkg") && !used[dir] {
			t.Errorf("%s: no program of the package uses %s", s.Name, dir)
			used[dir] = true
		}
	}
}

// TestCoreIsPure checks that the decisions of pkg/update depend only on the arguments
// of its functions.
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

// TestProgramsDoNotContainTheTestBed checks that the programs of the package contain
// neither dctest nor the server of etcd.
func TestProgramsDoNotContainTheTestBed(t *testing.T) {
	for _, program := range []string{"neco", "neco-updater", "neco-worker"} {
		t.Run(program, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "./cmd/"+program)
			cmd.Dir = rootDir
			out, err := cmd.Output()
			if err != nil {
				t.Fatal(err)
			}
			for dep := range strings.Lines(string(out)) {
				for _, bad := range []string{"go.etcd.io/etcd/server/", module + "/dctest", "github.com/onsi/ginkgo", "testing"} {
					if strings.HasPrefix(dep, bad) && !strings.HasPrefix(dep, "testing/") {
						t.Errorf("cmd/%s depends on %s", program, strings.TrimSpace(dep))
					}
				}
			}
		})
	}
}
