package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco/pkg/bmc"
	"github.com/cybozu-go/neco/pkg/cke"
	"github.com/cybozu-go/neco/pkg/fleet"
	"github.com/cybozu-go/neco/pkg/reboot"
	"github.com/cybozu-go/neco/pkg/sabakan"
)

func newRebootWorkerCmd(env *Env) *cobra.Command {
	var flags machineFlags
	var query machineQuery
	var budget budgetFlags
	var behind bool
	cmd := &cobra.Command{
		Use:   "reboot-worker",
		Short: "Restart many machines, those of Kubernetes one after the other",
		Long: `Restart machines, except boot servers. Nodes of Kubernetes are added to CKE's
reboot queue, in entries of at most one machine with role ss and one other. The
nodes that are in it already are left out. Other machines restart at once, by
their BMC; one that is off stays off.

` + budgetHelp + "\n\n" + queryHelp,
		Args: none(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			limited, err := budget.wanted(cmd)
			if err == nil && (budget.resume || budget.cancel) {
				err = budget.selects(&query, behind)
			}
			switch {
			case err != nil:
				return err
			case budget.resume:
				return budget.resumeBudget(cmd, env, &flags)
			case budget.cancel:
				return budget.cancelBudget(cmd, env, &flags)
			}
			all, err := query.find(ctx, env)
			if err == nil && behind {
				all, err = onlyBehind(ctx, env, all)
			}
			if err != nil {
				return err
			}
			if limited {
				return budget.startBudget(cmd, env, &flags, all)
			}
			ckecli := cke.New(env.FS)
			p, err := rebootPlan(ctx, ckecli, all)
			if err != nil {
				return err
			}
			return rebootWorkers(cmd, env, ckecli, &flags, p)
		},
	}
	flags.register(cmd)
	budget.register(cmd)
	query.register(cmd)
	cmd.Flags().BoolVar(&behind, "behind", false, "only machines that neco nodes shows as behind")
	return cmd
}

// onlyBehind returns those of the machines that would boot with another version of Neco now.
func onlyBehind(ctx context.Context, env *Env, all []sabakan.Machine) ([]sabakan.Machine, error) {
	o, err := overview(ctx, env)
	if err != nil {
		return nil, err
	}
	if o.SerfError != "" {
		return nil, unknownVersions(o)
	}
	return slices.DeleteFunc(all, func(m sabakan.Machine) bool {
		return !slices.ContainsFunc(o.Nodes, func(n fleet.Node) bool { return n.Serial == m.Spec.Serial && n.Behind })
	}), nil
}

// rebootPlan asks CKE for its nodes and its queue.
func rebootPlan(ctx context.Context, c cke.Ckecli, all []sabakan.Machine) (reboot.Plan, error) {
	planes, err := kubernetesNodes(ctx, c)
	if err != nil {
		return reboot.Plan{}, err
	}
	queued, err := c.Reboots(ctx)
	if err != nil {
		return reboot.Plan{}, err
	}
	return reboot.NewPlan(all, planes, queued), nil
}

// kubernetesNodes asks CKE for the nodes of Kubernetes by address, with true for those of the
// control plane. It is an error if there are none.
func kubernetesNodes(ctx context.Context, c cke.Ckecli) (map[netip.Addr]bool, error) {
	nodes, err := c.Nodes(ctx)
	if err != nil {
		return nil, err
	}
	if len(nodes) == 0 {
		return nil, hint(errors.New("CKE knows no node of Kubernetes: if there are some, all would restart at once"), "ckecli cluster get shows them; without Kubernetes, restart machines with neco power restart")
	}
	planes := map[netip.Addr]bool{}
	for _, n := range nodes {
		planes[n.Address] = n.ControlPlane
	}
	return planes, nil
}

// rebootWorkers asks for both kinds of machines, and restarts them. It asks CKE again after each
// answer, which may take long: a machine that is of the other kind by then is left out.
func rebootWorkers(cmd *cobra.Command, env *Env, c cke.Ckecli, flags *machineFlags, p reboot.Plan) error {
	out := cmd.OutOrStdout()
	list(out, "in CKE's reboot queue already", p.Queued)
	if len(p.Entries)+len(p.Direct) == 0 {
		fmt.Fprintln(out, "no machine is to be restarted")
		return nil
	}
	var queueErr error
	if len(p.Entries) > 0 {
		sure, err := flags.agreed(cmd, slices.Concat(p.Entries...), "Add to CKE's reboot queue")
		if err != nil {
			return err
		}
		if sure {
			queueErr = enqueue(cmd, c, slices.Concat(p.Entries...))
		}
	}
	if len(p.Direct) == 0 {
		return queueErr
	}
	sure, err := flags.agreed(cmd, p.Direct, "Restart at once, because they are not nodes of Kubernetes")
	if !sure {
		return errors.Join(queueErr, err)
	}
	now, err := rebootPlan(cmd.Context(), c, p.Direct)
	if err != nil {
		return errors.Join(queueErr, err)
	}
	list(out, "left out, because it is a node of Kubernetes now", slices.Concat(append(now.Entries, now.Queued)...))
	return errors.Join(queueErr, withBMCs(cmd.Context(), env, func(b bmcs) error {
		b = flags.accept(cmd, env, b)
		return each(cmd.Context(), out, now.Direct, func(ctx context.Context, m sabakan.Machine) (string, error) {
			return restart(ctx, b, m)
		})
	}))
}

// list prints machines.
func list(out io.Writer, what string, all []sabakan.Machine) {
	for _, m := range all {
		fmt.Fprintf(out, "%s: %s\n", what, describe(m))
	}
}

// enqueue adds nodes to CKE's reboot queue. The error names those that were not added.
func enqueue(cmd *cobra.Command, c cke.Ckecli, all []sabakan.Machine) error {
	now, err := rebootPlan(cmd.Context(), c, all)
	if err != nil {
		return err
	}
	list(cmd.OutOrStdout(), "left out, because it is not a node of Kubernetes any more", now.Direct)
	list(cmd.OutOrStdout(), "left out, because it is in CKE's reboot queue now", now.Queued)
	for i, e := range now.Entries {
		err := context.Cause(cmd.Context())
		if err == nil {
			var addresses []netip.Addr
			for _, m := range e {
				addresses = append(addresses, reboot.Address(m))
			}
			err = c.AddReboot(cmd.Context(), addresses)
		}
		if err != nil {
			left := slices.Concat(now.Entries[i:]...)
			return hint(fmt.Errorf("%d machines were not added to CKE's reboot queue: %s: %w", len(left), serials(left), err),
				"run the command again: it leaves those out that are in the queue")
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s: in CKE's reboot queue\n", serials(e))
	}
	return nil
}

// serials returns the serial numbers of machines for people.
func serials(all []sabakan.Machine) string {
	var names []string
	for _, m := range all {
		names = append(names, m.Spec.Serial)
	}
	return strings.Join(names, ", ")
}

// restart restarts a machine that is on.
func restart(ctx context.Context, b bmcs, m sabakan.Machine) (string, error) {
	err := forceRestart(ctx, b, m)
	if errors.Is(err, bmc.ErrState) {
		return "is off, and stays off", nil
	}
	return "ok", err
}

// forceRestart restarts a machine. The error is bmc.ErrState if it is off.
func forceRestart(ctx context.Context, b bmcs, m sabakan.Machine) error {
	c, err := b.open(ctx, m)
	if err != nil {
		return err
	}
	defer c.Close()
	return c.Reset(ctx, bmc.ForceRestart)
}
