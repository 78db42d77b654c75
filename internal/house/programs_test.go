package house

import (
	"go/ast"
	"go/token"
	"slices"
	"strconv"
	"testing"

	"github.com/cybozu-go/neco/pkg/program"
)

// TestTheRowsOfProgramsAreData checks that pkg/program imports almost nothing, so that
// every package may import it.
func TestTheRowsOfProgramsAreData(t *testing.T) {
	for _, s := range sources(t) {
		if s.Dir() != "pkg/program" || s.IsTest() {
			continue
		}
		for _, p := range s.Imports() {
			if !slices.Contains([]string{"fmt", "slices", "strings", module}, p) {
				t.Errorf("%s imports %s; rows are data", s.Name, p)
			}
		}
	}
}

// TestAProgramIsNamedInItsRow checks that the name of a managed program is only in the
// row of the program. Code that depends on the name belongs there. Names that are also
// other words (etcd, vault, neco, backup) are not checked.
func TestAProgramIsNamedInItsRow(t *testing.T) {
	var names []string
	for _, p := range program.All() {
		if !slices.Contains([]string{program.Etcd, program.Vault, program.Neco, program.Backup}, p.Name) {
			names = append(names, p.Name)
		}
	}
	for _, s := range sources(t) {
		// Exempt are the public constants and artifacts, the packages of programs, the
		// names of steps, and the test bed.
		if s.IsTest() || s.Dir() == "." || s.Below("pkg/program", "pkg/component", "pkg/steps", "dctest") {
			continue
		}
		ast.Inspect(s.AST, func(n ast.Node) bool {
			lit, ok := n.(*ast.BasicLit)
			if !ok || lit.Kind != token.STRING {
				return true
			}
			if text, err := strconv.Unquote(lit.Value); err == nil && slices.Contains(names, text) {
				t.Errorf("%s: %q; use the row in pkg/program", s.Pos(n), text)
			}
			return true
		})
	}
}
