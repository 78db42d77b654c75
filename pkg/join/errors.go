package join

import "errors"

// Reasons why a join fails.
var (
	// ErrTokenInvalid reports that the token is damaged, or for another server.
	ErrTokenInvalid = errors.New("TokenInvalid")
	// ErrTokenExpired reports that the lifetime of the token is over.
	ErrTokenExpired = errors.New("TokenExpired")
	// ErrTokenUsed reports that Vault rejects the token before it has expired: it was
	// used by another server, revoked, or used up by a failure of Vault in an earlier
	// attempt.
	ErrTokenUsed = errors.New("TokenUsed")
	// ErrTokenUnsure reports that Vault failed during the registration.  The next
	// attempt shows whether Vault has counted the token as used.
	ErrTokenUnsure = errors.New("the token may be used up")
	// ErrCAPinMismatch reports that the server which answers as Vault has another CA
	// than the one pinned by the token.  No secret was sent.
	ErrCAPinMismatch = errors.New("CAPinMismatch")
	// ErrVersion reports that this server and the data centre run different versions
	// of neco.
	ErrVersion = errors.New("the versions of neco differ")
	// ErrRegistered reports that the server is registered already.
	ErrRegistered = errors.New("it is a registered boot server")
	// ErrVaultToken reports that Vault does not accept the operator's token.
	ErrVaultToken = errors.New("the token is not accepted by Vault")
	// ErrUnreachable reports that no Vault of the data centre answers.
	ErrUnreachable = errors.New("ServerUnreachable")
)
