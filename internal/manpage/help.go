package manpage

import (
	"regexp"
	"strings"
)

// row matches a line of a list in a help text: an indented term, and what it means.
var row = regexp.MustCompile(`^ +(\S+(?: \S+)*) {2,}(\S.*)$`)

// help writes a help text. Its paragraphs are filled, the rows of its lists become items
// with the indented lines below them, and other indented lines stay as they are.
func (p *page) help(text string) {
	var paragraph, verbatim []string
	var items []item
	flush := func() {
		if len(paragraph) > 0 {
			p.macro("PP")
			p.line(escape(strings.Join(paragraph, " ")))
		}
		p.list(items)
		p.verbatim(verbatim)
		paragraph, verbatim, items = nil, nil, nil
	}
	for line := range strings.SplitSeq(text, "\n") {
		m := row.FindStringSubmatch(line)
		switch {
		case strings.TrimSpace(line) == "":
			flush()
		case m != nil:
			if len(items) == 0 {
				flush()
			}
			items = append(items, item{bold(m[1]), escape(m[2])})
		case strings.HasPrefix(line, " ") && len(items) > 0:
			items[len(items)-1].text += " " + escape(strings.TrimSpace(line))
		case strings.HasPrefix(line, " "):
			if len(verbatim) == 0 {
				flush()
			}
			verbatim = append(verbatim, line)
		default:
			if len(paragraph) == 0 {
				flush()
			}
			paragraph = append(paragraph, strings.TrimSpace(line))
		}
	}
	flush()
}

// verbatim writes lines that are neither filled nor broken.
func (p *page) verbatim(lines []string) {
	if len(lines) == 0 {
		return
	}
	p.macro("PP")
	p.macro("EX")
	for _, line := range lines {
		p.line(escape(line))
	}
	p.macro("EE")
}
