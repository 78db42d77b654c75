// Package simulation runs the core of the update engine against a model of etcd and of
// boot servers, with faults, in one goroutine and in simulated time. All random choices
// come from one seed: the same seed gives the same run, event for event.
//
// It owns the model, the faults and the checks of the invariants, whose numbers, such as
// I1, are those of docs/guarantees.md. The decisions are made by the product: by
// pkg/update for the workers and by pkg/updater for the leader.
package simulation
