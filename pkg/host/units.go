package host

import (
	"context"
	"fmt"

	"github.com/coreos/go-systemd/v22/dbus"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/internal/sysdbus"
)

// Units are the systemd services of a host. Names are given without ".service". The
// zero value is ready for use. Each call opens a connection of its own, so a restart of
// systemd or of the bus affects only calls in progress.
type Units struct{}

// Start enables and starts the service, see neco.StartService.
func (Units) Start(ctx context.Context, name string) error {
	return neco.StartService(ctx, name)
}

// Stop stops the service, see neco.StopService. It stays enabled.
func (Units) Stop(ctx context.Context, name string) error {
	return neco.StopService(ctx, name)
}

// Restart enables and restarts the service, see neco.RestartService.
func (Units) Restart(ctx context.Context, name string) error {
	return neco.RestartService(ctx, name)
}

// TryRestart makes systemd reload its unit files and restarts the service if it is not
// stopped, in one job: a stop by somebody else meanwhile is not undone. It returns nil
// for a service that is stopped or that systemd does not know, and does not enable the
// service.
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

// IsActive reports whether the service is running, see neco.IsActiveService.
func (Units) IsActive(ctx context.Context, name string) (bool, error) {
	return neco.IsActiveService(ctx, name)
}

// Enable makes the service start at boot. It does not start it now.
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

// Disable keeps the service from starting at boot, see neco.DisableService.
func (Units) Disable(ctx context.Context, name string) error {
	return neco.DisableService(ctx, name)
}

// StartTimer enables and starts the timer, see neco.StartTimer.
func (Units) StartTimer(ctx context.Context, name string) error {
	return neco.StartTimer(ctx, name)
}

// Known reports whether systemd has a unit file for the service.
func (Units) Known(ctx context.Context, name string) (known bool, err error) {
	unit := name + ".service"
	err = sysdbus.With(ctx, "find", unit, func(conn *dbus.Conn) error {
		files, err := conn.ListUnitFilesByPatternsContext(ctx, nil, []string{unit})
		known = len(files) > 0
		return err
	})
	return known, err
}
