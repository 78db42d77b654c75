package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco/pkg/storage"
)

// leaveOptions are the options of neco leave.
type leaveOptions struct {
	// force allows a departure after which only one boot server remains.
	force  bool
	agreed consent
	// act is the record of the departure for the history.
	act storage.Act
}

func newLeaveCmd(env *Env) *cobra.Command {
	var o leaveOptions
	cmd := &cobra.Command{
		Use:   "leave LRN",
		Short: "Take a boot server out of the data centre",
		Long: `Remove the registration and the records of a boot server. neco-updater then
starts an update of the others without it. The command lists what is lost, and
has to be confirmed, on a terminal or by --yes.

It is refused while an update runs, for the last boot server, and where fewer
than a majority of the others have a live worker. With two boot servers left it
needs --force: a single member of etcd has no copy of its data.

If Neco manages etcd and Vault, the server also loses its permissions there at
once, Vault gets a new unseal key, and a root token that setup kept is revoked.
This needs Vault: VAULT_TOKEN, else a user and a password are asked for.
If it is interrupted, run it again: it finishes the departure. On the server
that has left, neco reset removes the data.`,
		Args: exactly(1),
		ValidArgsFunction: func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			return completeLRN(cmd, env, args), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			lrn, err := parseLRN(args[0])
			if err != nil {
				return err
			}
			o.act = env.act(storage.KindLeave, "boot server %d has left", lrn)
			return runLeave(cmd, env, lrn, o)
		},
	}
	o.agreed.register(cmd)
	cmd.Flags().BoolVar(&o.force, "force", false, "also leave a single boot server")
	return cmd
}

// runLeave removes the boot server lrn from the data centre after the operator has
// confirmed it.
func runLeave(cmd *cobra.Command, env *Env, lrn int, o leaveOptions) error {
	managed, err := env.managed()
	if err != nil {
		return err
	}
	if managed {
		return leaveManaged(cmd, env, lrn, o)
	}
	if err := agreeToLeave(cmd, env, lrn, o, false); err != nil {
		return err
	}
	return env.request(cmd.Context(), func(ctx context.Context, s *storage.Storage) error {
		return leave(ctx, cmd, s, lrn, o)
	})
}

// agreeToLeave lists what changes when the boot server lrn leaves, and asks for
// confirmation. It does neither if an earlier neco leave has begun to remove the
// server.
func agreeToLeave(cmd *cobra.Command, env *Env, lrn int, o leaveOptions, managed bool) error {
	var plan departurePlan
	var registered bool
	err := env.request(cmd.Context(), func(ctx context.Context, s *storage.Storage) (err error) {
		if registered, err = leavable(ctx, s, lrn, o); err != nil || !registered {
			return err
		}
		plan, err = readPlan(ctx, s, lrn, managed)
		return err
	})
	if err != nil || !registered {
		return err
	}
	if own, err := ownLRN(env); err == nil {
		plan.own = own == lrn
	}
	plan.print(cmd.OutOrStdout())
	return o.agreed.get(cmd)
}

func leave(ctx context.Context, cmd *cobra.Command, s *storage.Storage, lrn int, o leaveOptions) error {
	snap, err := s.Snapshot(ctx)
	if err != nil {
		return err
	}
	if err := mayLeave(snap, lrn, o.force); err != nil {
		return fmt.Errorf("leave %d: %w", lrn, err)
	}
	err = s.Unregister(ctx, snap, lrn, o.act)
	if errors.Is(err, storage.ErrNotRegistered) {
		return hint(err, "another neco leave has removed it at the same moment")
	}
	if err != nil {
		return err
	}
	printLeft(cmd, snap, lrn)
	return nil
}

// printLeft prints that the boot server lrn has left, and which of the servers in snap
// remain.
func printLeft(cmd *cobra.Command, snap *storage.Snapshot, lrn int) {
	others := slices.DeleteFunc(slices.Clone(snap.Registered), func(n int) bool { return n == lrn })
	fmt.Fprintf(cmd.OutOrStdout(), "boot server %d has left; %s\n", lrn, remain(others))
}

func remain(others []int) string {
	if len(others) == 1 {
		return fmt.Sprintf("boot server %d remains", others[0])
	}
	return fmt.Sprintf("boot servers %s remain", lrnList(others))
}

// mayLeave returns an error if the boot server lrn must not leave: it is not registered,
// an update is running, too few servers would remain, or too few workers are alive.
func mayLeave(snap *storage.Snapshot, lrn int, force bool) error {
	if bad, ok := snap.MalformedAt(storage.KeyRequest); ok {
		return hint(bad, "whether an update is running is unknown; neco recover --malformed clears the request")
	}
	r := snap.Request
	switch {
	case !slices.Contains(snap.Registered, lrn):
		return hint(fmt.Errorf("boot server %d is not registered", lrn), "registered are: %s", lrnList(snap.Registered))
	case snap.UnderWay():
		return hint(fmt.Errorf("%w: the update to %s runs", ErrRunActive, r.Version),
			"wait for its end with neco status --wait, or end it with neco stop")
	case len(snap.Registered) == 1:
		return hint(errors.New("it is the last boot server"), "a data centre needs at least one")
	case len(snap.Registered) == 2 && !force:
		return hint(errors.New("it is the last but one: the loss of the other boot server would lose all data of etcd"),
			"let another server join first (neco join-token), or add --force")
	}
	return quorum(snap, lrn)
}

// quorum returns an error unless a majority of the boot servers other than lrn have a
// live worker.
func quorum(snap *storage.Snapshot, lrn int) error {
	var silent []int
	others := 0
	for _, n := range snap.Registered {
		if n == lrn {
			continue
		}
		others++
		if _, alive := snap.Presence[n]; !alive {
			silent = append(silent, n)
		}
	}
	if others-len(silent) > others/2 {
		return nil
	}
	return hint(fmt.Errorf("%w: %s", ErrQuorumAtRisk, withoutWorker(silent)),
		"bring neco-worker up on a majority of the others first, or let those leave that will not come back")
}

// withoutWorker returns a text that the boot servers in silent have no live worker.
func withoutWorker(silent []int) string {
	if len(silent) == 1 {
		return fmt.Sprintf("boot server %d has no running worker", silent[0])
	}
	return fmt.Sprintf("boot servers %s have no running worker", lrnList(silent))
}

// completeLRN returns the LRNs of the registered boot servers, for completion in a shell.
func completeLRN(cmd *cobra.Command, env *Env, args []string) []string {
	var lrns []string
	if len(args) > 0 {
		return nil
	}
	// Without etcd there are no completions.
	_ = env.request(cmd.Context(), func(ctx context.Context, s *storage.Storage) error {
		snap, err := s.Snapshot(ctx)
		if err == nil {
			lrns = strings.Split(lrnList(snap.Registered), ", ")
		}
		return err
	})
	return lrns
}
