// Command find-installed-release prints the version of Neco that a data centre follows.
package main

import (
	"fmt"
	"net/http"
	"os"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco/pkg/daemon"
	"github.com/cybozu-go/neco/pkg/published"
)

func main() {
	daemon.RunCommand("find-installed-release", newCommand(http.DefaultTransport, os.Getenv).ExecuteContext)
}

// newCommand returns the command, whose requests go through transport and which reads the
// token by getenv.
func newCommand(transport http.RoundTripper, getenv func(string) string) *cobra.Command {
	return &cobra.Command{
		Use:   "find-installed-release staging|production",
		Short: "Print the version of Neco that a data centre follows",
		Long: `Print the version of Neco that a data centre follows: the newest release at GitHub, for
staging the newest among releases and pre-releases.

GITHUB_TOKEN in the environment is sent to GitHub's API. HTTPS_PROXY and NO_PROXY are used.`,
		Args:              published.OneDataCentre,
		ValidArgs:         published.DataCentres(),
		SilenceUsage:      true,
		SilenceErrors:     true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
		RunE: func(cmd *cobra.Command, args []string) error {
			source := published.Source{Transport: transport, Token: getenv("GITHUB_TOKEN"), Log: daemon.Logger(cmd.ErrOrStderr(), 0)}
			version, err := source.Version(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), version)
			return err
		},
	}
}
