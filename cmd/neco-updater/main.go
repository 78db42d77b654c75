// Command neco-updater looks for releases and leads updates.
package main

import (
	"context"
	"os"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco/pkg/daemon"
)

func main() {
	os.Exit(daemon.Main(func(ctx context.Context) error { return newCommand().ExecuteContext(ctx) }))
}

func newCommand() *cobra.Command {
	var root string
	cmd := &cobra.Command{
		Use:           "neco-updater",
		Short:         "Look for releases and lead the updates of this data centre",
		Version:       daemon.Version,
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return run(cmd.Context(), root, daemon.Logger(cmd.ErrOrStderr()))
		},
	}
	cmd.Flags().StringVar(&root, "root", "/", "directory that holds the boot server's file system")
	cmd.SetVersionTemplate("{{.Version}}\n")
	cmd.CompletionOptions.DisableDefaultCmd = true
	return cmd
}
