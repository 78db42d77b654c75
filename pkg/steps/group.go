package steps

import (
	"context"
	"fmt"
	"slices"

	"github.com/cybozu-go/neco/pkg/component"
	"github.com/cybozu-go/neco/pkg/update"
	"github.com/cybozu-go/neco/pkg/worker"
)

// stop is an action: it disables and stops a component whose current version must not
// run beside its next version. Most updates skip this action.
func stop(ctx context.Context, h *Host, c component.Component, _ worker.Target) (string, error) {
	for _, u := range slices.Backward(c.Units()) {
		// Disable first, so that a reboot after a power loss does not start the unit
		// beside the next version.
		if err := h.Units.Disable(ctx, u.Name); err != nil {
			return "", err
		}
		if err := h.Units.Stop(ctx, u.Name); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("stopped %s: its next version must not run beside this one", c.Name()), nil
}

// Restore starts the units that the action stop has stopped, in the old or new version
// that side selects; see [worker.Doer]. It enables a unit that is running, in case stop
// was interrupted after it had disabled the unit.
func (h *Host) Restore(ctx context.Context, group string, side update.Side, t worker.Target) error {
	r, a, err := h.starter(group)
	if err != nil {
		return err
	}
	if _, skips, err := h.skips(ctx, r, a, t); err != nil || skips {
		return err
	}
	down := false
	for _, u := range r.component.Units() {
		active, err := h.Units.IsActive(ctx, u.Name)
		switch {
		case err != nil:
		case active:
			err = h.Units.Enable(ctx, u.Name)
		case side == update.SideOld:
			err = h.Units.Start(ctx, u.Name)
		default:
			down = true
		}
		if err != nil {
			return err
		}
	}
	if !down {
		return nil
	}
	_, err = a.do(ctx, h, r.component, t)
	return err
}

// starter returns the last action that starts the programs of group, whose old and new
// versions must not run together. Unlike earlier such actions, it is done by every
// server that has these programs.
func (h *Host) starter(group string) (row, act, error) {
	for _, r := range slices.Backward(h.rows) {
		for _, a := range slices.Backward(r.acts) {
			if a.Starts == group {
				return r, a, nil
			}
		}
	}
	return row{}, act{}, fmt.Errorf("this version does not know the group %q", group)
}
