package manpage

import (
	"fmt"
	"regexp"
	"strings"
)

// special replaces the characters that roff interprets by their escapes. For example,
// roff turns an unescaped hyphen into a typographic one, which does not work when it is
// pasted into a shell.
var special = strings.NewReplacer(
	`\`, `\(rs`, `-`, `\-`, `'`, `\(aq`, "`", `\(ga`, `^`, `\(ha`, `~`, `\(ti`, `"`, `\(dq`)

// escape returns s escaped, so that roff shows it unchanged within a line or an
// argument.
func escape(s string) string {
	var b strings.Builder
	for _, r := range special.Replace(s) {
		if r > '~' {
			fmt.Fprintf(&b, `\[u%04X]`, r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

func bold(s string) string   { return `\fB` + escape(s) + `\fR` }
func italic(s string) string { return `\fI` + escape(s) + `\fR` }

// page is the roff text of a man page.
type page struct {
	strings.Builder
	// fresh is true at the start of a section. roff starts a paragraph there by itself.
	fresh bool
}

// plainFill is the roff that disables hyphenation and justification. It is repeated
// after each synopsis and verbatim text, because their ends restore roff's defaults.
const plainFill = ".nh\n.ad l\n"

// macro writes the macro called name with args, which it escapes.
func (p *page) macro(name string, args ...string) {
	if name == "PP" && p.fresh {
		return
	}
	p.fresh = name == "SH" || name == "SS"
	p.WriteString("." + name)
	for _, a := range args {
		p.WriteString(` "` + escape(a) + `"`)
	}
	p.WriteByte('\n')
	if name == "YS" || name == "EE" {
		p.WriteString(plainFill)
	}
}

// line writes a line of text that is escaped already. It escapes a leading dot, which
// would start a macro.
func (p *page) line(text string) {
	p.fresh = false
	if strings.HasPrefix(text, ".") {
		text = `\&` + text
	}
	p.WriteString(text + "\n")
}

// item is a row of a list, with a term and a text in roff.
type item struct{ term, text string }

// maxTerm is the width up to which a term is in the same line as its text. If a list
// has a wider term, the text starts in the line below.
const maxTerm = 24

// list writes items. If the terms are at most maxTerm wide, it writes two columns, as
// the help of a command does.
func (p *page) list(items []item) {
	if len(items) == 0 {
		return
	}
	width := 0
	for _, i := range items {
		width = max(width, len(plain(i.term)))
	}
	for n, i := range items {
		switch {
		case width > maxTerm:
			p.WriteString(".TP\n")
		case n == 0:
			fmt.Fprintf(p, ".TP %d\n", width+2)
		default:
			fmt.Fprintf(p, ".PD 0\n.TP %d\n", width+2)
		}
		p.line(i.term)
		p.line(i.text)
	}
	if width <= maxTerm {
		p.WriteString(".PD\n")
	}
}

// escapes matches an escape sequence in the results of escape, bold and italic: one
// character or a change of the font.
var escapes = regexp.MustCompile(`\\(?:f.|-|\(..|\[u[0-9A-F]+\])`)

// plain returns a text without escape sequences that has the width of text in the
// output of roff.
func plain(text string) string {
	return escapes.ReplaceAllStringFunc(text, func(e string) string {
		if strings.HasPrefix(e, `\f`) {
			return ""
		}
		return "x"
	})
}
