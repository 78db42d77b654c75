// Package meet is the channel on which bare boot servers meet for their
// bootstrap: one of them, the leader, listens; the others call it.  All they
// have in common is the setup token, which the operator put on each.
//
// It owns the token, the proof, and small requests with their answers, which are
// HTTP/1.1 over TLS 1.3.  Both sides prove that they know the token, the caller
// first, with a code over role, version, servers and a value of the TLS session
// (RFC 9266) that two sessions never share: a proof is valid on its connection
// alone.  The token never travels.  Each server has one key, that of its TLS
// certificate, and may use it from its own addresses only.
//
// The package must not know what is asked for, nor where keys are kept.  To
// repeat a request whose connection was lost is the caller's.
package meet
