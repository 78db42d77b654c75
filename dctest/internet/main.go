// Command dctest-internet is all of the internet that a virtual data centre
// has: registries of container images, a release server, and the download host
// of the nodes' operating system, under the names that they have in production
// and with certificates of an authority of its own.
//
// It owns that authority's files, and what is served. It must not know the
// network that it stands in: which addresses there are, who resolves its names
// to them, and through which proxy it is asked is up to whoever starts it.
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
		"address to listen on, with TLS unless its port is 80 or it begins with http://; may be repeated")
	flags.StringVar(&opts.CADir, "ca-dir", "", "directory of ca.crt and ca.key, which are made if they are not there")
	flags.StringVar(&opts.Images, "images", "", "directory whose index.json says where images and Debian packages are")
	flags.StringVar(&opts.OS, "os", "", "directory whose index.json says where kernel and initrd are (default: that of --images)")
	flags.StringVar(&opts.Releases, "releases", "", "directory of the packages that are releases, looked at all the time")
	for _, name := range []string{"ca-dir", "images", "releases"} {
		if err := cmd.MarkFlagRequired(name); err != nil {
			panic(err) // there is no such flag
		}
	}
	return cmd
}
