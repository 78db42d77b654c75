package status

import (
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// Width is that of a terminal for which nothing is known.
const Width = 80

// Columns returns how many columns of a terminal s takes: characters of Chinese,
// Japanese and Korean take two, combining ones none.
func Columns(s string) int {
	n := 0
	for _, r := range s {
		n += columns(r)
	}
	return n
}

func columns(r rune) int {
	switch kind := width.LookupRune(r).Kind(); {
	case kind == width.EastAsianWide, kind == width.EastAsianFullwidth:
		return 2
	case unicode.Is(unicode.Mn, r):
		return 0
	}
	return 1
}

// Break breaks s into parts of at most cols columns, one at least.
func Break(s string, cols int) []string {
	var parts []string
	begin, n := 0, 0
	for i, r := range s {
		c := columns(r)
		if n+c > cols && i > begin {
			parts = append(parts, s[begin:i])
			begin, n = i, 0
		}
		n += c
	}
	return append(parts, s[begin:])
}

// Wrap breaks text between words into lines of at most cols columns. A longer word
// begins a line and is broken at its end.
func Wrap(text string, cols int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		switch {
		case line == "":
		case Columns(line)+1+Columns(word) <= cols:
			line += " " + word
			continue
		default:
			lines = append(lines, line)
		}
		parts := Break(word, cols)
		lines = append(lines, parts[:len(parts)-1]...)
		line = parts[len(parts)-1]
	}
	return append(lines, line)
}

// minText is the least width of a text beside a label or a table.
const minText = 20

// paragraph writes text in lines of at most cols columns: the first one behind first,
// the others behind rest, which is as long or longer.
func paragraph(b *strings.Builder, first, rest, text string, cols int) {
	for _, line := range Wrap(text, max(cols-Columns(rest), minText)) {
		b.WriteString(strings.TrimRight(first+line, " ") + "\n")
		first = rest
	}
}

// labelled writes text beside a label, with a hanging indent.
func labelled(b *strings.Builder, label, text string, cols int) {
	const indent = "         "
	paragraph(b, label+indent[min(len(label), len(indent)-1):], indent, text, cols)
}

// digest is a SHA-1 or longer one in hexadecimal digits.
var digest = regexp.MustCompile(`\b([0-9a-f]{12})[0-9a-f]{28,}\b`)

// Shorten keeps at most n characters of s: the begin, which says what has failed and
// how, and the end, where the cause stands. What is left out is output of a program
// between them. Of digests the first 12 digits stay.
func Shorten(s string, n int) string {
	s = digest.ReplaceAllString(s, "$1…")
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	const gap = " … "
	first := n * 3 / 5
	head, tail := string(r[:first]), string(r[len(r)-(n-first-len([]rune(gap))):])
	if i := strings.LastIndexByte(head, ' '); i > len(head)*2/3 {
		head = head[:i]
	}
	if i := strings.IndexByte(tail, ' '); i >= 0 && i < len(tail)/3 {
		tail = tail[i+1:]
	}
	return strings.TrimRight(head, " ") + gap + strings.TrimLeft(tail, " ")
}
