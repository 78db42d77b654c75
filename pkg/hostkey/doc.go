// Package hostkey owns the age key of a boot server: the file it lies in, the
// signed record by which other servers know that it is that server's, and the
// sealing of secrets to servers and to recovery keys.
//
// A recipient counts only with a signature by the key of a server's certificate
// (see [Record] and, of recovery keys, [Recovery]): whoever can write records
// cannot make secrets be sealed to a key of their own.  The package must not know
// where records are kept, nor what is sealed.
package hostkey
