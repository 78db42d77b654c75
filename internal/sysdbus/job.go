package sysdbus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/coreos/go-systemd/v22/dbus"
	godbus "github.com/godbus/dbus/v5"
)

// checkInterval is the interval at which RunJob checks its connection to systemd while
// it waits. systemd reports the end of the job only on a working connection.
const checkInterval = time.Second

// Submit is the type of the methods of dbus.Conn that submit a job.
type Submit func(ctx context.Context, unit, mode string, done chan<- string) (int, error)

// RunJob calls submit to submit a job for unit. It blocks until the job has succeeded
// or failed, or ctx ends.
func RunJob(ctx context.Context, conn *dbus.Conn, unit string, submit Submit) error {
	done := make(chan string, 1) // the sender must never block
	if _, err := submit(ctx, unit, "replace", done); err != nil {
		return err
	}
	tick := time.NewTicker(checkInterval)
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
// org.freedesktop.systemd1(5). The result "skipped" is not an error: the job does not
// apply to the state of the unit.
func jobError(result string) error {
	switch result {
	case "done", "skipped":
		return nil
	}
	return fmt.Errorf("job result %q", result)
}

// NoSuchUnit reports whether systemd refused a job because it does not know the unit.
func NoSuchUnit(err error) bool {
	known := godbus.Error{}
	return errors.As(err, &known) && known.Name == "org.freedesktop.systemd1.NoSuchUnit"
}
