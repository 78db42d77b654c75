package bmc

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/cybozu-go/neco/internal/printable"
	"github.com/cybozu-go/neco/pkg/retry"
)

// Power is the state of a machine's power, in the words of Redfish.
type Power string

// The states of power. A machine that changes its state is in one of the last two.
const (
	On          Power = "On"
	Off         Power = "Off"
	PoweringOn  Power = "PoweringOn"
	PoweringOff Power = "PoweringOff"
)

// Reset is a change of the power, in the words of Redfish.
type Reset string

// The changes of the power.
const (
	PowerOn      Reset = "On"
	ForceOff     Reset = "ForceOff"
	ForceRestart Reset = "ForceRestart"
)

// Result is the state that the power has after the change.
func (r Reset) Result() Power {
	if r == ForceOff {
		return Off
	}
	return On
}

// system is what a BMC says of its computer system.
type system struct {
	Manufacturer   string        `json:"Manufacturer"`
	SKU            string        `json:"SKU"`
	PowerState     Power         `json:"PowerState"`
	TrustedModules []interface{} `json:"TrustedModules"`
	Bios           link          `json:"Bios"`
	Actions        struct {
		Reset struct {
			Target  string  `json:"target"`
			Allowed []Reset `json:"ResetType@Redfish.AllowableValues"`
		} `json:"#ComputerSystem.Reset"`
	} `json:"Actions"`
}

func (c *Client) read(ctx context.Context) (system, error) {
	var s system
	err := c.get(ctx, c.system, &s)
	return s, err
}

// own returns an error if the computer system is that of another machine. Dell's SKU is the service
// tag, which is the serial number of a machine; others write there what they want.
func (c *Client) own(s system) error {
	if !strings.HasPrefix(s.Manufacturer, "Dell") || s.SKU == "" || strings.EqualFold(s.SKU, c.target.Serial) {
		return nil
	}
	return fmt.Errorf("%w: its service tag is %s; compare the address of the BMC in sabakan", ErrMachine, printable.Line(s.SKU))
}

// already reports whether a reset is refused because of the state of the power.
func (r Reset) already(p Power) bool {
	if r == ForceRestart {
		return p == Off
	}
	return p == r.Result()
}

// Power returns the state of the power.
func (c *Client) Power(ctx context.Context) (Power, error) {
	s, err := c.read(ctx)
	switch {
	case err != nil:
		return "", c.named(err)
	case s.PowerState == "":
		return "", c.named(fmt.Errorf("GET %s: the answer has no PowerState", c.system))
	}
	return s.PowerState, nil
}

// Reset changes the power. It does not wait until the machine has changed. An error wraps ErrState
// if the machine is on or off already, ErrMachine if the BMC is that of another machine, and
// ErrUnsupported if the BMC does not offer the change.
func (c *Client) Reset(ctx context.Context, r Reset) error {
	s, err := c.read(ctx)
	if err != nil {
		return c.named(err)
	}
	if err := c.own(s); err != nil {
		return c.named(err)
	}
	action := s.Actions.Reset
	if action.Target == "" || len(action.Allowed) > 0 && !slices.Contains(action.Allowed, r) {
		return c.named(fmt.Errorf("reset %s: %w; it has %q", r, ErrUnsupported, action.Allowed))
	}
	_, err = c.do(ctx, http.MethodPost, action.Target, map[string]Reset{"ResetType": r}, nil)
	if isConflict(err) {
		err = c.conflict(ctx, r, err)
	}
	if err != nil {
		return c.named(fmt.Errorf("reset %s: %w", r, err))
	}
	return nil
}

// conflict returns ErrState with err, the refusal of a reset, if the machine is on or off already.
// BMCs refuse resets for other reasons, too.
func (c *Client) conflict(ctx context.Context, r Reset, refusal error) error {
	s, err := c.read(ctx)
	if err != nil {
		return errors.Join(refusal, err)
	}
	if r.already(s.PowerState) {
		return fmt.Errorf("%w: %w", ErrState, refusal)
	}
	return fmt.Errorf("the power is %s: %w", s.PowerState, refusal)
}

// poll is the time between two questions for the state of the power.
const poll = time.Second

// Await blocks until the power is in the state want, or until ctx ends. It goes on while the BMC
// does not answer.
func (c *Client) Await(ctx context.Context, want Power) error {
	err := retry.Do(ctx, backoff.NewConstantBackOff(poll), nil, func() error {
		p, err := c.Power(ctx)
		switch {
		case errors.Is(err, ErrLogin) || errors.Is(err, ErrCertificate):
			return backoff.Permanent(err)
		case err == nil && p != want:
			err = c.named(fmt.Errorf("the power is %s, not %s", p, want))
		}
		return err
	})
	return err
}
