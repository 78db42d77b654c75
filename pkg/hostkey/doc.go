// Package hostkey owns the age key of a boot server: its file, the signed record by which
// other servers authenticate it, and the encryption of secrets to servers and to recovery
// keys.
//
// A recipient is accepted only with a signature by the key of a server's certificate (see
// [Record] and, for recovery keys, [Recovery]), so that write access to the records does
// not suffice to receive secrets. The package must not know where records are stored,
// nor what is encrypted.
package hostkey
