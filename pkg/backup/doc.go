// Package backup owns the snapshots of etcd on a boot server: how one is taken,
// what it has to stand before it counts, what it is called, and how long it is
// kept.
//
// A snapshot counts when it has been read back: its own checksum, the structure
// of its database, every key in it, and a trial restore.  Then it is encrypted
// with age, and only that stays on the disk.
//
// The package must not know who may open a snapshot: recipients and identities
// are given to it.  It restores no cluster.
package backup
