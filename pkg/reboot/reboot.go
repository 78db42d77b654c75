// Package reboot restarts a machine by its BMC, and waits until it works again.
//
// It owns what a restart looks like in serf. It must not know how machines are found.
package reboot

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/cybozu-go/neco/pkg/bmc"
	"github.com/cybozu-go/neco/pkg/retry"
	"github.com/cybozu-go/neco/pkg/sabakan"
	"github.com/cybozu-go/neco/pkg/statesetter"
)

const (
	// uptimeTag is the tag of a serf member with the time of its boot, in the format of uptime -s.
	uptimeTag = "uptime"
	// jitter is by how much the time of a boot may seem to change without one: it is computed from
	// the clock, which chrony corrects.
	jitter = 10 * time.Second
	// pause is the time between two questions to serf or to sabakan.
	pause = 2 * time.Second
)

// Machine is a machine that is restarted.
type Machine struct {
	// Serial is its serial number.
	Serial string
	// Members returns the members of serf with the tag serial of the machine.
	Members func(context.Context) ([]statesetter.Member, error)
	// State returns its state in sabakan.
	State func(context.Context) (sabakan.State, error)
	// Reset changes its power.
	Reset func(context.Context, bmc.Reset) error
	// Say is called with what is waited for.
	Say func(string)
}

// Wait restarts the machine, or switches it on if it is off, and blocks until it has booted and is
// healthy, or until ctx ends. While serf or sabakan does not answer, it goes on. An error before
// the restart means that nothing was done.
func (m Machine) Wait(ctx context.Context) error {
	before, err := m.booted(ctx)
	if err != nil {
		return fmt.Errorf("machine %s: not restarted: %w", m.Serial, err)
	}
	err = m.Reset(ctx, bmc.ForceRestart)
	if errors.Is(err, bmc.ErrState) {
		m.Say("it is off, and is switched on")
		err = m.Reset(ctx, bmc.PowerOn)
	}
	if err != nil {
		return err // it names the machine
	}
	m.Say("waits until it has booted")
	err = m.until(ctx, func() error {
		now, err := m.booted(ctx)
		if err == nil && !later(now, before) {
			err = fmt.Errorf("it has not booted: serf has the tag %s %q as before", uptimeTag, now)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("machine %s: %w", m.Serial, err)
	}
	m.Say("waits until it is healthy")
	err = m.until(ctx, func() error {
		s, err := m.State(ctx)
		if err == nil && s != sabakan.Healthy {
			err = fmt.Errorf("it has booted, and is %s", s)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("machine %s: %w", m.Serial, err)
	}
	return nil
}

func (m Machine) until(ctx context.Context, f func() error) error {
	return retry.Do(ctx, backoff.NewConstantBackOff(pause), nil, f)
}

// booted returns when the machine has booted, as its member of serf says, or "".
func (m Machine) booted(ctx context.Context) (string, error) {
	members, err := m.Members(ctx)
	return statesetter.Tag(members, uptimeTag), err
}

// later reports whether now is the time of another boot than before.
func later(now, before string) bool {
	if now == "" || now == before {
		return false
	}
	a, errA := time.Parse(time.DateTime, before)
	b, errB := time.Parse(time.DateTime, now)
	if errA != nil || errB != nil {
		return true
	}
	d := b.Sub(a)
	return d > jitter || d < -jitter
}
