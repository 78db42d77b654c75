package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco/internal/printable"
	"github.com/cybozu-go/neco/pkg/storage"
)

func newConfigGetCmd(env *Env) *cobra.Command {
	return &cobra.Command{
		Use:   "get KEY",
		Short: "Print a key of the configuration",
		Long: `Print the value of a key, or its default if it is not set. Secrets are
printed, too.`,
		Args:              exactly(1),
		ValidArgsFunction: completeKeys(false),
		RunE: func(cmd *cobra.Command, args []string) error {
			k, err := findKey(args[0])
			if err != nil {
				return err
			}
			return env.request(cmd.Context(), func(ctx context.Context, s *storage.Storage) error {
				value, err := s.GetConfig(ctx, k)
				if errors.Is(err, storage.ErrNotSet) && k.Default != "" {
					fmt.Fprintf(cmd.ErrOrStderr(), "%s is not set; this is the default\n", k.Name)
					value, err = k.Default, nil
				}
				var bad storage.MalformedKey
				switch {
				case errors.As(err, &bad):
					return hint(err, "the stored value is not used; replace it with neco config set %s, or remove it with neco config unset %s", k.Name, k.Name)
				case err != nil:
					return hint(err, "set it with neco config set %s; it takes %s", k.Name, k.Value)
				}
				fmt.Fprintln(cmd.OutOrStdout(), printable.Lines(value))
				return nil
			})
		},
	}
}
