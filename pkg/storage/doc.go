// Package storage owns every key that Neco keeps in etcd: its name, its JSON,
// and the rule by which it may be written.
//
// Keys are relative to the prefix of the configuration file (/neco/); the
// client that is passed to [New] is namespaced there.  Reading never fails as
// a whole because of one bad value: a key that is foreign or holds garbage is
// named in [Snapshot.Malformed] and left as it is.  Writes that matter for an
// update are guarded, see [Guard].
//
// The package knows no policy: what to write, and when, is decided by
// pkg/update and pkg/updater.
package storage
