// Package retirement takes from a machine what must not leave the data centre with it: the keys of
// its disks, and the secrets in its TPM.
//
// It owns the ways to clear the TPM of each type of machines. It must not know when a machine
// retires, which its caller decides.
package retirement

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/cybozu-go/neco/pkg/bmc"
	"github.com/cybozu-go/neco/pkg/sabakan"
	"github.com/cybozu-go/neco/pkg/statesetter"
)

// ErrNotRetiring: the machine is not retiring. Nothing was changed.
var ErrNotRetiring = errors.New("the machine is not retiring")

// ErrUnknownType: how to clear the TPM of the machine is not known. The machine is off.
var ErrUnknownType = errors.New("the machine is only switched off")

// clearing is the way in which the TPM of a machine is cleared.
type clearing int

const (
	unknown clearing = iota
	// powerOff: the machine has no TPM 2.0 that its BMC can clear, or its TPM loses the keys of disks
	// with its power.
	powerOff
	// byBIOS: the BIOS clears the TPM at the next boot.
	byBIOS
)

// way returns the way for a type of machines.
func way(machineType string) clearing {
	switch machineType {
	case "qemu", "r640-boot-1", "r640-cs-1", "r740xd-ss-1":
		return powerOff
	case "r640-boot-2", "r640-cs-2", "r740xd-ss-2", "r7525-ss-1":
		return byBIOS
	}
	if strings.HasPrefix(machineType, "r6525-") {
		return byBIOS
	}
	return unknown
}

// Check returns ErrNotRetiring if the machine m is not retiring.
func Check(m sabakan.Machine) error {
	if m.Status.State != sabakan.Retiring {
		return fmt.Errorf("machine %s: %w: it is %s", m.Spec.Serial, ErrNotRetiring, m.Status.State)
	}
	return nil
}

// ClearTPM clears the TPM of the retiring machine m, whose BMC is c, in the way of its type: it
// waits until the machine is off, or orders a restart, for which it does not wait. A machine of an
// unknown type is switched off, and the error is ErrUnknownType.
func ClearTPM(ctx context.Context, c *bmc.Client, m sabakan.Machine) error {
	if err := Check(m); err != nil {
		return err
	}
	name := m.Spec.Labels[statesetter.TypeLabel]
	switch way(name) {
	case powerOff:
		return off(ctx, c)
	case byBIOS:
		return c.ClearTPM(ctx)
	}
	if err := off(ctx, c); err != nil {
		return fmt.Errorf("how to clear the TPM of machine type %q is not known, and the machine is not switched off: %w", name, err)
	}
	return fmt.Errorf("machine %s: how to clear the TPM of machine type %q is not known: %w", m.Spec.Serial, name, ErrUnknownType)
}

// offTimeout is how long a machine has time to go off.
const offTimeout = time.Minute

// off switches a machine off, unless it is off, and waits until it is.
func off(ctx context.Context, c *bmc.Client) error {
	if err := c.Reset(ctx, bmc.ForceOff); err != nil && !errors.Is(err, bmc.ErrState) {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, offTimeout, fmt.Errorf("not off within %s", offTimeout))
	defer cancel()
	return c.Await(ctx, bmc.Off)
}
