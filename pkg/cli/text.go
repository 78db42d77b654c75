package cli

import (
	"strings"

	"github.com/cybozu-go/neco/internal/lrn"
	"github.com/cybozu-go/neco/internal/printable"
)

// shortLines returns s in one line, in which "; " separates the former lines.
func shortLines(s string) string { return printable.Line(strings.ReplaceAll(s, "\n", "; ")) }

// lrnList returns lrn.List(lrns), for functions in which a variable called lrn hides
// that package.
func lrnList(lrns []int) string { return lrn.List(lrns) }
