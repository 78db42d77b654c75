package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/internal/duration"
	"github.com/cybozu-go/neco/internal/errtext"
	"github.com/cybozu-go/neco/internal/printable"
	"github.com/cybozu-go/neco/pkg/bmc"
	"github.com/cybozu-go/neco/pkg/cke"
	"github.com/cybozu-go/neco/pkg/election"
	"github.com/cybozu-go/neco/pkg/reboot"
	"github.com/cybozu-go/neco/pkg/sabakan"
	"github.com/cybozu-go/neco/pkg/storage"
)

const (
	// rebootLockTTL is the time after which etcd releases the lock of a command that was killed.
	rebootLockTTL = 10 * time.Second
	// rebootLockWait is how long a command waits for the lock: until that of a killed one is
	// released.
	rebootLockWait = 15 * time.Second
	// rebootPoll is the default of Env.RebootPoll.
	rebootPoll = 10 * time.Second
)

// errRebootsHeld is the cause with which the wait for the lock ends.
var errRebootsHeld = errors.New("another neco reboot-worker works under a budget")

// holdReboots calls fn while it holds the lock of restarts under a budget. If another command has
// it, the error says who that is.
func holdReboots(ctx context.Context, cmd *cobra.Command, env *Env, s *storage.Storage, fn func(context.Context, storage.Guard) error) error {
	holder, err := rebootsHolder(ctx, env, s)
	if err != nil {
		return err
	}
	if holder != "" {
		fmt.Fprintf(cmd.ErrOrStderr(), "waits for %s for the lock of %s\n", duration.Text(rebootLockWait), holder)
	}
	return election.WithSession(ctx, s.Client(), rebootLockTTL, func(ctx context.Context, session *election.Session) error {
		limited, cancel := context.WithTimeoutCause(ctx, rebootLockWait, errRebootsHeld)
		defer cancel()
		h, err := session.Campaign(limited, storage.KeyRebootLock, fmt.Sprintf("%s since %s", env.By(), utc(env.Now())))
		if errors.Is(err, errRebootsHeld) {
			if holder, err := rebootsHolder(ctx, env, s); err == nil {
				return hint(fmt.Errorf("%w: %s", errRebootsHeld, holder), "wait until it has ended, or interrupt it there")
			}
		}
		if err != nil {
			return err
		}
		return fn(ctx, storage.Guard{Holder: h.Key, HolderRev: h.Rev, Lost: storage.ErrLeaseLost, LRN: -1})
	})
}

func rebootsHolder(ctx context.Context, env *Env, s *storage.Storage) (holder string, err error) {
	err = env.guarded(ctx, s, etcdTimeout, func(ctx context.Context) (err error) {
		holder, err = s.RebootsHolder(ctx)
		return err
	})
	return holder, err
}

// roll stores the plan r, or goes on with the stored one if r is nil, until it has ended. If etcd
// does not answer for so long that the lock is lost, it takes the lock again, and goes on.
func (f *budgetFlags) roll(cmd *cobra.Command, env *Env, s *storage.Storage, flags *machineFlags, r *reboot.Rolling) error {
	ctx, cancel := context.WithTimeoutCause(cmd.Context(), f.timeout, fmt.Errorf("not complete within %s (--timeout)", duration.Text(f.timeout)))
	defer cancel()
	begun := false
	for {
		err := holdReboots(ctx, cmd, env, s, func(ctx context.Context, g storage.Guard) error {
			o, err := f.load(ctx, cmd, env, s, r)
			if err != nil {
				return err
			}
			o.guard, o.flags = g, flags
			if err := o.put(ctx, o.plan, o.progress); err != nil {
				return err
			}
			r, begun = nil, true
			err = o.run(ctx)
			o.display.close()
			return o.end(ctx, err)
		})
		if !begun || ctx.Err() != nil || !lockLost(err) {
			return err
		}
		fmt.Fprintf(cmd.ErrOrStderr(), "the lock is lost, and is taken again: %s\n", printable.Line(errtext.Of(err)))
		if neco.SleepContext(ctx, env.RebootPoll) != nil {
			return hint(context.Cause(ctx), continueHint)
		}
	}
}

