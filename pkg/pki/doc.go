// Package pki owns the certificates of a boot server: the list of them, and the names,
// addresses, validity and files of each. This policy is code. It is applied twice: to a
// request before the CA signs it, and to the certificate before the server uses it.
// Keys are generated on the host that uses them and never leave it.
//
// A certificate profile, the type [Profile], describes one certificate. The CAs of a
// data centre are created as values of [CA] on one boot server and then imported into
// Vault. The package must not know how to reach Vault or another server, nor who may
// send which request: it only checks a request against the profile and the server.
package pki
