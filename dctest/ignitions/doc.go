// Package ignitions tests the ignition templates in the directory ignitions of the
// repository with the programs that read what they make: Ignition 2.3, systemd, BIRD, chronyd
// and a shell. `make test-ignitions` runs the tests.
//
// It is a module of its own, because Ignition 2.3 has old dependencies. Of the product it may
// use the loader of templates only.
package ignitions
