package manpage_test

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco/internal/manpage"
	"github.com/cybozu-go/neco/pkg/cli"
)

var (
	// known matches those lines of a page that contain no text.
	known = regexp.MustCompile(`^\.(?:nh|ad l|PP|TP(?: \d+)?|PD(?: 0)?|YS|EX|EE|(?:SH|SS|SY) "[^"]*"|TH "[^"]*" 1 "[^"]*" "[^"]*" "[^"]*")$`)
	// quoted matches the argument of a macro that shows its argument.
	quoted = regexp.MustCompile(`^\.(?:SH|SS|SY) "(.*)"$`)
	escape = regexp.MustCompile(`\\(?:f[BIR]|&| |-|\((?:rs|aq|ga|ha|ti|dq)|\[u[0-9A-F]{4,5}\])`)
	// replaced matches characters that roff does not show unchanged.
	replaced = regexp.MustCompile("[-\\\\'`^~]|[^ -~]")
)

// read returns the text lines of a page as roff shows them, before it fills them. It
// does not use the tables of the writer.
func read(t *testing.T, page string) []string {
	t.Helper()
	var lines []string
	for line := range strings.Lines(page) {
		line = strings.TrimSuffix(line, "\n")
		text := line
		if m := quoted.FindStringSubmatch(line); m != nil {
			text = m[1]
		} else if known.MatchString(line) {
			continue
		}
		if text == line && (strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'")) {
			t.Errorf("roff obeys the line %q", line)
		}
		if rest := escape.ReplaceAllString(text, ""); replaced.MatchString(rest) {
			t.Errorf("roff shows %q in another way: %q", replaced.FindString(rest), line)
		}
		lines = append(lines, escape.ReplaceAllStringFunc(text, unescape))
	}
	return lines
}

