// Package steps is the table of an update: which step does what, in which
// order, and for how long at most.
//
// It owns the table and the binding of each row to the host and its
// components, and nothing else: how components converge is pkg/component's,
// who does what when is pkg/update's, and barriers, locks and retries are
// pkg/worker's.
package steps
