// Command neco-sandbox starts a data centre of boot servers on this machine, updates
// it, and lets users experiment with it.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco/dctest/sandbox/control"
	"github.com/cybozu-go/neco/dctest/sandbox/docker"
)

func main() {
	if docker.Called(os.Args) { // this program is also the docker command of the boot servers
		os.Exit(docker.Main(os.Args[1:]))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	name := control.DefaultName
	err := newCommand(&name).ExecuteContext(ctx)
	code := exitCode(ctx, err, name)
	stop()
	os.Exit(code)
}

func newCommand(name *string) *cobra.Command {
	cmd := &cobra.Command{
		Use:               "neco-sandbox",
		Short:             "Start a data centre of boot servers on this machine, update it, play with it",
		Args:              args(0, 0),
		SilenceUsage:      true,
		SilenceErrors:     true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
		RunE:              func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.PersistentFlags().StringVar(name, "name", control.DefaultName, "name of the sandbox, if several are running")
	cmd.AddCommand(
		newRunCommand(name), newPublishCommand(name), newStatusCommand(name),
		newStartCommand(name), newKillCommand(name), newPauseCommand(name), newResumeCommand(name),
		newCutCommand(name), newHealCommand(name), newLogsCommand(name),
		newNecoCommand(name), newExecCommand(name), newDownCommand(name),
	)
	return cmd
}
