// Package update is the pure core of Neco's update engine.
//
// It owns what a run is, how far each boot server is in it, when a barrier is passed,
// and what a worker has to do next. Its functions take values (the table of steps, the
// worker's own memory, one snapshot of the shared state) and return values. It must not
// know etcd, files, clocks or goroutines: the worker (pkg/worker) and the simulation
// (dctest/simulation) are two shells around the same decisions.
//
// The central function is [Table.Decide]. Its result holds what a shell has to write
// and the member to continue with; the shell adds only the time. It is level-triggered:
// the same input gives the same result, so that an event that is lost, late or repeated
// costs only another evaluation.
package update
