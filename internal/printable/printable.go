// Package printable makes untrusted text safe to display: text from etcd, from a
// program or from the network could manipulate a terminal.
package printable

import (
	"fmt"
	"strings"
	"unicode"
)

// maxRunes is the maximum length of a line in characters. An error may contain the
// whole output of a program; Line omits the middle of a longer line.
const maxRunes = 2000

// Line returns s as one line: line breaks and tabs become spaces, other unprintable
// characters are escaped as in Go. The middle of a long line is omitted.
func Line(s string) string {
	var parts []string
	for part := range strings.Lines(strings.ReplaceAll(s, "\r\n", "\n")) {
		if part = strings.TrimSpace(part); part != "" {
			parts = append(parts, Lines(part))
		}
	}
	return bounded(strings.ReplaceAll(strings.Join(parts, " "), "\t", " "))
}

// Lines returns s with its line breaks and tabs. All other unprintable characters are
// escaped.
func Lines(s string) string {
	var b strings.Builder
	for _, r := range strings.ToValidUTF8(s, string(unicode.ReplacementChar)) {
		switch {
		case r == '\n', r == '\t', unicode.IsPrint(r):
			b.WriteRune(r)
		case unicode.IsSpace(r) && r != '\r' && r > 0x7f: // a space of another script
			b.WriteRune(' ')
		default:
			b.WriteString(strings.Trim(fmt.Sprintf("%q", r), "'"))
		}
	}
	return b.String()
}

func bounded(s string) string {
	r := []rune(s)
	if len(r) <= maxRunes {
		return s
	}
	return string(r[:maxRunes/2]) + " … " + string(r[len(r)-maxRunes/2:])
}
