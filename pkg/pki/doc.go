// Package pki owns the certificates of a boot server: which there are, and the names,
// addresses, validity and files of each.  The policy is code: it is applied to a
// request before the CA signs it, and to the certificate before the server uses it.
// Keys are generated where they are used and never leave the host.
//
// A certificate profile, the type [Profile], describes one certificate.  The CAs of a
// data centre are created as values of [CA] on one boot server and then imported into
// Vault.  The package must not know how to reach Vault or another server, nor who may
// send which request: it only checks a request against the profile and the server.
package pki
