// Command neco-sandbox starts a data centre of boot servers on this machine,
// updates it, and lets it be played with.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco/pkg/sandbox/control"
	"github.com/cybozu-go/neco/pkg/sandbox/docker"
)

// interrupted is the exit code of a program that was told to end too early.
const interrupted = 130

func main() {
	if docker.Called(os.Args) { // the boot servers' docker is this program
		os.Exit(docker.Main(os.Args[1:]))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	err := newCommand().ExecuteContext(ctx)
	code := exitCode(ctx, err)
	stop()
	os.Exit(code)
}

// childError is the end of a program that has said itself what is wrong.
type childError int

func (e childError) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// child turns the end of a program that spoke for us into an error.
func child(err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return childError(exit.ExitCode())
	}
	return err
}

func exitCode(ctx context.Context, err error) int {
	var c childError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &c) && c > 0:
		return int(c)
	case ctx.Err() != nil:
		fmt.Fprintln(os.Stderr, "interrupted")
		return interrupted
	}
	fmt.Fprintf(os.Stderr, "Error: %v\n", err)
	return 1
}

func newCommand() *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use:               "neco-sandbox",
		Short:             "Start a data centre of boot servers on this machine, update it, play with it",
		Args:              cobra.NoArgs,
		SilenceUsage:      true,
		SilenceErrors:     true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
		RunE:              func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.PersistentFlags().StringVar(&name, "name", control.DefaultName, "which sandbox, if several are left running")
	cmd.AddCommand(
		newRunCommand(&name), newPublishCommand(&name), newStatusCommand(&name),
		newKillCommand(&name), newPauseCommand(&name), newResumeCommand(&name),
		newCutCommand(&name), newHealCommand(&name), newLogsCommand(&name),
		newNecoCommand(&name), newDownCommand(&name),
	)
	return cmd
}
