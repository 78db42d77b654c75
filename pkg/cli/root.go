package cli

import (
	"context"
	"io"

	"github.com/spf13/cobra"
)

// New returns neco's tree of commands.
func New(env Env) *cobra.Command {
	root := group("neco", "Operate the boot servers of a data centre")
	root.SilenceUsage, root.SilenceErrors = true, true
	root.CompletionOptions.DisableDefaultCmd = true
	root.PersistentFlags().StringVar(&env.FS.Root, "root", "/", "directory that holds the boot server's file system")
	root.SetFlagErrorFunc(flagError)
	root.AddCommand(
		newCompletionCmd(),
		newConfigCmd(&env),
		newHistoryCmd(&env),
		newImageCmd(),
		newIsRunningCmd(&env),
		newLeaveCmd(&env),
		newRecoverCmd(&env),
		newStatusCmd(&env),
		newStopCmd(&env),
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
