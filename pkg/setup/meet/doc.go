// Package meet is the channel between bare boot servers during their bootstrap: one of
// them, the leader, listens; the others connect to it. Their only shared secret is the
// setup token, which the operator puts on each server.
//
// It owns the token, the proof, and small requests with their answers, which are
// HTTP/1.1 over TLS 1.3. Both sides prove that they have the token, the client first. A
// proof is an HMAC over the role of the side, the protocol version, the servers, and
// the channel binding of the TLS session (RFC 9266). No other session has the same
// channel binding, so a proof is valid only on its connection. The token is never sent.
//
// A connecting server also has a key, that of its self-signed TLS certificate. The leader
// stores the first key with which a server has proved that it has the token, and from
// then on refuses any other key for that server. It refuses a client whose address is
// not one of the addresses of the server that the client claims to be.
//
// The package must not know what the requests are for, nor where keys are stored. The
// caller repeats a request whose connection was lost.
package meet
