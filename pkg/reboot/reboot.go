// Package reboot restarts a machine by its BMC, and waits until it works again.
//
// It owns what a restart looks like in serf. It must not know how machines are found.
package reboot

import (
	"context"
	"errors"
	"fmt"
	"slices"
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
	// State returns its state in sabakan. It may still be that of the time before the restart.
	State func(context.Context) (sabakan.State, error)
	// Reset changes its power.
	Reset func(context.Context, bmc.Reset) error
	// Say is called with what is waited for.
	Say func(string)
}

// Wait restarts the machine, or switches it on if it is off, and blocks until it has booted, has
// told serf that no unit has failed, and is healthy in sabakan, or until ctx ends. While serf or
// sabakan does not answer, it goes on. An error before the restart means that nothing was done.
func (m Machine) Wait(ctx context.Context) error {
	members, err := m.Members(ctx)
	if err != nil {
		return fmt.Errorf("machine %s: not restarted: %w", m.Serial, err)
	}
	before := Boots(members)
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
		members, err := m.Members(ctx)
		if err != nil {
			return err
		}
		return booted(members, before)
	})
	if err != nil {
		return fmt.Errorf("machine %s: %w", m.Serial, err)
	}
	m.Say("waits until it is healthy")
	err = m.until(ctx, func() error {
		return m.healthy(ctx)
	})
	if err != nil {
		return fmt.Errorf("machine %s: %w", m.Serial, err)
	}
	return nil
}

func (m Machine) until(ctx context.Context, f func() error) error {
	return retry.Do(ctx, backoff.NewConstantBackOff(pause), nil, f)
}

// healthy returns why the machine is not healthy after its boot, or nil.
func (m Machine) healthy(ctx context.Context) error {
	members, err := m.Members(ctx)
	if err != nil {
		return err
	}
	if err := working(members); err != nil {
		return err
	}
	s, err := m.State(ctx)
	if err != nil {
		return err
	}
	return calledHealthy(s)
}

// Boots returns the times of boots that the members of serf with the serial number of a machine
// have, as serf has them.
func Boots(members []statesetter.Member) []string {
	var all []string
	for _, m := range members {
		if at := m.Tags[uptimeTag]; at != "" && !slices.Contains(all, at) {
			all = append(all, at)
		}
	}
	return all
}

// booted returns why a machine has not booted since serf had the boots before, or nil.
func booted(members []statesetter.Member, before []string) error {
	member, err := living(members)
	if now := member.Tags[uptimeTag]; err == nil && !another(now, before) {
		err = fmt.Errorf("it has not booted: serf has the tag %s %q as before", uptimeTag, now)
	}
	return err
}

// working returns why a machine that has booted does not work, by what it has told serf, or nil.
func working(members []statesetter.Member) error {
	member, err := living(members)
	if err != nil {
		return err
	}
	failed, known := member.Tags[statesetter.FailedUnitsTag]
	switch {
	case !known:
		return errors.New("it has booted, and has not told serf yet which units have failed")
	case failed != "":
		return fmt.Errorf("it has booted, and units have failed: %s", failed)
	}
	return nil
}

// calledHealthy returns an error if the state of a machine that has booted is not healthy.
func calledHealthy(s sabakan.State) error {
	if s != sabakan.Healthy {
		return fmt.Errorf("it has booted, and is %s", s)
	}
	return nil
}

// living returns the member of serf of a machine that answers. Members of its earlier addresses or
// names may be left, which do not.
func living(members []statesetter.Member) (statesetter.Member, error) {
	living := statesetter.Living(members)
	if len(living) != 1 {
		return statesetter.Member{}, fmt.Errorf("serf has %d living members with its serial number", len(living))
	}
	return living[0], nil
}

// another reports whether now is the time of another boot than those before.
func another(now string, before []string) bool {
	if now == "" || slices.Contains(before, now) {
		return false
	}
	b, err := time.Parse(time.DateTime, now)
	if err != nil {
		return true
	}
	for _, old := range before {
		a, err := time.Parse(time.DateTime, old)
		if err == nil && b.Sub(a).Abs() <= jitter {
			return false
		}
	}
	return true
}
