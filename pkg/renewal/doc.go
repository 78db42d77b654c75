// Package renewal keeps the certificates of a boot server good: Vault signs them
// anew, with the server's own approle, under its own names, when two thirds of
// their life are over.
//
// It owns the credentials that the server logs in with, the order in which a
// certificate is asked for, checked and put in place, when that is done, and
// whose turn it is.  It owns the last resort, too: the authorities, sealed to a
// recovery key, which sign with everything down.
//
// It must not know the policy of certificates (pkg/pki), nor how a program is
// restarted: it says which one has to read its certificate again.
package renewal
