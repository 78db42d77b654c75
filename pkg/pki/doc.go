// Package pki owns the certificates of a boot server: which there are, whose
// name and addresses stand in each, how long it lives, and where it lies.  The
// policy is code: it is applied to a request before it is signed, and to the
// certificate that comes back before it is used.  Keys are made where they are
// used and never leave the host; requests do.
//
// The authorities of a data centre begin as a [CA] on one boot server and move
// into Vault.  The package must not know how to talk to Vault or to another
// server, nor who may ask for what: it is given a request and says whether it
// is the one that this server has to send.
package pki
