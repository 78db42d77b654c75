package status

import (
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// Width is the number of columns to which text is wrapped if the width of the terminal
// is unknown.
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

// Break splits s into parts of at most cols columns. A part has at least one character,
// even if that is wider.
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

// minText is the minimum width in columns of a text beside a label or a table. On a
// narrower terminal, lines are wider than the terminal.
const minText = 20

// paragraph writes text in lines of at most cols columns. The first line begins with
// first; the other lines begin with rest, which must be at least as wide as first.
func paragraph(b *strings.Builder, first, rest, text string, cols int) {
	for _, line := range Wrap(text, max(cols-Columns(rest), minText)) {
		b.WriteString(strings.TrimRight(first+line, " ") + "\n")
		first = rest
	}
}

// labelled writes text to the right of a label. Further lines are indented to the same
// column.
func labelled(b *strings.Builder, label, text string, cols int) {
	const indent = "         "
	paragraph(b, label+indent[min(len(label), len(indent)-1):], indent, text, cols)
}

// digest matches a hexadecimal digest of at least 40 digits, the length of SHA-1.
var digest = regexp.MustCompile(`\b([0-9a-f]{12})[0-9a-f]{28,}\b`)

// Shorten returns s in at most n characters. It keeps the start, which names the
// failure, and the end, which names the cause, and omits the middle, which is usually
// program output. The end includes the innermost cause, the text after the last ": ", unless
// that is longer than three fifths of n. Shorten cuts digests to 12 digits.
func Shorten(s string, n int) string {
	s = digest.ReplaceAllString(s, "$1…")
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	const gap = " … "
	shown := n - len([]rune(gap))
	last := n - n*3/5 - len([]rune(gap))
	cause := len([]rune(s[strings.LastIndex(s, ": ")+1:]))
	whole := cause > last && cause <= n*3/5
	if whole {
		last = cause
	}
	head, tail := string(r[:shown-last]), string(r[len(r)-last:])
	if i := strings.LastIndexByte(head, ' '); i > len(head)*2/3 {
		head = head[:i]
	}
	if i := strings.IndexByte(tail, ' '); !whole && i >= 0 && i < len(tail)/3 {
		tail = tail[i+1:]
	}
	return strings.TrimRight(head, " ") + gap + strings.TrimLeft(tail, " ")
}