// continueHint is the hint if restarts under a budget are not complete.
const continueHint = "neco reboot-worker --resume goes on; --cancel forgets the restarts"

// lockLost reports whether err is the loss of the lock, or of etcd.
func lockLost(err error) bool {
	unreached := (*unreachedError)(nil)
	return errors.Is(err, election.ErrLeaseLost) || errors.Is(err, storage.ErrLeaseLost) ||
		err != nil && (noAnswer(err) || errors.As(err, &unreached))
}

// load returns a roller for the plan r, or for the stored one if r is nil.
func (f *budgetFlags) load(ctx context.Context, cmd *cobra.Command, env *Env, s *storage.Storage, r *reboot.Rolling) (o *roller, err error) {
	out := cmd.OutOrStdout()
	o = &roller{Env: env, cmd: cmd, store: s, cke: cke.New(env.FS), display: rackDisplay{w: out, terminal: isTerminal(out)}}
	if r != nil {
		o.plan = *r
		return o, nothingKept(ctx, env, s)
	}
	if o.plan, o.progress, err = kept(ctx, env, s); err != nil {
		return nil, err
	}
	o.progress.Lost = nil // they are requested again
	o.plan.Budget, err = f.budget(cmd, o.plan.Budget)
	return o, err
}

// roller restarts machines under a budget.
type roller struct {
	*Env
	cmd      *cobra.Command
	store    *storage.Storage
	guard    storage.Guard
	cke      cke.Ckecli
	flags    *machineFlags
	plan     reboot.Rolling
	progress reboot.Progress
	failed   []reboot.Trouble
	display  rackDisplay
}

// run works until the restarts have ended, and returns nil, or until ctx ends or the lock is lost.
// While CKE, serf, sabakan or etcd do not answer, it waits.
func (o *roller) run(ctx context.Context) error {
	for {
		step, err := o.round(ctx)
		switch {
		case context.Cause(ctx) != nil:
			return context.Cause(ctx)
		case errors.Is(err, storage.ErrLeaseLost):
			return err
		case err != nil:
			o.display.say("waits: " + errtext.Of(err))
		case step.Ended:
			return o.display.show(o.racks())
		}
		if err := o.display.show(o.racks()); err != nil {
			return err
		}
		if err := neco.SleepContext(ctx, o.RebootPoll); err != nil {
			return err
		}
	}
}

func (o *roller) racks() rackLines {
	failed := map[string]bool{}
	for _, f := range o.failed {
		failed[f.Serial] = true
	}
	return racksOf(o.plan, o.progress, failed)
}

// round does what has to be done next. The progress is stored before and after that.
func (o *roller) round(ctx context.Context) (reboot.Step, error) {
	v, err := observeFleet(ctx, o.Env, o.cke)
	if err != nil {
		return reboot.Step{}, err
	}
	step := o.plan.Next(o.progress, v)
	if err := o.keep(ctx, step.Progress); err != nil {
		return reboot.Step{}, err
	}
	o.tell(step)
	next := step.Progress.Clone()
	err = errors.Join(o.enqueue(ctx, step.Entries, &next), o.restart(ctx, step.Direct, &next))
	// What has been done is stored even if the command is interrupted.
	return step, errors.Join(err, o.keep(context.WithoutCancel(ctx), next))
}

// keep stores the progress if it has changed.
func (o *roller) keep(ctx context.Context, p reboot.Progress) error {
	before, err := json.Marshal(o.progress)
	if err != nil {
		return err
	}
	after, err := json.Marshal(p)
	if err == nil && !bytes.Equal(before, after) {
		err = o.put(ctx, nil, p)
	}
	if err == nil {
		o.progress = p
	}
	return err
}

func (o *roller) put(ctx context.Context, plan, progress any) error {
	return o.guarded(ctx, o.store, etcdTimeout, func(ctx context.Context) error {
		return o.store.PutReboots(ctx, o.guard, plan, progress)
	})
}

