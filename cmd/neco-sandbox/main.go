// Command neco-sandbox starts a data centre of boot servers on this machine,
// updates it, and lets it be played with.
package main

import (
	"context"
	"os"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco/pkg/daemon"
	"github.com/cybozu-go/neco/pkg/sandbox/docker"
)

func main() {
	if docker.Called(os.Args) { // the boot servers' docker is this program
		os.Exit(docker.Main(os.Args[1:]))
	}
	os.Exit(daemon.Main(func(ctx context.Context) error { return newCommand().ExecuteContext(ctx) }))
}

func newCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:               "neco-sandbox",
		Short:             "Start a data centre of boot servers on this machine, update it, play with it",
		Args:              cobra.NoArgs,
		SilenceUsage:      true,
		SilenceErrors:     true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
		RunE:              func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newRunCommand())
	return cmd
}
