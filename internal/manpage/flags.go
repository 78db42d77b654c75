package manpage

import (
	"regexp"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// synopsis writes the synopsis of c: a line for c itself, unless c only groups
// subcommands, and a line for its subcommands.
func (p *page) synopsis(c *cobra.Command) {
	own := flags(c.LocalNonPersistentFlags())
	if len(children(c)) == 0 || len(own) > 0 {
		p.macro("SY", c.CommandPath())
		for _, word := range strings.Fields(strings.TrimPrefix(c.UseLine(), c.CommandPath())) {
			if word == "[flags]" {
				p.optional(own)
				continue
			}
			p.line(argument(word))
		}
	}
	if len(children(c)) > 0 {
		p.macro("SY", c.CommandPath())
		p.optional(flags(c.PersistentFlags()))
		p.line(italic("COMMAND"))
		p.line("[" + italic("ARGUMENT") + "...]")
	}
	p.macro("YS")
}

// optional writes flags for a synopsis, each in brackets. roff breaks no line within
// the brackets.
func (p *page) optional(flags []item) {
	for _, f := range flags {
		p.line("[" + strings.NewReplacer(", ", `\ |\ `, " ", `\ `).Replace(f.term) + "]")
	}
}

// placeholder matches a placeholder in a usage line.
var placeholder = regexp.MustCompile(`[A-Z][A-Z]+`)

// argument returns a word of a usage line with its placeholders in italics.
func argument(word string) string {
	var b strings.Builder
	end := 0
	for _, at := range placeholder.FindAllStringIndex(word, -1) {
		b.WriteString(escape(word[end:at[0]]) + italic(word[at[0]:at[1]]))
		end = at[1]
	}
	return b.String() + escape(word[end:])
}

// flags returns the flags of set that the help lists, except --help, as items of a
// list.
func flags(set *pflag.FlagSet) []item {
	var all []item
	set.VisitAll(func(f *pflag.Flag) {
		if f.Name != "help" && !f.Hidden {
			all = append(all, flag(f))
		}
	})
	return all
}

// flag returns the help of the flag f as an item of a list.
func flag(f *pflag.Flag) item {
	one := pflag.NewFlagSet("", pflag.ContinueOnError)
	one.AddFlag(f)
	names, text, _ := strings.Cut(strings.TrimSpace(one.FlagUsages()), "   ")
	words := strings.Fields(names)
	for i, word := range words {
		if bare, comma := strings.CutSuffix(word, ","); comma {
			words[i] = bold(bare) + ","
		} else if strings.HasPrefix(word, "-") {
			words[i] = bold(word)
		} else {
			words[i] = italic(word)
		}
	}
	return item{strings.Join(words, " "), escape(strings.TrimSpace(text))}
}

// options writes a section called title with the flags of set that the help lists.
func (p *page) options(title string, set *pflag.FlagSet) {
	if !set.HasAvailableFlags() {
		return
	}
	p.macro("SH", title)
	set.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		i := flag(f)
		p.macro("TP")
		p.line(i.term)
		p.line(i.text)
	})
}
