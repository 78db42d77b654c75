package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco/internal/printable"
	"github.com/cybozu-go/neco/pkg/fleet"
	"github.com/cybozu-go/neco/pkg/sabakan"
	"github.com/cybozu-go/neco/pkg/statesetter"
	"github.com/cybozu-go/neco/pkg/storage"
)

// mostApproved is how many machines one command may approve: etcd limits the size of a
// transaction.
const mostApproved = 100

func newNodesCmd(env *Env) *cobra.Command {
	var o output
	var behind bool
	cmd := &cobra.Command{
		Use:   "nodes",
		Short: "List the machines with their states, and why they have them",
		Long: `List the machines with their states, and why they have them. VERSION is the
version of Neco with which a machine has booted. A machine is behind if it would
boot with another one now: the newest ignition template of its role in sabakan.

A machine that is bad, but not long enough to change its state, is listed with
the time since which it is bad.`,
		Args: none(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.validate(); err != nil {
				return err
			}
			all, err := overview(cmd.Context(), env)
			if err != nil {
				return err
			}
			if behind && all.SerfError != "" {
				return unknownVersions(all)
			}
			shown := all
			if behind {
				shown.Nodes = slices.DeleteFunc(slices.Clone(all.Nodes), func(n fleet.Node) bool { return !n.Behind })
			}
			if o.json() {
				return writeJSON(cmd.OutOrStdout(), shown)
			}
			return writeNodes(cmd.OutOrStdout(), shown, all.Nodes)
		},
	}
	o.register(cmd)
	cmd.Flags().BoolVar(&behind, "behind", false, "only list machines that are behind")
	cmd.AddCommand(newNodesApproveCmd(env))
	return cmd
}

// unknownVersions is the error that serf does not tell the versions of machines.
func unknownVersions(o fleet.Overview) error {
	return hint(errors.New(o.SerfError), "without serf, nobody knows which machines are behind; systemctl status serf")
}

// overview returns the machines and what sabakan-state-setter has observed.
func overview(ctx context.Context, env *Env) (fleet.Overview, error) {
	var f storage.Fleet
	err := env.request(ctx, func(ctx context.Context, s *storage.Storage) (err error) {
		f, err = s.Fleet(ctx)
		return err
	})
	if err != nil {
		return fleet.Overview{}, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, sabakanTimeout, fmt.Errorf("sabakan does not answer within %s", sabakanTimeout))
	defer cancel()
	c := sabakan.New(env.Sabakan)
	defer c.Close()
	all, err := fleet.New(c, env.Serf).Overview(ctx, f)
	switch bad := (storage.MalformedKey{}); {
	case errors.As(err, &bad):
		return all, hint(err, "sabakan-state-setter writes it again in its next round; is it running? systemctl status sabakan-state-setter")
	case err != nil:
		return all, hint(err, sabakanHint)
	}
	return all, nil
}

// writeNodes writes a table of the machines in o, and a summary of all.
func writeNodes(w io.Writer, o fleet.Overview, all []fleet.Node) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "SERIAL\tRACK\tROLE\tADDRESS\tSTATE\tSINCE\tVERSION\tREASON")
	for _, n := range o.Nodes {
		address := "-"
		if n.Address.IsValid() {
			address = n.Address.String()
		}
		version := cmp.Or(n.Version, "-")
		if n.Behind {
			version += " (behind)"
		}
		fmt.Fprintf(tw, "%s\t%d\t%s\t%s\t%s\t%s\t%s\t%s\n", n.Serial, n.Rack, n.Role, address, n.State, utc(n.Since), version, reasonOf(n))
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	for _, text := range o.Held {
		fmt.Fprintf(w, "held back: %s\n", printable.Line(text))
	}
	if o.SerfError != "" {
		fmt.Fprintf(w, "versions are unknown: %s\n", printable.Line(o.SerfError))
	}
	fmt.Fprintln(w, summary(all))
	return nil
}

func utc(t time.Time) string { return t.UTC().Format(time.DateTime + "Z") }

// reasonOf returns why a machine is not as it should be, or "-".
func reasonOf(n fleet.Node) string {
	reason := cmp.Or(printable.Line(n.Reason), "-")
	if n.Bad == nil {
		return reason
	}
	return fmt.Sprintf("%s since %s: %s", n.Next, utc(*n.Bad), reason)
}

// summary returns how many machines there are in each state, and how many are behind.
func summary(all []fleet.Node) string {
	states, behind := map[sabakan.State]int{}, 0
	for _, n := range all {
		states[n.State]++
		if n.Behind {
			behind++
		}
	}
	var counts []string
	for _, s := range slices.Sorted(maps.Keys(states)) {
		counts = append(counts, fmt.Sprintf("%d %s", states[s], s))
	}
	text := fmt.Sprintf("%d machines", len(all))
	if len(counts) > 0 {
		text += ": " + strings.Join(counts, ", ")
	}
	return fmt.Sprintf("%s; %d behind", text, behind)
}

func newNodesApproveCmd(env *Env) *cobra.Command {
	var flags machineFlags
	cmd := &cobra.Command{
		Use:   "approve ID...",
		Short: "Let machines retire although many are retiring",
		Long: fmt.Sprintf(`Let machines retire although more than %d have begun to within a day.
sabakan-state-setter then deletes the keys of their disks and clears their TPM,
and nothing can read their disks any more. An approval does not count any more
when the machine leaves the state retiring.

`+idHelp, statesetter.MostRetiring),
		Args: between(1, mostApproved),
		RunE: func(cmd *cobra.Command, args []string) error {
			all, err := findMachines(cmd.Context(), env, args)
			if err != nil {
				return err
			}
			var serials []string
			since := map[string]time.Time{}
			for _, m := range all {
				if m.Status.State != sabakan.Retiring {
					return hint(fmt.Errorf("machine %s is %s, not retiring", m.Spec.Serial, m.Status.State), "nothing was changed")
				}
				serials = append(serials, m.Spec.Serial)
				since[m.Spec.Serial] = m.Status.Since
			}
			if sure, err := flags.agreed(cmd, all, "Delete the keys of the disks and clear the TPM of"); !sure {
				return err
			}
			return env.request(cmd.Context(), func(ctx context.Context, s *storage.Storage) error {
				names := strings.Join(serials, ", ")
				if err := s.Approve(ctx, since, env.act(storage.KindConfig, "the retirement of %s is approved", names)); err != nil {
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
