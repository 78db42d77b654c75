package cli

import (
	"strings"

	"github.com/cybozu-go/neco/internal/printable"
)

// shortLines shows the lines of a text as one.
func shortLines(s string) string { return printable.Line(strings.ReplaceAll(s, "\n", "; ")) }
