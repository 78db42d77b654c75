// Package component is what all managed programs of a boot server have in
// common: a component declares its files and units, and [Write] and [Apply]
// make the host look like that.
//
// It owns the one way in which a program is changed: replace files atomically,
// restart only what is not applied yet, wait until it is ready, then record.
// It must not know what an update is: no lock, barrier, status or etcd here.
// Each program has a package of its own below this one.
package component
