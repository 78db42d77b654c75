package cli

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco/internal/manpage"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/status"
)

// New returns the command neco with all its subcommands.
func New(env Env) *cobra.Command {
	root := group("neco", "Operate the boot servers of a data centre")
	root.SilenceUsage, root.SilenceErrors = true, true
	root.CompletionOptions.DisableDefaultCmd = true
	root.Annotations = map[string]string{manpage.ExitStatus: exitStatus}
	root.PersistentFlags().Var(rootFlag{&env.FS}, "root", "directory that holds the boot server's file system")
	root.SetFlagErrorFunc(flagError)
	root.AddCommand(
		newBackupCmd(&env),
		newBMCCmd(&env),
		newCertCmd(&env),
		newCKECmd(&env),
		newCompletionCmd(),
		newConfigCmd(&env),
		newHistoryCmd(&env),
		newImageCmd(&env),
		newInitCmd(&env),
		newInitDataCmd(&env),
		newInitLocalCmd(&env),
		newIsRunningCmd(&env),
		newJoinCmd(&env),
		newJoinTokenCmd(&env),
		newLeaveCmd(&env),
		newManCmd(&env),
		newNodesCmd(&env),
		newRebootAndWaitCmd(&env),
		newRebootWorkerCmd(&env),
		newPowerCmd(&env),
		newRecoverCmd(&env),
		newResetCmd(&env),
		newSessionLogCmd(&env),
		newSetupCmd(&env),
		newSetupTokenCmd(&env),
		newSSHCmd(&env),
		newStatusCmd(&env),
		newStopCmd(&env),
		newTeleportCmd(&env),
		newTPMCmd(&env),
		newVaultCmd(&env),
		newVersionCmd(&env),
	)
	root.Version = env.Version
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetUsageTemplate(strings.ReplaceAll(root.UsageTemplate(), ".FlagUsages ", fmt.Sprintf(".FlagUsagesWrapped %d ", status.Width)))
	root.SetHelpCommand(newHelpCmd())
	root.InitDefaultHelpCmd()
	arrange(root)
	completeNoFiles(root)
	return root
}

// Run runs the command with the arguments args, prints errors to stderr, and returns the
// exit code. It blocks until the command has ended.
func Run(ctx context.Context, env Env, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := New(env)
	if len(args) > 0 && strings.HasPrefix(args[0], cobra.ShellCompRequestCmd) {
		walk(root, plainUsage)
	}
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	return report(stderr, root.ExecuteContext(ctx))
}

// rootFlag is the value of --root, a directory that may be relative to the working
// directory. Set changes the root of fs to that directory.
type rootFlag struct{ fs *host.FS }

func (r rootFlag) String() string { return r.fs.Root }
func (r rootFlag) Type() string   { return "DIR" }

func (r rootFlag) Set(dir string) error {
	abs, err := filepath.Abs(dir)
	r.fs.Root = abs
	return err
}
