// Package story is the demonstration that a sandbox runs and prints: it starts a data
// centre with one version, then follows and verifies the update to each further version.
//
// It owns the order of these parts and what is printed. It must not know how they are
// carried out: that is up to dctest/sandbox.
package story
