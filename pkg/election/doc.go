// Package election holds a key in etcd for as long as its lease lives.
//
// It owns sessions, campaigns and their end, once for all programs: the
// updater's leadership, and the lock that orders what workers do.  [WithSession]
// hands out a context that dies with the lease; what is written meanwhile is
// fenced by the key (see storage.Guard), because a lease alone excludes
// nobody: its holder may be paused and not know that it is over.
//
// It knows nothing of updates.
package election
