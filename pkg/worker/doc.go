// Package worker is the shell around the core of the update engine: it
// watches etcd, asks pkg/update what to do next, runs actions on its host and
// reports.
//
// It owns everything that every step needs and no component should have:
// the session with its lease, presence, statuses, barriers, the lock,
// once-records, deadlines, retries, cancellation and resumption.  What an
// action does is behind [Doer]; the package knows no component, no file and no
// service.
package worker
