package fleet

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/bmc"
	"github.com/cybozu-go/neco/pkg/bmcaccess"
	"github.com/cybozu-go/neco/pkg/retirement"
	"github.com/cybozu-go/neco/pkg/sabakan"
	"github.com/cybozu-go/neco/pkg/statesetter"
	"github.com/cybozu-go/neco/pkg/storage"
)

const (
	// retireTimeout is how long the retirement of the machines of one round may take, and
	// shutdownTimeout the same for one machine that is switched off.
	retireTimeout   = 2 * time.Minute
	shutdownTimeout = 2 * time.Minute
	// Settle is how long a machine that has retired is not switched off by the schedule.
	Settle = 30 * time.Minute
	// switchOffPause is the time between two attempts at the same time of the schedule, and
	// switchOffAttempts how many there are.
	switchOffPause    = 5 * time.Minute
	switchOffAttempts = 3
)

// retirer retires machines beside the rounds of a leader: a slow BMC must not keep other machines
// from being judged.
type retirer struct {
	*leader
	// orders are the machines of a round. A round that comes while others retire orders none.
	orders chan []sabakan.Machine

	mu sync.Mutex
	// attempts are what this leader has done with retiring machines, by serial number.
	attempts map[string]*attempt
}

// attempt is what has been done to retire a machine.
type attempt struct {
	// tried is how often it was tried, and failed why that failed the last time.
	tried  int
	failed string
	// off: the machine, whose type is unknown, was switched off. cleared: the clearing of its TPM was
	// ordered. Neither is done twice.
	off, cleared bool
}

func newRetirer(l *leader) *retirer {
	return &retirer{leader: l, orders: make(chan []sabakan.Machine), attempts: map[string]*attempt{}}
}

// allowances are what limits the retirement of machines, beside their states.
type allowances struct {
	approved map[string]storage.Approval
	servers  []int
}

// allowances reads the approvals of operators and the registered boot servers.
func (l *leader) allowances(ctx context.Context) (allowances, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	approved, err := l.store.Approved(ctx)
	if err != nil {
		return allowances{}, err
	}
	servers, err := l.store.Servers(ctx)
	return allowances{approved, servers}, err
}

// decide returns which machines retire. It forgets what was done with machines that are not
// retiring any more.
func (r *retirer) decide(now time.Time, all []statesetter.Judgement, given allowances, before statesetter.Memory) statesetter.Retirement {
	retiring := retiringOf(all)
	by := statesetter.Retiring{Approved: map[string]time.Time{}, Tried: map[string]int{}, Servers: given.servers, Held: before.Held, Before: before.Retired}
	for serial, a := range given.approved {
		by.Approved[serial] = a.Since
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	maps.DeleteFunc(r.attempts, func(serial string, _ *attempt) bool { return !retiring[serial] })
	for serial, a := range r.attempts {
		by.Tried[serial] = a.tried
	}
	return statesetter.Retire(now, all, by)
}

// retiringOf returns the machines that are retiring, by serial number.
func retiringOf(all []statesetter.Judgement) map[string]bool {
	retiring := map[string]bool{}
	for _, j := range all {
		if j.Machine.Status.State == sabakan.Retiring {
			retiring[j.Machine.Spec.Serial] = true
		}
	}
	return retiring
}

// forgetApprovals forgets those of the approvals, which were read before the observation, whose
// machines are not retiring: they must not count when such a machine retires another time. Those
// that it cannot forget now are left to the next round.
func (l *leader) forgetApprovals(ctx context.Context, all []statesetter.Judgement, approved map[string]storage.Approval) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	retiring := retiringOf(all)
	for serial, a := range approved {
		if retiring[serial] {
			continue
		}
		if err := l.store.ForgetApproval(ctx, serial, a); err != nil {
			l.Log.Warn("an approval is not forgotten yet", "machine", serial, "err", err)
			return
		}
	}
}

