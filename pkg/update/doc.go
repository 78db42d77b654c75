// Package update decides what the workers of an update do. It is pure: it has no I/O and
// no clock.
//
// It owns what a run is, how far each boot server is in it, when a barrier is passed, and
// what a worker has to do next. Its functions take values (the table of steps, the
// worker's own memory, one snapshot of the shared state) and return values. It must not
// know etcd, files, clocks or goroutines: the worker (pkg/worker) and the simulation
// (dctest/simulation) perform the same decisions.
//
// The central function is [Table.Decide]. Its result holds what its caller has to write
// and the member to continue with; the caller adds only the time. Decide depends on the
// current state alone, not on events: if an event is lost, late or repeated, the caller
// only decides once more or once less.
package update
