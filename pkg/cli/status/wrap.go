package status

import (
	"regexp"
	"strings"
)

// Width is that of a terminal for which nothing is known.
const Width = 80

// Wrap breaks text between words into lines of at most width characters. A longer
// word begins a line and is broken at the width.
func Wrap(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		r := []rune(word)
		switch {
		case line == "":
		case len([]rune(line))+1+len(r) <= width:
			line += " " + word
			continue
		default:
			lines = append(lines, line)
		}
		for ; len(r) > width; r = r[width:] {
			lines = append(lines, string(r[:width]))
		}
		line = string(r)
	}
	return append(lines, line)
}

// minText is the least width of a text beside a label or a table.
const minText = 20

// paragraph writes text in lines of at most width characters: the first one behind
// first, the others behind rest, which is as long or longer.
func paragraph(b *strings.Builder, first, rest, text string, width int) {
	for _, line := range Wrap(text, max(width-len([]rune(rest)), minText)) {
		b.WriteString(strings.TrimRight(first+line, " ") + "\n")
		first = rest
	}
}

// labelled writes text beside a label, with a hanging indent.
func labelled(b *strings.Builder, label, text string, width int) {
	const indent = "         "
	paragraph(b, label+indent[min(len(label), len(indent)-1):], indent, text, width)
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
