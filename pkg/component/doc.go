// Package component is what all managed programs of a boot server have in common: a
// component declares its files and units, [Write] writes these files to the host, and
// [Apply] starts or restarts the units.
//
// It owns the one way in which a program is changed: replace files atomically, restart
// only programs that do not run with these files yet, wait until they are ready, then
// record. It must not know what an update is: no lock, barrier, status or etcd here. Each
// program has a package of its own below this one.
package component
