// Package backup owns the snapshots of etcd on a boot server: how a snapshot is taken,
// which checks it must pass, how it is named, and how long it is retained.
//
// A snapshot is valid when its checksum, the structure of its database, every revision
// in it, and a trial restore have been checked. Then it is encrypted with age, and only
// the encrypted file stays on the disk.
//
// The package must not know who may decrypt a snapshot: its callers provide the public
// keys (recipients) and the private key (identity). It does not restore a cluster.
package backup