// failures returns why machines have not retired, by serial number.
func (r *retirer) failures() map[string]string {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := map[string]string{}
	for serial, a := range r.attempts {
		if a.failed != "" {
			all[serial] = a.failed
		}
	}
	return all
}

// order lets machines retire, unless others do.
func (r *retirer) order(machines []sabakan.Machine) {
	if len(machines) == 0 {
		return
	}
	select {
	case r.orders <- machines:
	default:
	}
}

// run retires the machines that are ordered, until ctx ends.
func (r *retirer) run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case machines := <-r.orders:
			r.retire(ctx, machines)
		}
	}
}

// retire deletes the keys of the disks of retiring machines, clears their TPM, and calls them
// retired in sabakan. It goes on after a machine that fails; that one is tried again in a later
// round. What an earlier attempt has done is done again without harm.
func (r *retirer) retire(ctx context.Context, machines []sabakan.Machine) {
	ctx, cancel := context.WithTimeoutCause(ctx, retireTimeout, fmt.Errorf("not within %s", retireTimeout))
	defer cancel()
	access, err := bmcaccess.New(ctx, r.store, r.BMCPort)
	var g errgroup.Group
	for _, m := range machines {
		serial := m.Spec.Serial
		r.note(serial, func(a *attempt) { a.tried++ })
		g.Go(func() error {
			err := err
			if err == nil {
				err = r.retireOne(ctx, access, serial)
			}
			r.end(serial, err)
			return nil
		})
	}
	_ = g.Wait() // no function returns an error
}

// did returns what was done to retire a machine.
func (r *retirer) did(serial string) attempt {
	r.mu.Lock()
	defer r.mu.Unlock()
	if a := r.attempts[serial]; a != nil {
		return *a
	}
	return attempt{}
}

// note changes what is known to be done to retire a machine.
func (r *retirer) note(serial string, change func(*attempt)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	a := r.attempts[serial]
	if a == nil {
		a = &attempt{}
		r.attempts[serial] = a
	}
	change(a)
}

// end logs the result of an attempt.
func (r *retirer) end(serial string, err error) {
	r.Stats.retirements.WithLabelValues(resultOf(err)).Inc()
	why := ""
	if err == nil {
		r.Log.Info("the machine is retired: its disk keys are deleted, and the clearing of its TPM is ordered", "machine", serial)
	} else {
		r.Log.Warn("the machine is not retired yet", "machine", serial, "err", err)
		why = err.Error()
	}
	r.note(serial, func(a *attempt) { a.failed = why })
}

// retireOne retires one machine. One of an unknown type is switched off once: an operator may switch
// it on to clear its TPM.
func (r *retirer) retireOne(ctx context.Context, access bmcaccess.Access, serial string) error {
	// The list of machines may be old: an operator, or another leader, may have been faster.
	m, err := r.machine(ctx, serial, sabakan.Retiring)
	if err != nil {
		return err
	}
	did := r.did(serial)
	if !did.cleared {
		if err := r.clear(ctx, access, m, did); err != nil {
			return err
		}
	}
	return r.Observer.Sabakan.SetState(ctx, serial, sabakan.Retired)
}

// clear deletes the keys of the disks of a retiring machine, and clears its TPM.
func (r *retirer) clear(ctx context.Context, access bmcaccess.Access, m sabakan.Machine, did attempt) error {
	serial := m.Spec.Serial
	c, err := access.Open(ctx, m)
	if err != nil {
		return err
	}
	defer c.Close()
	// sabakan refuses this unless the machine is retiring.
	if _, err := r.Observer.Sabakan.DeleteKeys(ctx, serial); err != nil {
		return err
	}
	if did.off {
		return errors.New("the machine was switched off, but how to clear the TPM of its type is not known: clear it by hand, then sabactl machines set-state " + serial + " retired")
	}
	err = retirement.ClearTPM(ctx, c, m)
	switch {
	case err == nil:
		r.note(serial, func(a *attempt) { a.cleared = true })
	case errors.Is(err, retirement.ErrUnknownType):
		r.note(serial, func(a *attempt) { a.off = true })
	}
	return err
}

