package join

import "errors"

// Reasons for which a joiner is refused.
var (
	// ErrTokenInvalid: the token is not whole, or for another server.
	ErrTokenInvalid = errors.New("TokenInvalid")
	// ErrTokenExpired: its time is over.
	ErrTokenExpired = errors.New("TokenExpired")
	// ErrTokenUsed: Vault does not know it any more, before its time was over:
	// another key than this joiner's was registered with it, or it was revoked, or
	// Vault has failed with it in an earlier try.
	ErrTokenUsed = errors.New("TokenUsed")
	// ErrTokenUnsure: Vault has failed with it; whether it counts as used is seen
	// at the next try.
	ErrTokenUnsure = errors.New("the token may be used up")
	// ErrCAPinMismatch: whoever answers as Vault is not of the data centre that
	// the token is of.  Nothing secret was sent.
	ErrCAPinMismatch = errors.New("CAPinMismatch")
	// ErrVersion: the packages of the joiner and of the data centre differ.
	ErrVersion = errors.New("the versions of neco differ")
	// ErrRegistered: the server is a registered one already.
	ErrRegistered = errors.New("it is a registered boot server")
	// ErrVaultToken: Vault does not accept the operator's token.
	ErrVaultToken = errors.New("the token is not accepted by Vault")
	// ErrUnreachable: no Vault of the data centre answers.
	ErrUnreachable = errors.New("ServerUnreachable")
)
