// Package steps is the table of an update: the steps, their order, their actions and
// the deadline of each action.
//
// It owns the table and the binding of each row to the host and its components, and
// nothing else. pkg/component makes components converge, pkg/update decides which
// server does which action when, and pkg/worker does barriers, locks and retries.
package steps
