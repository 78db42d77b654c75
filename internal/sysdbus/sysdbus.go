// Package sysdbus connects to systemd.
package sysdbus

import (
	"context"
	"fmt"

	"github.com/coreos/go-systemd/v22/dbus"
)

// With calls f with a connection to systemd on the system bus, and closes the
// connection afterwards. A restart of systemd or of the bus affects only the call in
// progress. It never falls back to another connection: if DBUS_SYSTEM_BUS_ADDRESS sets
// another bus, this machine's systemd must not be changed. Errors start with verb and
// unit.
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
