// Package five is the suite that sets up five boot servers at once and then tests what
// needs a recovery key: Vault without its unseal key in etcd, backups, certificates that
// are renewed every minute, and the recovery after all certificates have expired.
//
// It starts its own data centre with five boot servers and stops it at the end; with
// DC=NAME it uses the data centre NAME instead and leaves it running.
package five
