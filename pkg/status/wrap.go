package status

import (
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// Width is the assumed width of a terminal whose width is unknown, in columns.
const Width = 80

// Columns returns the number of terminal columns that s occupies: Chinese, Japanese and
// Korean characters occupy two, combining characters none.
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

// Break splits s into parts of at most cols columns. Every part has at least one
// character.
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

// Wrap breaks text between words into lines of at most cols columns. A word that is
// longer than a line starts a new line and is split.
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

// minText is the minimum width of a text beside a label or a table, in columns.
const minText = 20

// paragraph writes text in lines of at most cols columns. The prefix of the first line
// is first, that of the others rest, which must not be shorter.
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

// digest matches a SHA-1 or longer digest in hexadecimal digits.
var digest = regexp.MustCompile(`\b([0-9a-f]{12})[0-9a-f]{28,}\b`)

// Shorten returns at most n characters of s: the start, which names the failure, and
// the end, which names the cause. The middle, usually program output, is left out.
// Digests are cut to 12 digits.
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
