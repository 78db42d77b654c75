// Package upgrade is the suite that updates a data centre from an earlier commit to the
// package of the present one, and then through releases in which everything changes or in
// which a boot server is slow, cut off, dead or killed at each step.
//
// It starts its own data centre with three boot servers and stops it at the end; with
// DC=NAME it uses the data centre NAME instead and leaves it running.
package upgrade