// machine returns a machine as it is in sabakan now. It returns an error if it is not in the state
// want.
func (l *leader) machine(ctx context.Context, serial string, want sabakan.State) (sabakan.Machine, error) {
	found, err := l.Observer.Sabakan.Machines(ctx, url.Values{"serial": {serial}})
	switch {
	case err != nil:
		return sabakan.Machine{}, err
	case len(found) != 1:
		return sabakan.Machine{}, fmt.Errorf("sabakan has %d machines with this serial number", len(found))
	case found[0].Status.State != want:
		return sabakan.Machine{}, fmt.Errorf("the machine is %s, not %s any more", found[0].Status.State, want)
	}
	return found[0], nil
}

// once logs a text as an error if it is another one than the last time for the same subject; ""
// ends that.
func (l *leader) once(subject, text string) {
	if text != "" && l.said[subject] != text {
		l.Log.Error(text)
	}
	l.said[subject] = text
}

// shutDown switches off the retired machines that are on, at each time of the schedule, until ctx
// ends.
func (l *leader) shutDown(ctx context.Context) error {
	if l.Config.Shutdown == nil {
		<-ctx.Done()
		return context.Cause(ctx)
	}
	for {
		now := time.Now()
		next := l.Config.Shutdown.Next(now)
		if next.IsZero() { // cron searches only some years
			next = now.AddDate(1, 0, 0)
		}
		if err := neco.SleepContext(ctx, next.Sub(now)); err != nil {
			return err
		}
		for range switchOffAttempts {
			err := l.switchOff(ctx)
			if err == nil {
				break
			}
			l.Log.Warn("retired machines are not switched off", "err", err)
			if err := neco.SleepContext(ctx, switchOffPause); err != nil {
				return err
			}
		}
	}
}

// switchOff switches off the retired machines that are on, except those that have retired lately:
// their BIOS may still have to clear the TPM.
func (l *leader) switchOff(ctx context.Context) error {
	all, err := l.Observer.Sabakan.Search(ctx, sabakan.Params{States: []sabakan.State{sabakan.Retired}}, nil)
	if err != nil {
		return err
	}
	all = settled(all, time.Now(), l.Settle)
	if len(all) == 0 {
		return nil
	}
	access, err := bmcaccess.New(ctx, l.store, l.BMCPort)
	if err != nil {
		return err
	}
	var g errgroup.Group
	g.SetLimit(l.Observer.Parallel)
	for _, m := range all {
		serial := m.Spec.Serial
		g.Go(func() error {
			off, err := l.switchOneOff(ctx, access, serial)
			switch {
			case err != nil:
				l.Log.Warn("the retired machine is not switched off", "machine", serial, "err", err)
			case off:
				l.Log.Info("the retired machine is switched off", "machine", serial)
			}
			return nil
		})
	}
	return g.Wait()
}

// settled returns those of the retired machines that have been so for long enough at the time now.
func settled(all []sabakan.Machine, now time.Time, settle time.Duration) []sabakan.Machine {
	return slices.DeleteFunc(all, func(m sabakan.Machine) bool { return now.Sub(m.Status.Since) < settle })
}

// switchOneOff switches a machine off that is still retired, and reports whether it was on.
func (l *leader) switchOneOff(ctx context.Context, access bmcaccess.Access, serial string) (bool, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, shutdownTimeout, fmt.Errorf("not within %s", shutdownTimeout))
	defer cancel()
	m, err := l.machine(ctx, serial, sabakan.Retired)
	if err != nil {
		return false, err
	}
	c, err := access.Open(ctx, m)
	if err != nil {
		return false, err
	}
	defer c.Close()
	if p, err := c.Power(ctx); err != nil || p == bmc.Off {
		return false, err
	}
	err = c.Reset(ctx, bmc.ForceOff)
	if errors.Is(err, bmc.ErrState) {
		return false, nil
	}
	return err == nil, err
}
