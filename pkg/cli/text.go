package cli

import (
	"strings"

	"github.com/cybozu-go/neco/internal/lrn"
	"github.com/cybozu-go/neco/internal/printable"
)

// shortLines returns text with its lines joined to one.
func shortLines(s string) string { return printable.Line(strings.ReplaceAll(s, "\n", "; ")) }

// lrnList is lrn.List, for functions with a variable lrn.
func lrnList(lrns []int) string { return lrn.List(lrns) }
