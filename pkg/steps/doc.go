// Package steps is the table of an update: the steps, their order, their actions and the
// deadline of each action.
//
// It owns only this table and the code that performs its actions on the host and its
// components. pkg/component writes and restarts components, pkg/update decides which
// server does which action when, and pkg/worker does barriers, locks and retries.
package steps
