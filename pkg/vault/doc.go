// Package vault talks to the Vault of the boot servers: whether it is sealed,
// its first initialisation, and what it has to consist of — audit, certificate
// authorities, roles, policies, ways to log in.
//
// Whatever configures is idempotent: it may be cut off anywhere and be done
// again.  The package must not know where keys and tokens are kept, nor which
// step of what calls it.
package vault
