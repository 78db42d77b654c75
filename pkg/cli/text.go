package cli

import (
	"strings"
	"unicode"
)

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
