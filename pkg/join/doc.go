// Package join takes a boot server into a data centre that runs, and takes what
// it had away from one that leaves.
//
// It owns the join token: its text, what it is good for, and the order in which
// a joiner trusts first and tells secrets later.  It owns the rekeying of Vault
// after a server that knew the unseal key has left.  Everything in it may be
// killed anywhere; done again, it finishes.
//
// It must not start etcd or Vault on the joiner: the steps of the next update
// do that.  It must not know how a terminal or a command line looks.
package join
