package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco/pkg/sabakan"
	"github.com/cybozu-go/neco/pkg/statesetter"
	"github.com/cybozu-go/neco/pkg/storage"
)

// mostApproved is how many machines one command may approve: etcd limits the size of a
// transaction.
const mostApproved = 100

func newNodesCmd(env *Env) *cobra.Command {
	cmd := group("nodes", "Steer the life of machines")
	cmd.AddCommand(newNodesApproveCmd(env))
	return cmd
}

func newNodesApproveCmd(env *Env) *cobra.Command {
	var flags machineFlags
	cmd := &cobra.Command{
		Use:   "approve ID...",
		Short: "Let machines retire although many are retiring",
		Long: fmt.Sprintf(`Let machines retire although more than %d are retiring. sabakan-state-setter
then deletes the keys of their disks and clears their TPM, and nothing can
read their disks any more.

`+idHelp, statesetter.MostRetiring),
		Args: between(1, mostApproved),
		RunE: func(cmd *cobra.Command, args []string) error {
			all, err := findMachines(cmd.Context(), env, args)
			if err != nil {
				return err
			}
			var serials []string
			for _, m := range all {
				if m.Status.State != sabakan.Retiring {
					return hint(fmt.Errorf("machine %s is %s, not retiring", m.Spec.Serial, m.Status.State), "nothing was changed")
				}
				serials = append(serials, m.Spec.Serial)
			}
			if sure, err := flags.agreed(cmd, all, "Delete the keys of the disks and clear the TPM of"); !sure {
				return err
			}
			return env.request(cmd.Context(), func(ctx context.Context, s *storage.Storage) error {
				names := strings.Join(serials, ", ")
				if err := s.Approve(ctx, serials, env.act(storage.KindConfig, "the retirement of %s is approved", names)); err != nil {
					return err
				}
				fmt.Fprintf(cmd.OutOrStdout(), "approved: %s\n", names)
				return nil
			})
		},
	}
	flags.consent.register(cmd)
	cmd.Flags().BoolVar(&flags.dryRun, "dry-run", false, "only print what would be done")
	return cmd
}
