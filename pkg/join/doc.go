// Package join adds a boot server to an existing data centre, and revokes the access
// of a boot server that leaves.
//
// It owns the join token: its text, what it permits, and the rule that the joining
// server authenticates Vault before it sends a secret. It owns the rekeying of Vault
// after a server that could read the unseal key has left. A join or departure that
// was killed anywhere finishes when it is run again.
//
// It must not start etcd or Vault on the joining server: the steps of the next update
// do that. It must not know how a terminal or a command line looks.
package join
