package cli

import (
	"strings"

	"github.com/cybozu-go/neco/internal/lrn"
	"github.com/cybozu-go/neco/internal/printable"
)

// shortLines shows the lines of a text as one.
func shortLines(s string) string { return printable.Line(strings.ReplaceAll(s, "\n", "; ")) }

// lrnList is lrn.List where a variable has the name lrn.
func lrnList(lrns []int) string { return lrn.List(lrns) }
