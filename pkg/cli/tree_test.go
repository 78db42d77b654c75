package cli_test

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco/pkg/cli"
)

// TestEveryCommandHasAGroupAndAnExample, and each example is of its command.
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
		for _, sub := range c.Commands() {
			check(sub)
		}
	}
	check(root)
}
