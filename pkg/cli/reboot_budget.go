package cli

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco/internal/duration"
	"github.com/cybozu-go/neco/pkg/cke"
	"github.com/cybozu-go/neco/pkg/fleet"
	"github.com/cybozu-go/neco/pkg/reboot"
	"github.com/cybozu-go/neco/pkg/sabakan"
	"github.com/cybozu-go/neco/pkg/storage"
)

const (
	// budgetTimeout is how long neco reboot-worker works under a budget by default.
	budgetTimeout = 7 * duration.Day
	// observeTimeout is how long CKE, serf and sabakan have time to describe the fleet.
	observeTimeout = time.Minute
)

// budgetHelp explains the flags of a budget.
const budgetHelp = `With --max-per-rack, --max-unavailable or --window the command stays in the
foreground, and restarts machines of both kinds only as far as they allow it. A
machine is out from its entry in CKE's queue, or from its restart, until serf
has another boot of it and no failed unit, and sabakan calls it healthy. The
command ends when all machines are done, or when those that do not come back
within 55 minutes use up the budget. The plan is kept in etcd: after an
interruption, --resume continues it on any boot server.`

// budgetFlags are the flags of neco reboot-worker for restarts under a budget.
type budgetFlags struct {
	perRack, unavailable int
	window               string
	timeout              time.Duration
	resume, cancel       bool
}

func (f *budgetFlags) register(cmd *cobra.Command) {
	f.timeout = budgetTimeout
	set := cmd.Flags()
	set.IntVar(&f.perRack, "max-per-rack", 0, "`NUMBER`: at most so many machines of a rack are out at the same time")
	set.IntVar(&f.unavailable, "max-unavailable", 0, "`NUMBER`: at most so many machines of the fleet are out at the same time, with those that are unhealthy or unreachable")
	set.StringVar(&f.window, "window", "", "`HH:MM-HH:MM`: begin restarts only at these hours of each day, in the time zone of this server")
	set.Var(duration.Var(&f.timeout, time.Second, 90*duration.Day), "timeout", "how long to work under a budget, 1s to 90d (default: 7d)")
	set.BoolVar(&f.resume, "resume", false, "go on with restarts under a budget that were interrupted; other limits replace theirs")
	set.BoolVar(&f.cancel, "cancel", false, "forget restarts under a budget that were interrupted")
}

// wanted reports whether restarts are under a budget. It returns an error if flags are wrong.
func (f *budgetFlags) wanted(cmd *cobra.Command) (bool, error) {
	for _, name := range []string{"max-per-rack", "max-unavailable"} {
		if n, err := cmd.Flags().GetInt(name); err == nil && cmd.Flags().Changed(name) && n < 1 {
			return false, hint(fmt.Errorf("--%s %d: it must be at least 1", name, n), "without the flag there is no such limit")
		}
	}
	if _, err := f.budget(cmd, reboot.Budget{}); err != nil {
		return false, err
	}
	if f.resume && f.cancel {
		return false, hint(errors.New("--resume and --cancel exclude each other"), "--resume goes on, --cancel forgets")
	}
	limited := cmd.Flags().Changed("max-per-rack") || cmd.Flags().Changed("max-unavailable") || cmd.Flags().Changed("window")
	if cmd.Flags().Changed("timeout") && !limited && !f.resume {
		return false, hint(errors.New("--timeout is for restarts under a budget"), "add --max-per-rack, --max-unavailable or --window")
	}
	return limited || f.resume || f.cancel, nil
}

// budget returns b with the limits that are given as flags.
func (f *budgetFlags) budget(cmd *cobra.Command, b reboot.Budget) (reboot.Budget, error) {
	if f.perRack > 0 {
		b.PerRack = f.perRack
	}
	if f.unavailable > 0 {
		b.Unavailable = f.unavailable
	}
	if !cmd.Flags().Changed("window") {
		return b, nil
	}
	w, err := reboot.ParseWindow(f.window)
	if err != nil {
		return b, hint(fmt.Errorf("--window: %w", err), "give two times of the day, such as 22:00-05:00")
	}
	b.Window = w
	return b, nil
}

