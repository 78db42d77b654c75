package status

import "strings"

// Width is that of a terminal for which nothing is known.
const Width = 80

// Wrap breaks text between words into lines of at most width characters; longer
// words stay whole.
func Wrap(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		switch {
		case line == "":
			line = word
		case len([]rune(line))+1+len([]rune(word)) <= width:
			line += " " + word
		default:
			lines = append(lines, line)
			line = word
		}
	}
	return append(lines, line)
}

// labelled writes text beside a label, with a hanging indent.
func labelled(b *strings.Builder, label, text string, width int) {
	const indent = 9
	for _, line := range Wrap(text, max(width-indent, 20)) {
		b.WriteString(strings.TrimRight(label+strings.Repeat(" ", max(indent-len(label), 1))+line, " ") + "\n")
		label = ""
	}
}

// middle shortens s to n characters. The begin and the end stay: what failed, and
// its cause.
func middle(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	head := (n - 3) / 3
	return string(r[:head]) + " … " + string(r[len(r)-(n-3-head):])
}
