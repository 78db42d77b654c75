package neco

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/coreos/go-systemd/v22/dbus"

	"github.com/cybozu-go/neco/internal/sysdbus"
)

const systemdDir = "/etc/systemd/system"

// ServiceFile returns the path of the unit file of the service called name.
func ServiceFile(name string) string {
	return filepath.Join(systemdDir, name+".service")
}

// TimerFile returns the path of the unit file of the timer called name.
func TimerFile(name string) string {
	return filepath.Join(systemdDir, name+".timer")
}

// StartService makes systemd reload its unit files, enables the service called name and
// starts it. It blocks until the start has succeeded or failed, or ctx ends. If a
// condition of the unit is not met, the service does not start, and StartService
// returns nil.
func StartService(ctx context.Context, name string) error {
	return startUnit(ctx, name+".service")
}

// StartTimer does the same as StartService for the timer called name.
func StartTimer(ctx context.Context, name string) error {
	return startUnit(ctx, name+".timer")
}

// RestartService makes systemd reload its unit files, enables the service called name
// and restarts it, or starts it if it is not running. It blocks until that has
// succeeded or failed, or ctx ends.
func RestartService(ctx context.Context, name string) error {
	unit := name + ".service"
	return sysdbus.With(ctx, "restart", unit, func(conn *dbus.Conn) error {
		if err := reloadAndEnable(ctx, conn, unit); err != nil {
			return err
		}
		return sysdbus.RunJob(ctx, conn, unit, conn.RestartUnitContext)
	})
}

// StopService stops the service called name and blocks until it has stopped or ctx
// ends. If systemd does not know the service, it returns nil.
func StopService(ctx context.Context, name string) error {
	return stopUnit(ctx, name+".service")
}

// StopTimer does the same as StopService for the timer called name.
func StopTimer(ctx context.Context, name string) error {
	return stopUnit(ctx, name+".timer")
}

// DisableService disables the service called name, so that it does not start at boot.
// It does not stop a running service.
func DisableService(ctx context.Context, name string) error {
	return disableUnit(ctx, name+".service")
}

// DisableTimer does the same as DisableService for the timer called name.
func DisableTimer(ctx context.Context, name string) error {
	return disableUnit(ctx, name+".timer")
}

// IsActiveService reports whether the service called name is running. It returns false
// if the service is still starting, or systemd does not know it.
func IsActiveService(ctx context.Context, name string) (bool, error) {
	return sysdbus.Active(ctx, name+".service")
}

func startUnit(ctx context.Context, unit string) error {
	return sysdbus.With(ctx, "start", unit, func(conn *dbus.Conn) error {
		if err := reloadAndEnable(ctx, conn, unit); err != nil {
			return err
		}
		return sysdbus.RunJob(ctx, conn, unit, conn.StartUnitContext)
	})
}

func stopUnit(ctx context.Context, unit string) error {
	return sysdbus.With(ctx, "stop", unit, func(conn *dbus.Conn) error {
		err := sysdbus.RunJob(ctx, conn, unit, conn.StopUnitContext)
		if sysdbus.NoSuchUnit(err) {
			return nil
		}
		return err
	})
}

func disableUnit(ctx context.Context, unit string) error {
	return sysdbus.With(ctx, "disable", unit, func(conn *dbus.Conn) error {
		if _, err := conn.DisableUnitFilesContext(ctx, []string{unit}, false); err != nil {
			return err
		}
		return conn.ReloadContext(ctx)
	})
}

func reloadAndEnable(ctx context.Context, conn *dbus.Conn, unit string) error {
	if err := conn.ReloadContext(ctx); err != nil {
		return fmt.Errorf("reload unit files: %w", err)
	}
	_, changes, err := conn.EnableUnitFilesContext(ctx, []string{unit}, false, true)
	if err != nil {
		return fmt.Errorf("enable: %w", err)
	}
	if len(changes) == 0 {
		return nil
	}
	return conn.ReloadContext(ctx)
}
