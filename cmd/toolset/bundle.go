package main

import (
	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco/pkg/toolset"
)

func newBundleCommand(list *string) *cobra.Command {
	o := newOptions()
	cmd := &cobra.Command{
		Use:   "bundle PLATFORM OUT",
		Short: "Write the programs for operators' own computers into an archive (.zip, .tgz) or a directory",
		Args:  cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			l, err := toolset.Load(*list)
			if err != nil {
				return err
			}
			if err := setCache(&o); err != nil {
				return err
			}
			o.Out = args[1]
			result, err := toolset.Bundle(cmd.Context(), l, args[0], o)
			if err != nil {
				return err
			}
			note(result)
			return nil
		},
	}
	addCacheFlag(cmd, &o)
	return cmd
}
