// Package necotest is what suites share that run Neco in the virtual data
// centre: its package and releases, the bootstrap of servers, and probes that
// measure for how long a service was away.
//
// It must not know what a suite asserts.
package necotest