// observeFleet returns what CKE, serf and sabakan say about the fleet now. It takes at most
// observeTimeout.
func observeFleet(ctx context.Context, env *Env, c cke.Ckecli) (reboot.View, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, observeTimeout, fmt.Errorf("CKE, serf and sabakan do not answer within %s", observeTimeout))
	defer cancel()
	v := reboot.View{Queue: map[netip.Addr]bool{}}
	queue, err := c.RebootQueue(ctx)
	if err != nil {
		return v, err
	}
	for _, e := range queue {
		for _, a := range e.Nodes {
			v.Queue[a] = e.Begun()
		}
	}
	if v.Nodes, err = kubernetesNodes(ctx, c); err != nil {
		return v, err
	}
	s := sabakan.New(env.Sabakan)
	defer s.Close()
	if v.Members, err = fleet.New(s, env.Serf).MembersBySerial(ctx); err != nil {
		return v, hint(err, "without serf, nobody knows which machines have restarted; systemctl status serf")
	}
	v.Machines, err = s.Machines(ctx, nil)
	if err == nil && len(v.Machines) == 0 {
		err = errors.New("sabakan has no machines")
	}
	v.Now = env.Now().Truncate(time.Second)
	return v, hint(err, sabakanHint)
}

// newRolling makes the plan for machines, and prints those that are left out.
func newRolling(cmd *cobra.Command, env *Env, b reboot.Budget, v reboot.View, all []sabakan.Machine) reboot.Rolling {
	r := reboot.Rolling{StartedAt: v.Now, By: env.By(), Budget: b}
	out := cmd.OutOrStdout()
	for _, m := range all {
		_, isNode := v.Nodes[reboot.Address(m)]
		_, queued := v.Queue[reboot.Address(m)]
		switch {
		case queued:
			fmt.Fprintf(out, "in CKE's reboot queue already: %s\n", describe(m))
		case reboot.Restartable(m):
			r.Targets = append(r.Targets, reboot.Target{Serial: m.Spec.Serial, Rack: m.Spec.Rack, Direct: !isNode, Boots: reboot.Boots(v.Members[m.Spec.Serial])})
		case m.Spec.Role != "boot":
			fmt.Fprintf(out, "left out, because of its state: %s\n", describe(m))
		}
	}
	return r
}

// startBudget asks, and restarts machines under a budget.
func (f *budgetFlags) startBudget(cmd *cobra.Command, env *Env, flags *machineFlags, all []sabakan.Machine) error {
	b, err := f.budget(cmd, reboot.Budget{})
	if err != nil {
		return err
	}
	return env.withStorage(func(s *storage.Storage) error {
		if err := nothingKept(cmd.Context(), env, s); err != nil {
			return err
		}
		v, err := observeFleet(cmd.Context(), env, cke.New(env.FS))
		if err != nil {
			return err
		}
		r := newRolling(cmd, env, b, v, all)
		if len(r.Targets) == 0 {
			fmt.Fprintln(cmd.OutOrStdout(), "no machine is to be restarted")
			return nil
		}
		printPlan(cmd.OutOrStdout(), r, reboot.Progress{}, v)
		if flags.dryRun {
			return nil
		}
		if err := flags.get(cmd); err != nil {
			return err
		}
		return f.roll(cmd, env, s, flags, &r)
	})
}

