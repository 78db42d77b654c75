// Package vault is the client of the Vault of the boot servers. It owns the unsealing,
// the initialisation and the configuration of Vault: audit, CAs, roles, policies and
// auth methods.
//
// Functions that configure Vault are idempotent: after an interruption, the caller
// calls them again. The package must not know where keys and tokens are stored.
package vault
