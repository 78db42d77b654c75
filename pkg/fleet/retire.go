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
	// tried is how often machines were to be retired, failed why that failed the last time, and off
	// which machines of an unknown type were switched off, by serial number.
	tried  map[string]int
	failed map[string]string
	off    map[string]bool
}

func newRetirer(l *leader) *retirer {
	return &retirer{leader: l, orders: make(chan []sabakan.Machine), tried: map[string]int{}, failed: map[string]string{}, off: map[string]bool{}}
}

// decide returns which machines retire, by what is in etcd and what earlier rounds have held back.
func (r *retirer) decide(ctx context.Context, now time.Time, all []statesetter.Judgement, held map[string]bool) (statesetter.Retirement, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	approved, err := r.store.Approved(ctx)
	if err != nil {
		return statesetter.Retirement{}, err
	}
	servers, err := r.store.Servers(ctx)
	if err != nil {
		return statesetter.Retirement{}, err
	}
	if err := r.forget(ctx, all, approved); err != nil {
		return statesetter.Retirement{}, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return statesetter.Retire(now, all, statesetter.Retiring{Approved: approved, Tried: r.tried, Servers: servers, Held: held}), nil
}

// forget forgets the approvals of machines that are not retiring: they must not count when such a
// machine retires another time.
func (r *retirer) forget(ctx context.Context, all []statesetter.Judgement, approved map[string]time.Time) error {
	retiring := map[string]bool{}
	for _, j := range all {
		retiring[j.Machine.Spec.Serial] = j.Machine.Status.State == sabakan.Retiring
	}
	for serial, at := range approved {
		if !retiring[serial] {
			if err := r.store.ForgetApproval(ctx, serial, at); err != nil {
				return err
			}
		}
	}
	return nil
}

// failures returns why machines have not retired, by serial number.
func (r *retirer) failures() map[string]string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.failed)
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
		r.begin(serial)
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

// begin counts an attempt.
func (r *retirer) begin(serial string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tried[serial]++
}

// wasOff reports whether this leader has switched off a machine of an unknown type.
func (r *retirer) wasOff(serial string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.off[serial]
}

func (r *retirer) setOff(serial string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.off[serial] = true
}

// end logs the result of an attempt.
func (r *retirer) end(serial string, err error) {
	r.Stats.retirements.WithLabelValues(resultOf(err)).Inc()
	if err == nil {
		r.Log.Info("the machine is retired: its disk keys are deleted, and the clearing of its TPM is ordered", "machine", serial)
	} else {
		r.Log.Warn("the machine is not retired yet", "machine", serial, "err", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if delete(r.failed, serial); err != nil {
		r.failed[serial] = err.Error()
	}
}

// retireOne retires one machine. One of an unknown type is switched off once: an operator may switch
// it on to clear its TPM.
func (r *retirer) retireOne(ctx context.Context, access bmcaccess.Access, serial string) error {
	// The list of machines may be old: an operator, or another leader, may have been faster.
	m, err := r.machine(ctx, serial, sabakan.Retiring)
	if err != nil {
		return err
	}
	c, err := access.Open(ctx, m)
	if err != nil {
		return err
	}
	defer c.Close()
	// sabakan refuses this unless the machine is retiring.
	if _, err := r.Observer.Sabakan.DeleteKeys(ctx, serial); err != nil {
		return err
	}
	if r.wasOff(serial) {
		return errors.New("the machine was switched off, but how to clear the TPM of its type is not known: clear it by hand, then sabactl machines set-state " + serial + " retired")
	}
	err = retirement.ClearTPM(ctx, c, m)
	if errors.Is(err, retirement.ErrUnknownType) {
		r.setOff(serial)
	}
	if err != nil {
		return err
	}
	return r.Observer.Sabakan.SetState(ctx, serial, sabakan.Retired)
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
