package join

import "errors"

// These errors are the reasons for which a join fails.
var (
	// ErrTokenInvalid reports that the token is damaged, or was issued for another
	// server.
	ErrTokenInvalid = errors.New("TokenInvalid")
	// ErrTokenExpired reports that the token has expired.
	ErrTokenExpired = errors.New("TokenExpired")
	// ErrTokenUsed reports that Vault rejects a token that has not expired. The token
	// was used by another server, revoked or replaced, or a failure of Vault in an
	// earlier attempt has used it up.
	ErrTokenUsed = errors.New("TokenUsed")
	// ErrTokenUnsure reports that Vault failed while it registered this server. It is
	// unknown whether the token is used up; the next attempt reveals it.
	ErrTokenUnsure = errors.New("the token may be used up")
	// ErrCAPinMismatch reports that the CA of the server which answers as Vault is not
	// the one that the token specifies. No secret was sent to that server.
	ErrCAPinMismatch = errors.New("CAPinMismatch")
	// ErrVersion reports that this server and the data centre run different versions
	// of neco.
	ErrVersion = errors.New("the versions of neco differ")
	// ErrRegistered reports that the server is registered already.
	ErrRegistered = errors.New("it is a registered boot server")
	// ErrVaultToken reports that Vault rejects the operator's token.
	ErrVaultToken = errors.New("the token is not accepted by Vault")
	// ErrUnreachable reports that no Vault of the data centre answers.
	ErrUnreachable = errors.New("ServerUnreachable")
)
