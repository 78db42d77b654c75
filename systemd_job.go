package neco

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/coreos/go-systemd/v22/dbus"
)

// systemdCheckInterval is the interval at which a wait for a job checks the connection
// to systemd, which reports the job's end.
const systemdCheckInterval = time.Second

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

type submitFunc func(ctx context.Context, unit, mode string, done chan<- string) (int, error)

// runJob submits a job for unit and waits for its result.
func runJob(ctx context.Context, conn *dbus.Conn, unit string, submit submitFunc) error {
	done := make(chan string, 1) // the sender must never block
	if _, err := submit(ctx, unit, "replace", done); err != nil {
		return err
	}
	tick := time.NewTicker(systemdCheckInterval)
	defer tick.Stop()
	for {
		select {
		case result := <-done:
			return jobError(result)
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
			if !conn.Connected() {
				return errors.New("connection to systemd lost while waiting for the job")
			}
		}
	}
}

// jobError returns the error for the result of a job, see JobRemoved in
// org.freedesktop.systemd1(5). The result of a job that does not apply to the unit's
// state is "skipped", which is not an error.
func jobError(result string) error {
	switch result {
	case "done", "skipped":
		return nil
	}
	return fmt.Errorf("job result %q", result)
}
