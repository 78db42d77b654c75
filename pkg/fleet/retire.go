package fleet

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/bmc"
	"github.com/cybozu-go/neco/pkg/bmcaccess"
	"github.com/cybozu-go/neco/pkg/retirement"
	"github.com/cybozu-go/neco/pkg/sabakan"
)

const (
	// retireTimeout is how long the retirement of the machines of one round may take, and
	// shutdownTimeout the same for one machine that is switched off.
	retireTimeout   = 2 * time.Minute
	shutdownTimeout = 2 * time.Minute
)

// retire deletes the keys of the disks of retiring machines, clears their TPM, and calls them
// retired in sabakan. It goes on after a machine that fails; that one is tried again in the next
// round. What an earlier attempt has done is done again without harm.
func (l *leader) retire(ctx context.Context, machines []sabakan.Machine) {
	if len(machines) == 0 {
		return
	}
	ctx, cancel := context.WithTimeoutCause(ctx, retireTimeout, fmt.Errorf("not within %s", retireTimeout))
	defer cancel()
	access, err := bmcaccess.New(ctx, l.store, l.BMCPort)
	if err != nil {
		text := fmt.Sprintf("machines retire, but their TPM cannot be cleared: %v", err)
		l.once("access", text)
		for _, m := range machines {
			l.failed[m.Spec.Serial] = text
		}
		return
	}
	l.once("access", "")
	l.Pulse.Allow(retireTimeout)
	var g errgroup.Group
	var mu sync.Mutex
	for _, m := range machines {
		l.tried[m.Spec.Serial]++
		delete(l.failed, m.Spec.Serial)
	}
	for _, m := range machines {
		g.Go(func() error {
			err := l.retireOne(ctx, access, m)
			l.Stats.retirements.WithLabelValues(resultOf(err)).Inc()
			if err != nil {
				l.Log.Warn("the machine is not retired yet", "machine", m.Spec.Serial, "err", err)
				mu.Lock()
				defer mu.Unlock()
				l.failed[m.Spec.Serial] = err.Error()
			} else {
				l.Log.Info("the machine is retired: its disk keys are deleted and its TPM is cleared", "machine", m.Spec.Serial)
			}
			return nil
		})
	}
	_ = g.Wait() // no function returns an error
	l.Pulse.Beat()
}

func (l *leader) approved(ctx context.Context) (map[string]bool, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	return l.store.Approved(ctx)
}

func (l *leader) retireOne(ctx context.Context, access bmcaccess.Access, m sabakan.Machine) error {
	// sabakan refuses this unless the machine is retiring.
	if _, err := l.Observer.Sabakan.DeleteKeys(ctx, m.Spec.Serial); err != nil {
		return err
	}
	c, err := access.Open(ctx, m)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := retirement.ClearTPM(ctx, c, m); err != nil {
		return err
	}
	if err := l.Observer.Sabakan.SetState(ctx, m.Spec.Serial, sabakan.Retired); err != nil {
		return err
	}
	return l.store.ForgetApproval(ctx, m.Spec.Serial)
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
		if err := l.switchOff(ctx); err != nil {
			l.Log.Warn("retired machines are not switched off", "err", err)
		}
	}
}

// switchOff switches off the retired machines that are on.
func (l *leader) switchOff(ctx context.Context) error {
	all, err := l.Observer.Sabakan.Search(ctx, sabakan.Params{States: []sabakan.State{sabakan.Retired}}, nil)
	if err != nil || len(all) == 0 {
		return err
	}
	access, err := bmcaccess.New(ctx, l.store, l.BMCPort)
	if err != nil {
		return err
	}
	var g errgroup.Group
	g.SetLimit(l.Observer.Parallel)
	for _, m := range all {
		g.Go(func() error {
			off, err := switchOff(ctx, access, m)
			switch {
			case err != nil:
				l.Log.Warn("the retired machine is not switched off", "machine", m.Spec.Serial, "err", err)
			case off:
				l.Log.Info("the retired machine is switched off", "machine", m.Spec.Serial)
			}
			return nil
		})
	}
	return g.Wait()
}

// switchOff switches a machine off, and reports whether it was on.
func switchOff(ctx context.Context, access bmcaccess.Access, m sabakan.Machine) (bool, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, shutdownTimeout, fmt.Errorf("not within %s", shutdownTimeout))
	defer cancel()
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
