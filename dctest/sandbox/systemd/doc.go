// Package systemd imitates systemd in a sandbox: it runs the units of one directory tree
// as real processes and serves systemd's D-Bus interface on its own socket, so that
// clients of the real systemd work unchanged with
// DBUS_SYSTEM_BUS_ADDRESS=unix:path=SOCKET. It does not need root.
//
// It owns unit files below a root directory (with drop-ins, conditions, enabling and
// disabling), services of the types simple, exec, notify and oneshot with their restarts,
// transient units, jobs with their results, and the signals about them. Timers, targets
// and other unit types can be started and stopped but have no effect. Processes are not
// isolated, and units have no order: they start in parallel.
//
// It must not know what it runs, and no unit of the product by name.
package systemd
