// Package necotest is the common library of test suites that run Neco in the virtual data
// centre: it builds and publishes releases, sets servers up, and measures how long a
// service was unavailable.
//
// It must not know what a suite asserts.
package necotest
