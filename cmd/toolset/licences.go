package main

import (
	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco/pkg/toolset"
)

func newLicencesCommand(list *string) *cobra.Command {
	return &cobra.Command{
		Use:   "licences DIR",
		Short: "Print the licences of the programs below DIR, of all Go modules that are linked into them, and of Go",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			l, err := toolset.Load(*list)
			if err != nil {
				return err
			}
			return toolset.WriteLicences(cmd.Context(), cmd.OutOrStdout(), l, args[0])
		},
	}
}