// kept returns the restarts that are not complete, or an error if there are none.
func kept(ctx context.Context, env *Env, s *storage.Storage) (r reboot.Rolling, p reboot.Progress, err error) {
	var data storage.Reboots
	err = env.guarded(ctx, s, etcdTimeout, func(ctx context.Context) (err error) {
		data, err = s.Reboots(ctx)
		return err
	})
	if err != nil {
		return r, p, err
	}
	if data.Plan == nil {
		return r, p, hint(errors.New("no restarts under a budget were interrupted"), "neco reboot-worker --max-per-rack 1 begins some")
	}
	err = data.Decode(&r, &p)
	if err == nil && !r.Valid(p) {
		err = storage.MalformedKey{Key: storage.KeyRebootsProgress, Err: errors.New("its numbers are not those of machines of the plan, each once")}
	}
	return r, p, hint(err, "neco reboot-worker --cancel forgets the restarts")
}

// nothingKept returns an error if there are restarts that are not complete.
func nothingKept(ctx context.Context, env *Env, s *storage.Storage) error {
	return env.guarded(ctx, s, etcdTimeout, func(ctx context.Context) error {
		data, err := s.Reboots(ctx)
		if err != nil || data.Plan == nil {
			return err
		}
		what := "restarts under a budget are not complete"
		var r reboot.Rolling
		var p reboot.Progress
		if data.Decode(&r, &p) == nil {
			what = fmt.Sprintf("restarts under a budget, begun by %s at %s, are not complete: %d of %d machines are done", r.By, utc(r.StartedAt), len(p.Done), len(r.Targets))
		}
		return hint(errors.New(what), "neco reboot-worker --resume goes on with them, --cancel forgets them")
	})
}

// resumeBudget asks, and goes on with restarts that were interrupted.
func (f *budgetFlags) resumeBudget(cmd *cobra.Command, env *Env, flags *machineFlags) error {
	return env.withStorage(func(s *storage.Storage) error {
		r, p, err := kept(cmd.Context(), env, s)
		if err != nil {
			return err
		}
		if r.Budget, err = f.budget(cmd, r.Budget); err != nil {
			return err
		}
		v, err := observeFleet(cmd.Context(), env, cke.New(env.FS))
		if err != nil {
			return err
		}
		fmt.Fprintf(cmd.OutOrStdout(), "Restarts begun by %s at %s\n", r.By, utc(r.StartedAt))
		printPlan(cmd.OutOrStdout(), r, p, v)
		if flags.dryRun {
			return nil
		}
		if err := flags.get(cmd); err != nil {
			return err
		}
		return f.roll(cmd, env, s, flags, nil)
	})
}

// cancelBudget asks, and forgets restarts that were interrupted.
func (f *budgetFlags) cancelBudget(cmd *cobra.Command, env *Env, flags *machineFlags) error {
	return env.withStorage(func(s *storage.Storage) error {
		r, p, err := kept(cmd.Context(), env, s)
		if bad := (storage.MalformedKey{}); err != nil && !errors.As(err, &bad) {
			return err
		}
		fmt.Fprintln(cmd.OutOrStdout(), "Forget restarts under a budget; entries of CKE's reboot queue stay there:")
		if err == nil {
			printState(cmd.OutOrStdout(), r, p, nil)
		}
		if flags.dryRun {
			return nil
		}
		if err := flags.get(cmd); err != nil {
			return err
		}
		return holdReboots(cmd.Context(), cmd, env, s, func(ctx context.Context, g storage.Guard) error {
			return env.guarded(ctx, s, etcdTimeout, func(ctx context.Context) error { return s.ForgetReboots(ctx, g) })
		})
	})
}

// selects returns an error if a flag selects machines: those of interrupted restarts are known.
func (f *budgetFlags) selects(query *machineQuery, behind bool) error {
	v, err := query.values()
	if err == nil && (len(v) > 0 || behind) {
		err = hint(errors.New("--resume and --cancel take no flags that select machines"), "the machines are those of the restarts that were interrupted")
	}
	return err
}

// names returns the serial numbers of machines of a plan for people.
func names(r reboot.Rolling, numbers []int) string {
	var all []string
	for _, i := range numbers {
		all = append(all, r.Targets[i].Serial)
	}
	return strings.Join(all, ", ")
}
