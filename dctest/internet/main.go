// Command dctest-internet is the simulated internet of a virtual data centre: container
// registries, a release server, and the host from which the nodes' operating system is
// downloaded. These hosts have their names of production, and certificates of a CA of
// their own.
//
// It owns the files of the CA and the served content. It must not know the network of the
// data centre: its caller configures addresses, name resolution and the proxy.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco/pkg/daemon"
)

func main() {
	os.Exit(daemon.Main(func(ctx context.Context) error { return newCommand().ExecuteContext(ctx) }))
}

func newCommand() *cobra.Command {
	opts := Options{}
	cmd := &cobra.Command{
		Use:               "dctest-internet",
		Short:             "Serve what a virtual data centre fetches from the internet",
		Args:              cobra.NoArgs,
		SilenceUsage:      true,
		SilenceErrors:     true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
		RunE: func(cmd *cobra.Command, _ []string) error {
			opts.Log = daemon.Logger(cmd.ErrOrStderr(), slog.LevelInfo)
			opts.Ready = func([]string) { fmt.Fprintln(cmd.OutOrStdout(), "ready") }
			return Run(cmd.Context(), opts)
		},
	}
	flags := cmd.Flags()
	flags.StringArrayVar(&opts.Listen, "listen", []string{":443", ":80"},
		"address to listen on, with TLS unless its port is 80 or it starts with http://; may be repeated")
	flags.StringVar(&opts.CADir, "ca-dir", "", "directory of ca.crt and ca.key, which are created if missing")
	flags.StringVar(&opts.Images, "images", "", "directory whose index.json lists images and Debian packages")
	flags.StringVar(&opts.OS, "os", "", "directory whose index.json lists kernel and initrd (default: that of --images)")
	flags.StringVar(&opts.Releases, "releases", "", "directory of packages to publish as releases, checked twice a second")
	flags.StringVar(&opts.Served, "served", "", "file to which a line of JSON is appended for each response")
	for _, name := range []string{"ca-dir", "images", "releases"} {
		if err := cmd.MarkFlagRequired(name); err != nil {
			panic(err) // there is no such flag
		}
	}
	return cmd
}
