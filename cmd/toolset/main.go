// Command toolset brings programs of other projects into the Debian package, by the list
// debian/tools.yaml.
package main

import (
	"fmt"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco/pkg/daemon"
	"github.com/cybozu-go/neco/pkg/toolset"
)

func main() { daemon.RunCommand("toolset", newCommand().ExecuteContext) }

func newCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:               "toolset",
		Short:             "Bring programs of other projects into the Debian package",
		SilenceUsage:      true,
		SilenceErrors:     true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	list := cmd.PersistentFlags().String("list", "debian/tools.yaml", "list of the programs")
	cmd.AddCommand(newStageCommand(list), newBundleCommand(list), newPinCommand(list), newLicencesCommand(list))
	return cmd
}

func newPinCommand(list *string) *cobra.Command {
	return &cobra.Command{
		Use:   "pin",
		Short: "Read the digests of downloads from their publishers",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			changes, err := toolset.Pin(cmd.Context(), http.DefaultClient, *list)
			for _, c := range changes {
				fmt.Fprintln(cmd.OutOrStdout(), c)
			}
			return err
		},
	}
}
