// Package renewal renews the certificates of a boot server: Vault signs new ones, with
// the server's own approle and for its own names, when two thirds of their validity
// are over.
//
// It owns the server's credentials for Vault, the order in which a certificate is
// requested, checked and installed, when that is done, and the lock that lets one
// server at a time renew.  It also owns the recovery when everything is down: the CAs,
// encrypted to the recovery keys, sign certificates without Vault.
//
// It must not know the policy of certificates (pkg/pki), nor how a program is
// restarted: it only determines which programs must reload their certificates.
package renewal
