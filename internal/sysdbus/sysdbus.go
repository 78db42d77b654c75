// Package sysdbus connects to systemd.
package sysdbus

import (
	"context"
	"fmt"
	"sync"

	"github.com/coreos/go-systemd/v22/dbus"
)

// With calls f with a connection to systemd on the system bus. It closes the connection
// afterwards, unless ctx is from [Share]. If systemd or the bus restarts, only the current
// call fails. With fails if it cannot reach the bus: it does not connect to systemd
// directly, because with another bus in DBUS_SYSTEM_BUS_ADDRESS it would then change this
// machine's systemd instead of that bus's. Errors start with verb and unit.
func With(ctx context.Context, verb, unit string, f func(*dbus.Conn) error) error {
	conn, done, err := open(ctx)
	if err != nil {
		return fmt.Errorf("%s %s: connect to systemd: %w", verb, unit, err)
	}
	defer done()
	if err := f(conn); err != nil {
		return fmt.Errorf("%s %s: %w", verb, unit, err)
	}
	return nil
}

// Active reports whether unit, such as serf.service, is active. It returns false if the unit
// is still starting, or systemd does not know it.
func Active(ctx context.Context, unit string) (active bool, err error) {
	err = With(ctx, "query", unit, func(conn *dbus.Conn) error {
		prop, err := conn.GetUnitPropertyContext(ctx, unit, "ActiveState")
		if err != nil {
			return err
		}
		state, _ := prop.Value.Value().(string)
		active = state == "active" || state == "reloading"
		return nil
	})
	return active, err
}

func open(ctx context.Context) (conn *dbus.Conn, done func(), err error) {
	if s, ok := ctx.Value(sharedKey{}).(*shared); ok {
		conn, err = s.open()
		return conn, func() {}, err
	}
	conn, err = dbus.NewSystemConnectionContext(ctx)
	if err != nil {
		return nil, nil, err
	}
	return conn, conn.Close, nil
}

// Share returns a context with which calls of [With] share one connection to systemd,
// for a caller that polls. The first call opens the connection; a later call opens it
// again if it is lost. The caller must call done, which closes the connection.
func Share(ctx context.Context) (sharing context.Context, done func()) {
	s := &shared{ctx: ctx}
	return context.WithValue(ctx, sharedKey{}, s), s.close
}

type sharedKey struct{}

type shared struct {
	ctx  context.Context // the context of the connection: its end closes the connection
	mu   sync.Mutex
	conn *dbus.Conn
}

func (s *shared) open() (*dbus.Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn != nil && s.conn.Connected() {
		return s.conn, nil
	}
	s.closeLocked()
	conn, err := dbus.NewSystemConnectionContext(s.ctx)
	if err != nil {
		return nil, err
	}
	s.conn = conn
	return conn, nil
}

func (s *shared) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closeLocked()
}

func (s *shared) closeLocked() {
	if s.conn != nil {
		s.conn.Close()
		s.conn = nil
	}
}
