package control

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	systemd "github.com/coreos/go-systemd/v22/dbus"
	"github.com/godbus/dbus/v5"

	"github.com/cybozu-go/neco/dctest/sandbox"
)

// startTimeout is how long start waits for a unit to start before it fails.
const startTimeout = 20 * time.Second

// start starts a unit by a request to the boot server's D-Bus socket, as systemctl start
// does.
func start(ctx context.Context, s *sandbox.Sandbox, o Order) error {
	srv, err := known(s, o)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	conn, err := systemd.NewConnection(func() (*dbus.Conn, error) { return dial(ctx, busAddress(srv.Env)) })
	if err != nil {
		return fmt.Errorf("start %s on boot server %d: %w", o.Unit, o.Server, err)
	}
	defer conn.Close()
	done := make(chan string, 1)
	if _, err := conn.StartUnitContext(ctx, o.Unit, "replace", done); err != nil {
		return fmt.Errorf("start %s on boot server %d: %w", o.Unit, o.Server, err)
	}
	select {
	case <-ctx.Done():
		return fmt.Errorf("start %s on boot server %d: %w", o.Unit, o.Server, context.Cause(ctx))
	case result := <-done:
		if result != "done" {
			return fmt.Errorf("start %s on boot server %d: the result of the job is %s", o.Unit, o.Server, result)
		}
	}
	return nil
}

func dial(ctx context.Context, address string) (*dbus.Conn, error) {
	conn, err := dbus.Dial(address, dbus.WithContext(ctx))
	if err != nil {
		return nil, err
	}
	if err := conn.Auth(nil); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// busAddress returns the D-Bus address in the environment of a boot server.
func busAddress(env []string) string {
	for _, e := range env {
		if address, ok := strings.CutPrefix(e, "DBUS_SYSTEM_BUS_ADDRESS="); ok {
			return address
		}
	}
	return ""
}

// known returns the boot server that a request names. It fails if the boot server does
// not have the unit that the request names.
func known(s *sandbox.Sandbox, o Order) (*sandbox.Server, error) {
	srv, err := s.Server(o.Server)
	if err != nil {
		return nil, err
	}
	if srv.MainPID(o.Unit) != 0 {
		return srv, nil
	}
	units := unitsOf(srv.Root)
	if !slices.Contains(units, o.Unit) {
		return nil, fmt.Errorf("boot server %d has no unit %s; it has %s", o.Server, o.Unit, strings.Join(units, ", "))
	}
	return srv, nil
}

// unitsOf lists the services that have unit files on a boot server.
func unitsOf(root string) []string {
	var units []string
	for _, dir := range []string{"etc", "run", "lib", "usr/lib"} {
		files, _ := filepath.Glob(filepath.Join(root, dir, "systemd/system/*.service")) // the pattern is well formed
		for _, f := range files {
			units = append(units, filepath.Base(f))
		}
	}
	slices.Sort(units)
	return slices.Compact(units)
}

// process returns the state of a unit's main process.
func process(srv *sandbox.Server, unit string) Process {
	p := Process{State: srv.State(unit), PID: srv.MainPID(unit)}
	if p.PID != 0 && paused(p.PID) {
		p.State = "paused"
	}
	return p
}

// paused reports whether a process is stopped by a signal, as in proc(5).
func paused(pid int) bool {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false // it has ended meanwhile
	}
	// The name of the program is in parentheses, and may contain any character.
	_, rest, ok := cutLast(string(data), ") ")
	return ok && strings.HasPrefix(rest, "T")
}

func cutLast(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}
