// Package update is the pure core of Neco's update engine.
//
// It owns what a run is, where each boot server stands in it, when a barrier
// is passed, and what a worker has to do next.  It is given values (the table
// of steps, the worker's own memory, one snapshot of the shared state) and
// returns values.  It knows nothing of etcd, files, clocks or goroutines: the
// worker (pkg/worker) and the simulation (dctest/simulation) are two shells
// around the same decisions.
//
// The centre is [Table.Decide].  Its answer holds what a shell has to write and
// the member to go on with; only the time is added outside.  It is
// level-triggered: called again with the same input it gives the same answer, so
// that an event that is lost, late or repeated costs a look at the snapshot and
// nothing else.
package update
