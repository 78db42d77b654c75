package host

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/coreos/go-systemd/v22/dbus"
	godbus "github.com/godbus/dbus/v5"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/internal/sysdbus"
)

// unitInterval is the pause between two queries of a unit's state.
const unitInterval = 200 * time.Millisecond

// RunTransient starts the command argv as a transient systemd service called name, and
// does not wait for its end. The service outlives this process; WaitGone waits for it by
// its name. env has elements of the form NAME=VALUE, which every user of the host can
// read.
//
// If a service of that name is running, RunTransient first waits for its end, until ctx
// ends.
func (u Units) RunTransient(ctx context.Context, name, description string, argv, env []string) error {
	if len(argv) == 0 {
		return fmt.Errorf("run %s.service: no command", name)
	}
	for {
		err := u.startTransient(ctx, name+".service", transientProperties(description, argv, env))
		if !isUnitExists(err) {
			return err
		}
		if err := u.WaitGone(ctx, name); err != nil {
			return err
		}
		if err := neco.SleepContext(ctx, unitInterval); err != nil {
			return fmt.Errorf("run %s.service: an older service of this name does not end: %w", name, err)
		}
	}
}

func (Units) startTransient(ctx context.Context, unit string, props []dbus.Property) error {
	return sysdbus.With(ctx, "run", unit, func(conn *dbus.Conn) error {
		_, err := conn.StartTransientUnitContext(ctx, unit, "fail", props, nil)
		if isUnitExists(err) {
			// A failed service of that name would prevent the start permanently.
			_ = conn.ResetFailedUnitContext(ctx, unit)
		}
		return err
	})
}

// transientProperties returns the properties of a service that stays "activating" until
// its command ends. After that, systemd removes the service, even if it has failed.
func transientProperties(description string, argv, env []string) []dbus.Property {
	props := []dbus.Property{
		dbus.PropDescription(description),
		dbus.PropType("oneshot"),
		dbus.PropExecStart(argv, false),
		{Name: "CollectMode", Value: godbus.MakeVariant("inactive-or-failed")},
	}
	if len(env) > 0 {
		props = append(props, dbus.Property{Name: "Environment", Value: godbus.MakeVariant(env)})
	}
	return props
}

func isUnitExists(err error) bool {
	var known godbus.Error
	return errors.As(err, &known) && known.Name == "org.freedesktop.systemd1.UnitExists"
}

// WaitGone blocks until the service called name is not running, starting or stopping: it
// is inactive, has failed, or is unknown to systemd. It repeats failed requests to
// systemd. If ctx ends first, the error contains the service and its state.
func (u Units) WaitGone(ctx context.Context, name string) error {
	return u.waitGone(ctx, name, func() {})
}

// waitGone does the same as [Units.WaitGone], but calls report before each pause.
func (u Units) waitGone(ctx context.Context, name string, report func()) error {
	ctx, done := sysdbus.Share(ctx)
	defer done()
	for {
		busy, state, err := u.busy(ctx, name+".service")
		if err == nil && !busy {
			return nil
		}
		report()
		if waitErr := neco.SleepContext(ctx, unitInterval); waitErr != nil {
			if err != nil {
				return fmt.Errorf("wait for %s.service to end: %w: %w", name, waitErr, err)
			}
			return fmt.Errorf("wait for %s.service to end: it is %s: %w", name, state, waitErr)
		}
	}
}

func (Units) busy(ctx context.Context, unit string) (busy bool, state string, err error) {
	err = sysdbus.With(ctx, "query", unit, func(conn *dbus.Conn) error {
		found, err := conn.ListUnitsByNamesContext(ctx, []string{unit})
		if err != nil {
			return err
		}
		for _, st := range found {
			state = st.ActiveState
			busy = st.JobId != 0 || (state != "inactive" && state != "failed")
		}
		return nil
	})
	return busy, state, err
}
