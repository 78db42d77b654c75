package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco/pkg/component"
	"github.com/cybozu-go/neco/pkg/component/teleport"
	"github.com/cybozu-go/neco/pkg/program"
	"github.com/cybozu-go/neco/pkg/storage"
)

func newTeleportCmd(env *Env) *cobra.Command {
	cmd := group(program.Teleport, "Set up the Teleport node of this boot server")
	cmd.AddCommand(newTeleportConfigCmd(env))
	return cmd
}

func newTeleportConfigCmd(env *Env) *cobra.Command {
	return &cobra.Command{
		Use:   "config",
		Short: "Configure and start the Teleport node of this boot server",
		Long: `Write the configuration of the Teleport node, with the token of
neco init teleport, and start it. A node that runs is restarted only if its
configuration has changed.`,
		Args: none(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			lrn, err := ownLRN(env)
			if err != nil {
				return err
			}
			p, err := program.Find(program.Teleport)
			if err != nil {
				return err
			}
			target := component.Target{LRN: lrn}
			err = env.request(cmd.Context(), func(ctx context.Context, s *storage.Storage) (err error) {
				target.Inputs, err = component.ReadInputs(ctx, s.Client(), teleport.Component{})
				return err
			})
			if err != nil {
				return err
			}
			changed, err := component.Write(cmd.Context(), component.Host{FS: env.FS}, teleport.Component{}, target)
			if err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), initLocalTimeout)
			defer cancel()
			return startAll(ctx, cmd.OutOrStdout(), p, changed)
		},
	}
}
