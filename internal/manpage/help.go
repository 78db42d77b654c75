package manpage

import (
	"regexp"
	"strings"
)

// row matches a row of a list in a help text: an indented term and its description.
var row = regexp.MustCompile(`^ +(\S+(?: \S+)*) {2,}(\S.*)$`)

// help writes a help text. It joins the lines of a paragraph, writes a row of a list
// and the indented lines below it as an item, and leaves other indented lines
// unchanged.
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

// verbatim writes lines with their own line breaks.
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
