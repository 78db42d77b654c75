// Package systemd is a stand-in for systemd in a sandbox: it runs the units of
// one directory tree as real processes, and speaks systemd's D-Bus interface
// on a socket of its own, so that clients of the real one work unchanged
// (with DBUS_SYSTEM_BUS_ADDRESS=unix:path=SOCKET). It needs no root.
//
// It owns unit files below a root directory (with drop-ins, conditions,
// enabling and disabling), services of the types simple, exec, notify and
// oneshot with their restarts, transient units, jobs with their results, and
// the signals about them. Timers, targets and the like are started and
// stopped, but do nothing. There is no isolation of any kind, and no order
// between units: those come in parallel.
//
// It must not know what it runs, and no unit of the product by name.
package systemd
