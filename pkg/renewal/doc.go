// Package renewal renews the certificates of a boot server when two thirds of their
// validity are over. Vault signs the new certificates, with the permissions of the
// server's own approle and for the server's own names.
//
// It owns the server's credentials for Vault, the order in which a certificate is
// requested, checked and installed, the times of renewals, and the lock that lets one
// server at a time renew. It also owns the recovery when Vault and etcd are down: the
// CAs, encrypted to the recovery keys, sign certificates without Vault.
//
// It must not know the policy of certificates (pkg/pki), nor how a program is
// restarted: it only determines which programs must reload their certificates.
package renewal
