package cli_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco/pkg/cli"
	"github.com/cybozu-go/neco/pkg/status"
)

// TestEveryCommandHasAGroupAndAnExample also checks that each example is one of the
// command that has it.
func TestEveryCommandHasAGroupAndAnExample(t *testing.T) {
	root := cli.New(cli.System(testVersion))
	var check func(*cobra.Command)
	check = func(c *cobra.Command) {
		if c.Parent() == root && c.GroupID == "" {
			t.Errorf("%s is in no group", c.CommandPath())
		}
		if c.Runnable() && !c.HasSubCommands() && !strings.Contains(c.Example, "  "+c.CommandPath()) {
			t.Errorf("%s has no example: %q", c.CommandPath(), c.Example)
		}
		for line := range strings.Lines(c.Long) {
			if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > status.Width {
				t.Errorf("%s: a line of its help has %d columns, want at most %d: %q", c.CommandPath(), n, status.Width, line)
			}
		}
		for _, sub := range c.Commands() {
			check(sub)
		}
	}
	check(root)
}
