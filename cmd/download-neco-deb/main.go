// Command download-neco-deb writes the neco package of the version that a data centre follows
// to standard output.
package main

import (
	"errors"
	"net/http"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/cybozu-go/neco/pkg/daemon"
	"github.com/cybozu-go/neco/pkg/published"
)

func main() {
	daemon.RunCommand("download-neco-deb", newCommand(http.DefaultTransport, os.Getenv).ExecuteContext)
}

// errTerminal reports that standard output is a terminal.
var errTerminal = errors.New("standard output is a terminal; write to a file:\n    download-neco-deb staging >neco.deb")

// newCommand returns the command, whose requests go through transport and which reads the
// token by getenv.
func newCommand(transport http.RoundTripper, getenv func(string) string) *cobra.Command {
	return &cobra.Command{
		Use:   "download-neco-deb staging|production",
		Short: "Write the neco package that a data centre follows to standard output",
		Long: `Write the Debian package of the version of Neco that a data centre follows to standard
output. find-installed-release prints that version.

The package is stored in a temporary directory ($TMPDIR) and checked first: it must have the
published SHA-256, and be the neco package of that version. If anything fails before, standard
output is empty.

GITHUB_TOKEN in the environment is sent to GitHub's API. HTTPS_PROXY and NO_PROXY are used.`,
		Args:              published.OneDataCentre,
		ValidArgs:         published.DataCentres(),
		SilenceUsage:      true,
		SilenceErrors:     true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
		RunE: func(cmd *cobra.Command, args []string) error {
			if f, ok := cmd.OutOrStdout().(*os.File); ok && term.IsTerminal(int(f.Fd())) {
				return errTerminal
			}
			source := published.Source{Transport: transport, Token: getenv("GITHUB_TOKEN"), Log: daemon.Logger(cmd.ErrOrStderr(), 0)}
			return source.WritePackage(cmd.Context(), args[0], cmd.OutOrStdout())
		},
	}
}
