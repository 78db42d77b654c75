// Package storage owns every key that Neco keeps in etcd: its name, its JSON, and the
// conditions under which it may be written.
//
// Keys are relative to the prefix in the configuration file (/neco/): the client that
// is passed to [New] prepends that prefix. A bad value never makes a read fail: a key
// that is foreign or has an invalid value is listed in [Snapshot.Malformed] and left
// unchanged. Writes on which an update depends have conditions, see [Guard].
//
// The package must not know any policy: pkg/update and pkg/updater decide what to
// write, and when.
package storage
