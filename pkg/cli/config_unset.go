package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco/pkg/storage"
)

func newConfigUnsetCmd(env *Env) *cobra.Command {
	return &cobra.Command{
		Use:   "unset KEY",
		Short: "Remove a key of the configuration, so that its default applies",
		Long: `Remove the stored value of a key, even if it is malformed. The default of the
key applies again, if it has one. Nothing in progress is disturbed.`,
		Args:              exactly(1),
		ValidArgsFunction: completeKeys(false),
		RunE: func(cmd *cobra.Command, args []string) error {
			k, err := findKey(args[0])
			if err != nil {
				return err
			}
			return env.request(cmd.Context(), func(ctx context.Context, s *storage.Storage) error {
				removed, err := s.UnsetConfig(ctx, k, env.act(storage.KindConfig, "%s is unset", k.Name))
				if err != nil {
					return err
				}
				text := k.Name + " is unset"
				if !removed {
					text = k.Name + " was not set"
				}
				if k.Default != "" {
					text += "; the default holds: " + k.Default
				}
				fmt.Fprintln(cmd.OutOrStdout(), text)
				return nil
			})
		},
	}
}
