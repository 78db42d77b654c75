// Package setup bootstraps a data centre: from bare boot servers to etcd and
// Vault with their certificates.
//
// It owns the table of stages and their order, how the servers go through it
// together, and the state with which it resumes.  Each stage is idempotent: setup may be
// killed anywhere and finishes when it is run again on all servers.  The server
// with the lowest LRN is the leader: it alone does the part of a stage that a data
// centre needs once, and reports its end to the others.
//
// It must not know how the steps of an update are coordinated, and must leave no
// process behind: its results are in etcd, in Vault and in files of the components.
package setup
