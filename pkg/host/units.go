package host

import (
	"context"
	"fmt"

	"github.com/coreos/go-systemd/v22/dbus"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/internal/sysdbus"
)

// Units operates on the systemd services of a host, whose names are given without
// ".service". The zero value is ready for use. Each call opens its own connection, so a
// restart of systemd or of the bus affects only calls in progress.
type Units struct{}

// Start enables and starts the service called name; see neco.StartService.
func (Units) Start(ctx context.Context, name string) error {
	return neco.StartService(ctx, name)
}

// Stop stops the service called name; see neco.StopService. The service stays enabled.
func (Units) Stop(ctx context.Context, name string) error {
	return neco.StopService(ctx, name)
}

// Restart enables and restarts the service called name; see neco.RestartService.
func (Units) Restart(ctx context.Context, name string) error {
	return neco.RestartService(ctx, name)
}

// TryRestart makes systemd reload its unit files, and restarts the service called name if
// it is running. It does nothing if the service is stopped or unknown to systemd, even if
// it is stopped during the call. It does not enable the service.
func (Units) TryRestart(ctx context.Context, name string) error {
	unit := name + ".service"
	return sysdbus.With(ctx, "restart", unit, func(conn *dbus.Conn) error {
		if err := conn.ReloadContext(ctx); err != nil {
			return fmt.Errorf("reload unit files: %w", err)
		}
		err := sysdbus.RunJob(ctx, conn, unit, conn.TryRestartUnitContext)
		if sysdbus.NoSuchUnit(err) {
			return nil
		}
		return err
	})
}

// TryReload makes the service called name read its configuration again if it is running.
// It does nothing if the service is stopped or unknown to systemd.
func (u Units) TryReload(ctx context.Context, name string) error {
	if active, err := u.IsActive(ctx, name); err != nil || !active {
		return err
	}
	unit := name + ".service"
	return sysdbus.With(ctx, "reload", unit, func(conn *dbus.Conn) error {
		return sysdbus.RunJob(ctx, conn, unit, conn.ReloadUnitContext)
	})
}

// IsActive reports whether the service called name is running; see neco.IsActiveService.
func (Units) IsActive(ctx context.Context, name string) (bool, error) {
	return neco.IsActiveService(ctx, name)
}

// Enable makes systemd start the service called name at boot. It does not start it now.
func (Units) Enable(ctx context.Context, name string) error {
	unit := name + ".service"
	return sysdbus.With(ctx, "enable", unit, func(conn *dbus.Conn) error {
		if err := conn.ReloadContext(ctx); err != nil {
			return fmt.Errorf("reload unit files: %w", err)
		}
		_, changes, err := conn.EnableUnitFilesContext(ctx, []string{unit}, false, true)
		if err != nil || len(changes) == 0 {
			return err
		}
		return conn.ReloadContext(ctx)
	})
}

// Disable makes systemd not start the service called name at boot; see
// neco.DisableService.
func (Units) Disable(ctx context.Context, name string) error {
	return neco.DisableService(ctx, name)
}

// StartTimer enables and starts the timer called name; see neco.StartTimer.
func (Units) StartTimer(ctx context.Context, name string) error {
	return neco.StartTimer(ctx, name)
}

// TimerActive reports whether the timer called name is running.
func (Units) TimerActive(ctx context.Context, name string) (bool, error) {
	return sysdbus.Active(ctx, name+".timer")
}

// Known reports whether systemd has a unit file for the service called name.
func (Units) Known(ctx context.Context, name string) (known bool, err error) {
	unit := name + ".service"
	err = sysdbus.With(ctx, "find", unit, func(conn *dbus.Conn) error {
		files, err := conn.ListUnitFilesByPatternsContext(ctx, nil, []string{unit})
		known = len(files) > 0
		return err
	})
	return known, err
}
