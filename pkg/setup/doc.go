// Package setup bootstraps a data centre: it turns bare boot servers into members of
// etcd and Vault with certificates.
//
// It owns the table of stages and their order, the coordination of the servers in each
// stage, and the state with which setup resumes. Each stage is idempotent: setup may be
// killed anywhere, and finishes when it is run again on all servers. The server with
// the lowest LRN is the leader. Some stages have a part that a data centre needs only
// once; the leader alone runs that part, and the other servers wait for its end.
//
// The package must not know how the steps of an update are coordinated, and must leave
// no process of its own behind. Its results are in etcd, in Vault and in files of the
// components.
package setup
