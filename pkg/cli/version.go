package cli

import (
	"fmt"

	"github.com/spf13/cobra"
)

func newVersionCmd(env *Env) *cobra.Command {
	var o output
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version of this program",
		Args:  none(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.validate(); err != nil {
				return err
			}
			if o.json() {
				return writeJSON(cmd.OutOrStdout(), map[string]string{"version": env.Version})
			}
			_, err := fmt.Fprintln(cmd.OutOrStdout(), env.Version)
			return err
		},
	}
	o.register(cmd)
	return cmd
}
