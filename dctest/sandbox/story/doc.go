// Package story is what a sandbox shows when it is run: it starts, the boot
// servers are brought up on one version, and an update to the next is followed
// and proved.
//
// It owns the order of that and what is printed.  How anything is done is
// dctest/sandbox's.
package story
