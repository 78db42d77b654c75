// Package setup bootstraps a data centre: from bare boot servers to etcd and
// Vault with their certificates.
//
// It owns the table of stages and their order, how the servers go through it
// together, and what is kept meanwhile.  Each stage is idempotent: setup may be
// killed anywhere, and run again on all servers it finishes.  The server with
// the lowest LRN leads: it makes what there is to be once, and tells the others
// when it is there.
//
// It must not know how the steps of an update are coordinated, and nothing of
// it may run after its end: everything that stays is in etcd, in Vault and in
// files of the components.
package setup
