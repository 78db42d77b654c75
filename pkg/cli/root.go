package cli

import (
	"context"
	"io"

	"github.com/spf13/cobra"
)

// New returns neco's tree of commands.
func New(env Env) *cobra.Command {
	root := &cobra.Command{
		Use:               "neco",
		Short:             "Operate the boot servers of a data centre",
		Args:              cobra.NoArgs,
		SilenceUsage:      true,
		SilenceErrors:     true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
		RunE:              func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.PersistentFlags().StringVar(&env.FS.Root, "root", "/", "directory that holds the boot server's file system")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return hint(err, "see %s --help", cmd.CommandPath())
	})
	root.AddCommand(
		newCompletionCmd(),
		newVersionCmd(&env),
	)
	return root
}

// Run runs the command that args name, and returns the exit code. Errors are
// printed to stderr.
func Run(ctx context.Context, env Env, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := New(env)
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	return report(stderr, root.ExecuteContext(ctx))
}
