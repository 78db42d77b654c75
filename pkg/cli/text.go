package cli

import (
	"strings"
	"unicode"
)

// shortLines shows the lines of a text as one.
func shortLines(s string) string { return oneLine(strings.ReplaceAll(s, "\n", "; ")) }

// oneLine takes control characters out of text that was read from etcd: it
// might tamper with the terminal or with a table.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
}
