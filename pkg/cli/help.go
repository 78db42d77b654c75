package cli

import (
	"fmt"

	"github.com/spf13/cobra"
)

// newHelpCmd returns the command help. Unlike cobra's, it fails for a command that does
// not exist.
func newHelpCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND...]",
		Short: "Explain a command",
		Long:  "Explain a command, with its flags and examples; without argument, list the\ncommands.",
		ValidArgsFunction: func(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
			var names []cobra.Completion
			if c, rest, err := cmd.Root().Find(args); err == nil && len(rest) == 0 {
				for _, sub := range c.Commands() {
					if sub.IsAvailableCommand() {
						names = append(names, cobra.CompletionWithDesc(sub.Name(), sub.Short))
					}
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			c, rest, err := cmd.Root().Find(args)
			if err != nil {
				return err
			}
			if len(rest) > 0 && c.HasSubCommands() {
				return unknownCommand(c, rest[0])
			}
			if len(rest) > 0 {
				return hint(fmt.Errorf("%s has no command %q", c.CommandPath(), rest[0]), "see %s --help", c.CommandPath())
			}
			return c.Help()
		},
	}
}