// tell prints what is new in a step, and what it waits for.
func (o *roller) tell(step reboot.Step) {
	for _, t := range step.Skipped {
		o.display.say(fmt.Sprintf("%s: skipped: %v", t.Serial, t.Err))
	}
	known := map[string]bool{}
	for _, t := range o.failed {
		known[t.Serial] = true
	}
	for _, t := range step.Failed {
		if !known[t.Serial] {
			o.display.say(fmt.Sprintf("%s: has not come back within %s: %v", t.Serial, duration.Text(reboot.Comeback), t.Err))
		}
	}
	o.failed = step.Failed
	switch limit := o.plan.Budget.Unavailable; {
	case step.Left == 0 || step.Ended:
	case !step.Opens.IsZero():
		o.display.say(fmt.Sprintf("waits until %s: outside of the window %s", step.Opens.Format("2006-01-02 15:04 MST"), o.plan.Budget.Window))
	case limit > 0 && step.Unavailable > len(step.Progress.Out) && step.Unavailable >= limit:
		o.display.say(fmt.Sprintf("waits: %d machines of the fleet are unavailable, of at most %d", step.Unavailable, limit))
	}
}

// enqueue adds entries to CKE's reboot queue, and confirms in p those that were added.
func (o *roller) enqueue(ctx context.Context, entries [][]sabakan.Machine, p *reboot.Progress) error {
	for _, e := range entries {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		var addresses []netip.Addr
		for _, m := range e {
			addresses = append(addresses, reboot.Address(m))
		}
		if err := o.cke.AddReboot(ctx, addresses); err != nil {
			return fmt.Errorf("%s may not be in CKE's reboot queue: %w", serials(e), err)
		}
		for _, m := range e {
			o.plan.Confirm(p, m.Spec.Serial)
		}
		o.display.say(serials(e) + ": in CKE's reboot queue")
	}
	return nil
}

// restart restarts machines by their BMCs, and confirms in p those that were restarted.
func (o *roller) restart(ctx context.Context, all []sabakan.Machine, p *reboot.Progress) error {
	if len(all) == 0 {
		return nil
	}
	var mu sync.Mutex
	return withBMCs(ctx, o.Env, func(b bmcs) error {
		b = o.flags.accept(o.cmd, o.Env, b)
		return each(ctx, io.Discard, all, func(ctx context.Context, m sabakan.Machine) (string, error) {
			err := forceRestart(ctx, b, m)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case errors.Is(err, bmc.ErrState):
				o.plan.Skip(p, m.Spec.Serial)
				o.display.say(m.Spec.Serial + ": is off, and stays off")
				return "", nil
			case err == nil:
				o.plan.Confirm(p, m.Spec.Serial)
				o.display.say(m.Spec.Serial + ": restarts")
			}
			return "", err
		})
	})
}

// end forgets the restarts if they are complete. Otherwise it prints how far they are, and returns
// an error. stopped is why they have not ended, or nil.
func (o *roller) end(ctx context.Context, stopped error) error {
	out := o.cmd.OutOrStdout()
	left, lost := len(o.plan.Left(o.progress)), len(o.plan.GivenUp(o.progress))
	switch {
	case lockLost(stopped):
		return stopped
	case stopped != nil:
		printState(out, o.plan, o.progress, o.failed)
		if errors.Is(stopped, context.Canceled) {
			stopped = errors.New("interrupted")
		}
		return hint(stopped, continueHint)
	case len(o.failed) == 0 && lost == 0:
		fmt.Fprintf(out, "%d machines have restarted, %d were skipped\n", len(o.progress.Done), len(o.progress.Skipped))
		return o.guarded(ctx, o.store, etcdTimeout, func(ctx context.Context) error { return o.store.ForgetReboots(ctx, o.guard) })
	}
	printState(out, o.plan, o.progress, o.failed)
	text := fmt.Sprintf("%d machines have not come back, and %d were not restarted", len(o.failed), lost)
	if left > 0 {
		text = fmt.Sprintf("%d machines have not come back: the budget does not allow the restart of the %d that are left", len(o.failed), left)
	}
	return hint(errors.New(text), "repair the machines; then "+continueHint)
}
