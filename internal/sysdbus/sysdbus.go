// Package sysdbus connects to systemd.
package sysdbus

import (
	"context"
	"fmt"

	"github.com/coreos/go-systemd/v22/dbus"
)

// With calls f with a connection to systemd on the system bus, which it closes again. A
// restart of systemd or of the bus harms only the call under way. There is no second way
// to reach systemd: where the bus is elsewhere, as DBUS_SYSTEM_BUS_ADDRESS says, this
// machine's own systemd must stay untouched. Errors begin with verb and unit.
func With(ctx context.Context, verb, unit string, f func(*dbus.Conn) error) error {
	conn, err := dbus.NewSystemConnectionContext(ctx)
	if err != nil {
		return fmt.Errorf("%s %s: connect to systemd: %w", verb, unit, err)
	}
	defer conn.Close()
	if err := f(conn); err != nil {
		return fmt.Errorf("%s %s: %w", verb, unit, err)
	}
	return nil
}
