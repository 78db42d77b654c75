// Package manpage writes the man pages of a tree of cobra commands.
//
// It owns roff: the escaping of texts, and the section of a man page to which each part
// of a command's help belongs. All contents come from the commands; it must not know
// what any of them does.
package manpage

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// ExitStatus is the key of the annotation of a command that describes its exit codes,
// formatted like the help of the command. The man page shows this text in the section
// EXIT STATUS. If the help ends with the same text, the section DESCRIPTION omits it.
const ExitStatus = "exit status"

// Manual contains the parts of man pages that are not in the help of the commands.
type Manual struct {
	// Title is the name of the manual, Source the program with its version, and Date a
	// day as YYYY-MM-DD, or "".
	Title, Source, Date string
	// Files describes each file that the page of the root command lists.
	Files map[string]string
	// Programs are the programs with man pages in section 8. The page of the root
	// command refers to all of them, any other page to those that its help names.
	Programs []string
}

// Pages returns the man pages of root and of all visible commands below it. The keys
// are the names of the files.
func (m Manual) Pages(root *cobra.Command) map[string]string {
	pages := map[string]string{}
	for _, c := range visible(root) {
		pages[name(c)+".1"] = m.page(c)
	}
	return pages
}

// visible returns c and all commands below it, except those that the help hides.
func visible(c *cobra.Command) []*cobra.Command {
	all := []*cobra.Command{c}
	for _, sub := range children(c) {
		all = append(all, visible(sub)...)
	}
	return all
}

// children returns the subcommands that the help of c lists.
func children(c *cobra.Command) []*cobra.Command {
	return slices.DeleteFunc(slices.Clone(c.Commands()), func(sub *cobra.Command) bool {
		return !sub.IsAvailableCommand() && sub.Name() != "help"
	})
}

// name returns the name of the man page of c.
func name(c *cobra.Command) string { return strings.ReplaceAll(c.CommandPath(), " ", "-") }

func (m Manual) page(c *cobra.Command) string {
	c.InitDefaultHelpFlag()
	c.InitDefaultVersionFlag()
	var p page
	fmt.Fprintf(&p, ".TH \"%s\" 1 \"%s\" \"%s\" \"%s\"\n", escape(strings.ToUpper(name(c))), m.Date, escape(m.Source), escape(m.Title))
	p.WriteString(plainFill)
	p.macro("SH", "NAME")
	p.line(escape(name(c)) + ` \- ` + escape(c.Short))
	p.macro("SH", "SYNOPSIS")
	p.synopsis(c)
	if len(c.Aliases) > 0 {
		p.macro("SH", "ALIASES")
		p.line(escape(c.NameAndAliases()))
	}
	p.macro("SH", "DESCRIPTION")
	p.help(description(c))
	p.commands(c)
	p.options("OPTIONS", c.LocalFlags())
	p.options("GLOBAL OPTIONS", c.InheritedFlags())
	p.exitStatus(c)
	m.files(&p, c)
	if c.HasExample() {
		p.macro("SH", "EXAMPLES")
		p.verbatim(strings.Split(unindent(c.Example), "\n"))
	}
	m.seeAlso(&p, c)
	return p.String()
}

// commands writes the list of the subcommands of c, by group if they have groups.
func (p *page) commands(c *cobra.Command) {
	if len(children(c)) == 0 {
		return
	}
	p.macro("SH", "COMMANDS")
	byGroup := map[string][]item{}
	for _, sub := range children(c) {
		byGroup[sub.GroupID] = append(byGroup[sub.GroupID], item{bold(name(sub)) + "(1)", escape(sub.Short)})
	}
	for _, g := range c.Groups() {
		p.macro("SS", strings.TrimSuffix(g.Title, ":"))
		p.list(byGroup[g.ID])
	}
	p.list(byGroup[""])
}

// description returns the help of c without its exit codes.
func description(c *cobra.Command) string {
	text := c.Long
	if codes := c.Annotations[ExitStatus]; codes != "" {
		text = strings.TrimSuffix(text, codes)
	}
	if strings.TrimSpace(text) == "" {
		return c.Short
	}
	return text
}

// exitStatus writes the section EXIT STATUS of c: its exit codes, and a reference to
// its subcommands with exit codes of their own.
func (p *page) exitStatus(c *cobra.Command) {
	var below []string
	for _, sub := range visible(c)[1:] {
		if sub.Annotations[ExitStatus] != "" {
			below = append(below, bold(name(sub))+"(1)")
		}
	}
	if c.Annotations[ExitStatus] == "" && len(below) == 0 {
		return
	}
	p.macro("SH", "EXIT STATUS")
	p.help(c.Annotations[ExitStatus])
	if len(below) > 0 {
		p.macro("PP")
		p.line("Some commands have exit codes of their own: see " + strings.Join(below, ", ") + ".")
	}
}

func (m Manual) files(p *page, c *cobra.Command) {
	if c.HasParent() || len(m.Files) == 0 {
		return
	}
	p.macro("SH", "FILES")
	for _, path := range slices.Sorted(maps.Keys(m.Files)) {
		p.macro("TP")
		p.line(italic(path))
		p.line(escape(m.Files[path]))
	}
}

// seeAlso writes the section SEE ALSO of c. It refers to the parent of c, to its
// subcommands, and to the commands and programs that its help names.
func (m Manual) seeAlso(p *page, c *cobra.Command) {
	text := strings.Join(strings.Fields(c.Short+" "+c.Long), " ")
	var first, last []string
	for _, other := range visible(c.Root()) {
		near := other == c.Parent() || other.Parent() == c
		if other != c && (near || other.HasParent() && names(text, other.CommandPath())) {
			first = append(first, name(other))
		}
	}
	for _, program := range m.Programs {
		if !c.HasParent() || names(text, program) {
			last = append(last, program)
		}
	}
	slices.Sort(first)
	slices.Sort(last)
	var refs []string
	for _, page := range first {
		refs = append(refs, bold(page)+"(1)")
	}
	for _, page := range last {
		refs = append(refs, bold(page)+"(8)")
	}
	if len(refs) > 0 {
		p.macro("SH", "SEE ALSO")
		p.line(strings.Join(refs, ", "))
	}
}

// names reports whether text contains the name command. A longer name that starts with
// command does not count.
func names(text, command string) bool {
	return regexp.MustCompile(`(^|[^a-z-])` + regexp.QuoteMeta(command) + `($|[^a-z-])`).MatchString(text)
}

// unindent removes the indentation of the help from the lines of an example.
func unindent(example string) string {
	return strings.TrimPrefix(strings.ReplaceAll(example, "\n  ", "\n"), "  ")
}