// unescape returns the text that roff shows for an escape.
func unescape(e string) string {
	if hex, ok := strings.CutPrefix(e, `\[u`); ok {
		code, _ := strconv.ParseInt(strings.TrimSuffix(hex, "]"), 16, 32)
		return string(rune(code))
	}
	return map[string]string{`\ `: " ", `\-`: "-", `\(rs`: `\`, `\(aq`: "'", `\(ga`: "`", `\(ha`: "^", `\(ti`: "~", `\(dq`: `"`}[e]
}

// hostile returns, for each feature of roff and Markdown, a text that the feature would
// change.
func hostile() map[string]string {
	return map[string]string{
		"dot":       ".TH is no macro here",
		"quote":     "'br is none either",
		"backslash": `a \fB b \\ c \n(.x \" d`,
		"hyphens":   "--flag -x half-done -- a-b",
		"markdown":  "* * * * * _a_ *b* `c` <name> [d](e) &lt; # f | g",
		"marks":     `"a" 'b' ^c ~d`,
		"unicode":   "… – ü 𝄞",
	}
}

func TestTextsAreShownAsTheyAre(t *testing.T) {
	for title, text := range hostile() {
		t.Run(title, func(t *testing.T) {
			c := &cobra.Command{Use: "x", Short: text, Long: text + "\n\n  term  " + text + "\n\nA paragraph, over\n" + text,
				Example: "  " + text + "\n    " + text, Run: func(*cobra.Command, []string) {}}
			c.Flags().Int("n", 0, text)
			page := manpage.Manual{Title: text, Source: text}.Pages(c)["x.1"]
			got := read(t, page)
			flagText := strings.ReplaceAll(text, "`", "")
			for _, want := range []string{"x - " + text, text, "A paragraph, over " + text, "  " + text} {
				if !slices.Contains(got, want) {
					t.Errorf("the line %q is missing in\n%s", want, page)
				}
			}
			if all := strings.Join(got, "\n"); !strings.Contains(all, "\nterm\n"+text+"\n") || !strings.Contains(all, "\n"+flagText) {
				t.Errorf("an item of a list is missing in\n%s", page)
			}
		})
	}
}

func TestAHelpBecomesSections(t *testing.T) {
	c := &cobra.Command{
		Use: "x [FILE|€]", Short: "Do it",
		Long:        "Do it\nnow.\n\n  a    one\n       more\n  bcd  two\n\n  as it\n  stands\n\nCodes:\n\n  0  good",
		Annotations: map[string]string{manpage.ExitStatus: "Codes:\n\n  0  good"},
		Run:         func(*cobra.Command, []string) {},
	}
	c.Flags().StringP("name", "n", "y", "the `NAME`")
	got := manpage.Manual{Title: "T", Source: "x 1", Date: "2024-01-02"}.Pages(c)
	want := map[string]string{"x.1": `.TH "X" 1 "2024-01-02" "x 1" "T"
.nh
.ad l
.SH "NAME"
x \- Do it
.SH "SYNOPSIS"
.SY "x"
[\fIFILE\fR|\[u20AC]]
[\fB\-n\fR\ |\ \fB\-\-name\fR\ \fINAME\fR]
.YS
.nh
.ad l
.SH "DESCRIPTION"
Do it now.
.TP 5
\fBa\fR
one more
.PD 0
.TP 5
\fBbcd\fR
two
.PD
.PP
.EX
  as it
  stands
.EE
.nh
.ad l
.SH "OPTIONS"
.TP
\fB\-h\fR, \fB\-\-help\fR
help for x
.TP
\fB\-n\fR, \fB\-\-name\fR \fINAME\fR
the NAME (default \(dqy\(dq)
.SH "EXIT STATUS"
Codes:
.TP 3
\fB0\fR
good
.PD
`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestAPageRefersToTheCommandsAroundItAndThoseThatItNames(t *testing.T) {
	run := func(*cobra.Command, []string) {}
	root := &cobra.Command{Use: "x", Short: "Root"}
	a := &cobra.Command{Use: "a", Short: "A"}
	a.AddCommand(&cobra.Command{Use: "sub", Short: "See x b, and x-daemon", Run: run})
	root.AddCommand(a, &cobra.Command{Use: "b", Short: "See x a-c", Run: run}, &cobra.Command{Use: "a-c", Short: "C", Run: run},
		&cobra.Command{Use: "secret", Short: "See x a", Hidden: true, Run: run})
	pages := manpage.Manual{Programs: []string{"x-daemon"}}.Pages(root)
	for page, want := range map[string]string{
		"x.1":       "x-a(1), x-a-c(1), x-b(1), x-daemon(8)",
		"x-a.1":     "x(1), x-a-sub(1)",
		"x-a-sub.1": "x-a(1), x-b(1), x-daemon(8)",
		"x-b.1":     "x(1), x-a-c(1)",
		"x-a-c.1":   "x(1)",
	} {
		lines := read(t, pages[page])
		if got := lines[len(lines)-1]; got != want {
			t.Errorf("%s refers to %q, want %q", page, got, want)
		}
	}
	if len(pages) != 5 {
		t.Errorf("pages: %v", slices.Sorted(maps.Keys(pages)))
	}
}

// all calls f for c and every command below it.
func all(c *cobra.Command, f func(*cobra.Command)) {
	f(c)
	for _, sub := range c.Commands() {
		all(sub, f)
	}
}

func neco() *cobra.Command { return cli.New(cli.System("2024.01.02-3")) }

// TestTheCommandsOfTheHelpHaveAPageAndNoOther reads the commands from the output of the
// help.
func TestTheCommandsOfTheHelpHaveAPageAndNoOther(t *testing.T) {
	root := neco()
	var want []string
	all(root, func(c *cobra.Command) {
		if !c.HasParent() || regexp.MustCompile(`(?m)^  `+c.Name()+` `).MatchString(c.Parent().UsageString()) {
			want = append(want, strings.ReplaceAll(c.CommandPath(), " ", "-")+".1")
		}
	})
	slices.Sort(want)
	got := slices.Sorted(maps.Keys(manpage.Manual{}.Pages(root)))
	if diff := cmp.Diff(want, got); diff != "" || len(got) < 30 {
		t.Errorf("%d pages, -want +got:\n%s", len(got), diff)
	}
}

// TestPagesHaveTheWordsOfTheHelp compares each page with the output of neco help.
func TestPagesHaveTheWordsOfTheHelp(t *testing.T) {
	root := neco()
	pages := manpage.Manual{}.Pages(root)
	all(root, func(c *cobra.Command) {
		page, ok := pages[strings.ReplaceAll(c.CommandPath(), " ", "-")+".1"]
		if !ok {
			return
		}
		lines := read(t, page)
		text := " " + strings.Join(strings.Fields(strings.Join(lines, " ")), " ") + " "
		section := ""
		for line := range strings.Lines(help(t, c)) {
			line = strings.TrimSuffix(line, "\n")
			if strings.HasSuffix(line, ":") {
				section = line
			}
			words := strings.Join(strings.Fields(line), " ")
			switch {
			case section == "Usage:" || strings.HasSuffix(line, ":") || strings.HasPrefix(line, "Use \""):
			case section == "Examples:" && line != "":
				if !slices.Contains(lines, strings.TrimPrefix(line, "  ")) {
					t.Errorf("%s: no line %q", c.CommandPath(), line)
				}
			case c.HasSubCommands() && strings.HasPrefix(line, "  ") && !strings.HasSuffix(section, "Flags:") && section != "Aliases:":
				name, short, _ := strings.Cut(words, " ")
				words = strings.ReplaceAll(c.CommandPath(), " ", "-") + "-" + name + "(1) " + short
				fallthrough
			default:
				if !strings.Contains(text, " "+words+" ") && words != "" {
					t.Errorf("%s: the page lacks %q", c.CommandPath(), words)
				}
			}
		}
	})
}

// help returns the output of --help.
func help(t *testing.T, c *cobra.Command) string {
	t.Helper()
	var b strings.Builder
	c.Root().SetOut(&b)
	if err := c.Help(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestExamplesFitATerminal checks that examples, with the indentation of a man page,
// have at most 80 columns.
func TestExamplesFitATerminal(t *testing.T) {
	all(neco(), func(c *cobra.Command) {
		for line := range strings.Lines(c.Example) {
			if n := len(strings.TrimSuffix(line, "\n")) - 2 + 7; n > 78 {
				t.Errorf("%s: an example has %d columns: %q", c.CommandPath(), n, line)
			}
		}
	})
}
