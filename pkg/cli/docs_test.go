package cli_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/cybozu-go/neco/internal/duration"
	"github.com/cybozu-go/neco/pkg/cli"
	programs "github.com/cybozu-go/neco/pkg/program"
	"github.com/cybozu-go/neco/pkg/steps"
	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/update"
)

var updateDocs = flag.Bool("update", false, "write the generated tables of docs/ anew")

// TestDocsAreFresh compares the generated tables of docs/ with the code.
func TestDocsAreFresh(t *testing.T) {
	tests := []struct {
		file, table string
		generate    func() string
	}{
		{"neco.md", "commands", commandTable},
		{"neco.md", "config", configTable},
		{"neco.md", "exit codes", exitCodeTable},
		{"etcd.md", "keys", keyTable},
		{"update.md", "steps", stepTable},
		{"update.md", "programs", programTable},
	}
	for _, tt := range tests {
		t.Run(tt.file+" "+tt.table, func(t *testing.T) {
			path := "../../docs/" + tt.file
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			before, rest, ok := strings.Cut(string(data), "<!-- generated: "+tt.table+" -->\n")
			got, after, closed := strings.Cut(rest, "<!-- end -->\n")
			if !ok || !closed {
				t.Fatalf("%s has no place for the table %q", path, tt.table)
			}
			want := tt.generate()
			if *updateDocs && got != want {
				text := before + "<!-- generated: " + tt.table + " -->\n" + want + "<!-- end -->\n" + after
				if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s is out of date; run make generate (-want +got):\n%s", path, diff)
			}
		})
	}
}

// table writes a table in Markdown.
func table(head []string, rows [][]string) string {
	var b strings.Builder
	line := func(cells []string) {
		for _, c := range cells {
			fmt.Fprintf(&b, "| %s ", strings.ReplaceAll(c, "|", `\|`))
		}
		b.WriteString("|\n")
	}
	line(head)
	b.WriteString(strings.Repeat("|---", len(head)) + "|\n")
	for _, r := range rows {
		line(r)
	}
	return b.String()
}

func exitCodeTable() string {
	var rows [][]string
	for _, c := range cli.ExitCodes() {
		rows = append(rows, []string{strconv.Itoa(c.Code), c.Meaning})
	}
	return table([]string{"exit code", "meaning"}, rows)
}

func commandTable() string {
	var rows [][]string
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		if (!cmd.HasSubCommands() || cmd.HasParent() && flags(cmd) != "") && cmd.IsAvailableCommand() {
			rows = append(rows, []string{"`" + strings.TrimSuffix(cmd.UseLine(), " [flags]") + flags(cmd) + "`", cmd.Short})
		}
		for _, c := range cmd.Commands() {
			walk(c)
		}
	}
	walk(cli.New(cli.System(testVersion)))
	return table([]string{"command", "what it does"}, rows)
}

// flags lists the flags of one command as its usage shows them.
func flags(cmd *cobra.Command) string {
	var b strings.Builder
	cmd.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
		switch {
		case f.Name == "help":
		case f.Value.Type() == "bool":
			fmt.Fprintf(&b, " [--%s]", f.Name)
		default:
			value := strings.ToUpper(f.Name)
			if strings.Contains(f.Usage, "`") {
				value, _ = pflag.UnquoteUsage(f)
			}
			fmt.Fprintf(&b, " [--%s %s]", f.Name, value)
		}
	})
	return b.String()
}

func configTable() string {
	var rows [][]string
	for _, k := range storage.ConfigKeys() {
		from := "argument"
		if k.Secret {
			from = "`$" + k.Env + "` or standard input"
		}
		rows = append(rows, []string{"`" + k.Name + "`", k.Help, k.Value, k.Default, from})
	}
	return table([]string{"key", "what it is for", "value", "default", "given as"}, rows)
}

func keyTable() string {
	var rows [][]string
	for _, k := range storage.Keys() {
		checked := ""
		if k.Checked {
			checked = "yes"
		}
		rows = append(rows, []string{"`" + k.Key + "`", k.Value, k.Writer, checked})
	}
	return table([]string{"key", "value", "written by", "checked"}, rows)
}

func programTable() string {
	var rows [][]string
	for _, p := range programs.All() {
		user, cert, by := "", "", "Neco, everywhere"
		if onlyInstalled(p.Name) {
			by = "Neco, where it is installed"
		}
		if p.User != nil {
			user, cert = "root", p.User.Cert
			if p.User.Prefix != "" {
				user = p.User.Prefix
			}
		}
		if p.Prepared != nil {
			by = "neco init " + p.Name + ", " + p.LocalCommand()
		}
		rows = append(rows, []string{p.Name, strings.Join(p.Units, ", "), user, cert, by, p.Mixing.String()})
	}
	return table([]string{"program", "services", "what it may do in etcd", "certificate", "set up by", "versions that may run at once"}, rows)
}

// onlyInstalled reports whether the step called name does nothing where its program is not
// installed.
func onlyInstalled(name string) bool {
	for _, s := range steps.Table() {
		if s.Name != name {
			continue
		}
		for i := range s.Actions {
			if !slices.Contains(steps.Where(update.Place{Step: s.N, Action: i}), "it is installed") {
				return false
			}
		}
		return true
	}
	return false
}

func stepTable() string {
	var rows [][]string
	for _, s := range steps.Table() {
		var actions []string
		for i, a := range s.Actions {
			text := fmt.Sprintf("%s: %s, at most %s", a.Kind, a.Name, duration.Text(a.Deadline))
			if a.Phase > 0 {
				text += fmt.Sprintf(", when all are at phase %d", a.Phase)
			}
			if where := steps.Where(update.Place{Step: s.N, Action: i}); len(where) > 0 {
				text += ", where " + strings.Join(where, " and ")
			}
			actions = append(actions, text)
		}
		rows = append(rows, []string{strconv.Itoa(s.N), s.Name, strings.Join(actions, "; ")})
	}
	return table([]string{"step", "name", "actions"}, rows)
}
