package manpage

import (
	"fmt"
	"regexp"
	"strings"
)

// special escapes the characters that roff replaces or interprets. Otherwise a hyphen
// would become a typographic one, which cannot be pasted into a shell, and lines would
// be broken after it.
var special = strings.NewReplacer(
	`\`, `\(rs`, `-`, `\-`, `'`, `\(aq`, "`", `\(ga`, `^`, `\(ha`, `~`, `\(ti`, `"`, `\(dq`)

// escape returns s so that roff shows it literally, within a line or an argument.
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

// page is the roff of a page.
type page struct {
	strings.Builder
	// fresh is true at the start of a section, which starts a paragraph already.
	fresh bool
}

// plainFill disables hyphenation and justification. The ends of synopses and verbatim
// text restore roff's own settings, so it is repeated after them.
const plainFill = ".nh\n.ad l\n"

// macro writes a macro with escaped arguments.
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

// line writes a line of text that is roff already. A leading dot is escaped, so that it
// does not start a macro.
func (p *page) line(text string) {
	p.fresh = false
	if strings.HasPrefix(text, ".") {
		text = `\&` + text
	}
	p.WriteString(text + "\n")
}

// item is a row of a list. Both texts are roff.
type item struct{ term, text string }

// maxTerm is the greatest width of a term that shares its line with the text.
const maxTerm = 24

// list writes items as the help does, in two columns if the terms are short.
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

// escapes matches the output of escape, bold and italic for one character or font.
var escapes = regexp.MustCompile(`\\(?:f.|-|\(..|\[u[0-9A-F]+\])`)

// plain returns a text that is as wide as the given one in the output of roff.
func plain(text string) string {
	return escapes.ReplaceAllStringFunc(text, func(e string) string {
		if strings.HasPrefix(e, `\f`) {
			return ""
		}
		return "x"
	})
}
