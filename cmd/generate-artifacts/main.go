// Command generate-artifacts writes the Go source of the artifact set with the newest
// versions of all artifacts, and the table of their digests.
package main

import (
	"net/http"
	"os"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco/pkg/artifacts"
	"github.com/cybozu-go/neco/pkg/daemon"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/release"
)

func main() {
	daemon.RunCommand("generate-artifacts", newCommand(http.DefaultTransport, os.Getenv, release.ArtifactDigests()).ExecuteContext)
}

// newCommand returns the command, whose requests go through transport and which reads
// credentials by getenv. The digests in known are those of the present table.
func newCommand(transport http.RoundTripper, getenv func(string) string, known release.Digests) *cobra.Command {
	o := options{known: known}
	cmd := &cobra.Command{
		Use:   "generate-artifacts [--release] [--ignore-file FILE] [-o FILE] [--digests FILE]",
		Short: "Write artifacts.go with the newest versions",
		Long: `Write the Go source of the artifact set, artifacts.go, with the newest versions of
container images, Debian packages and the operating system of nodes.

Credentials come from the environment: GITHUB_TOKEN for GitHub's API, QUAY_USER and
QUAY_PASSWORD for the digests of private images. HTTPS_PROXY and NO_PROXY are used.

If anything fails, no file is written and standard output is empty.`,
		Args:                  cobra.NoArgs,
		SilenceUsage:          true,
		SilenceErrors:         true,
		DisableFlagsInUseLine: true,
		CompletionOptions:     cobra.CompletionOptions{DisableDefaultCmd: true},
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.stdout = cmd.OutOrStdout()
			o.finder.Transport = transport
			o.finder.GitHubToken = getenv("GITHUB_TOKEN")
			o.finder.Account = host.NewAuth(getenv("QUAY_USER"), getenv("QUAY_PASSWORD"))
			o.finder.Log = daemon.Logger(cmd.ErrOrStderr(), 0)
			return run(cmd.Context(), o)
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&o.finder.Release, "release", false, "leave out pre-releases, and other major versions of images and packages than the current one")
	flags.StringVar(&o.ignoreFile, "ignore-file", artifacts.IgnoreFile, "`FILE` with the versions that must not be chosen; empty for none")
	flags.StringVarP(&o.output, "output", "o", "", "`FILE` to replace with the artifact set; empty for standard output")
	flags.StringVar(&o.digests, "digests", "", "`FILE` to replace with the table of digests; without this flag, no digest is computed")
	return cmd
}
