// Package worker runs the update engine on a boot server: it watches etcd, calls
// pkg/update to decide what to do next, runs actions on its host and reports.
//
// It owns what all steps share and no component should contain: the session with its
// lease, presence, statuses, barriers, the lock, the outcomes of actions that one
// server does for all, deadlines, retries, cancellation and resumption. It must not
// know components, files or services: actions are behind [Doer].
package worker
