// Package election holds a key in etcd for as long as its lease lives.
//
// It owns sessions, campaigns and their end, for all programs: the leadership of the
// updater, and the lock that orders the actions of workers. [WithSession] provides a
// context that ends with the lease. In addition, each write must require that the key
// exists (see storage.Guard), because the process that holds the lease may be paused and
// not notice the expiry.
//
// It must not know updates.
package election
