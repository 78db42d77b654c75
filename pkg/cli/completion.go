package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func newCompletionCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "completion [bash|zsh|fish]",
		Short: "Print the completion for a shell (default: bash)",
		Long: "Print the completion for a shell; without argument, for bash.\n" +
			"The package installs it for all three; nothing needs to be\n" +
			"set up on a boot server.",
		Args:                  between(0, 1),
		ValidArgs:             []string{"bash", "zsh", "fish"},
		DisableFlagsInUseLine: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			shell := "bash"
			if len(args) == 1 {
				shell = args[0]
			}
			root, out := cmd.Root(), cmd.OutOrStdout()
			switch shell {
			case "bash":
				return root.GenBashCompletionV2(out, true)
			case "zsh":
				return root.GenZshCompletion(out)
			case "fish":
				return root.GenFishCompletion(out, true)
			}
			return hint(fmt.Errorf("no completion for %q", shell), "choose bash, zsh or fish")
		},
	}
}

// completeNoFiles makes shells complete file names only for the arguments of commands
// whose usage contains FILE, and for flags with the placeholder file.
func completeNoFiles(root *cobra.Command) {
	_ = root.MarkPersistentFlagDirname("root")
	walk(root, func(c *cobra.Command) {
		if c.ValidArgsFunction == nil && len(c.ValidArgs) == 0 && !strings.Contains(c.Use, "FILE") {
			c.ValidArgsFunction = cobra.NoFileCompletions
		}
		if len(c.ValidArgs) > 0 {
			c.ValidArgsFunction, c.ValidArgs = cobra.FixedCompletions(c.ValidArgs, cobra.ShellCompDirectiveNoFileComp), nil
		}
		c.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
			if placeholder, _ := pflag.UnquoteUsage(f); placeholder == "file" || f.Value.Type() == "bool" {
				return
			}
			if _, has := c.GetFlagCompletionFunc(f.Name); !has {
				_ = c.RegisterFlagCompletionFunc(f.Name, cobra.NoFileCompletions)
			}
		})
	})
}

// plainUsage removes the quotes around placeholders in the usage of flags, which shells
// would show.
func plainUsage(c *cobra.Command) {
	for _, set := range []*pflag.FlagSet{c.Flags(), c.PersistentFlags()} {
		set.VisitAll(func(f *pflag.Flag) { f.Usage = strings.ReplaceAll(f.Usage, "`", "") })
	}
}
