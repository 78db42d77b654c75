// Command neco-worker is a daemon that executes the steps of an update on a boot
// server.
package main

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco/pkg/daemon"
)

func main() {
	os.Exit(daemon.Main(func(ctx context.Context) error { return newCommand().ExecuteContext(ctx) }))
}

// installTimeout is how long an installation may take before it fails, including the
// wait for the lock of dpkg.
const installTimeout = 10 * time.Minute

func newCommand() *cobra.Command {
	cmd, root := daemon.Command("neco-worker", "Take part in updates on this boot server", run)
	cmd.AddCommand(&cobra.Command{
		Use:   "install FILE",
		Short: "Install a neco package and restart Neco's daemons (run by neco-worker itself, in neco-install.service)",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return errors.New("install: give one FILE")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, cancel := context.WithTimeout(cmd.Context(), installTimeout)
			defer cancel()
			return install(ctx, *root, args[0])
		},
	})
	return cmd
}
