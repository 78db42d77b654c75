package meet

import "errors"

// Kinds of errors.
var (
	ErrTokenInvalid = errors.New("TokenInvalid")
	ErrTokenUsed    = errors.New("TokenUsed")
	ErrTooLarge     = errors.New("TooLarge")
	// ErrDisconnected reports that the connection was lost.  The request may have
	// been carried out; repeat it.
	ErrDisconnected = errors.New("disconnected")
	// ErrUnreachable reports that no connection to the leader was made.  Try again
	// later.
	ErrUnreachable = errors.New("unreachable")
)

// Refusal is the reason why one side refuses the other.  It is permanent, except
// Busy.  A refusal that the client receives is not authenticated: it comes without
// the leader's proof.
type Refusal string

// The refusals.
const (
	WrongToken   Refusal = "wrong-token"   // by the leader: the client's proof is wrong
	RogueLeader  Refusal = "rogue-leader"  // by the client: the leader's proof is wrong
	OtherServers Refusal = "other-servers" // the two were started with different LRNs
	NotMember    Refusal = "not-member"    // the client's LRN is not among them, or is the leader's
	WrongAddress Refusal = "wrong-address" // the client's address is not that of its LRN
	OtherKey     Refusal = "other-key"     // the LRN is bound to another key
	OtherVersion Refusal = "other-version" // the versions of neco differ
	BadMessage   Refusal = "bad-message"   // the message is not a greeting
	Busy         Refusal = "busy"          // too many connections, or the leader could not store the key
)

// refusals returns all refusals.
func refusals() []Refusal {
	return []Refusal{WrongToken, RogueLeader, OtherServers, NotMember, WrongAddress, OtherKey, OtherVersion, BadMessage, Busy}
}

// refusal is a row of the table of refusals.
type refusal struct {
	kind       error
	text, hint string
}

func (r Refusal) row() refusal {
	const sameToken = "put the same token file on all servers"
	switch r {
	case WrongToken:
		return refusal{ErrTokenInvalid, "the leader has another setup token", sameToken}
	case RogueLeader:
		return refusal{ErrTokenInvalid, "the server that answered as the leader does not have the setup token",
			sameToken + "; if the tokens are the same, another machine answers at the leader's address or intercepts the connection: find it before you continue"}
	case OtherServers:
		return refusal{ErrTokenInvalid, "the leader was started with other LRNs", "give the same LRNs on all servers"}
	case NotMember:
		return refusal{ErrTokenInvalid, "the LRN of this server is not among those that the leader was started with", "check /etc/neco/rack and the LRNs given"}
	case WrongAddress:
		return refusal{ErrTokenInvalid, "the address of this server, as the leader sees it, does not belong to this LRN", "check /etc/neco/rack and the addresses of node0, node1, node2 and bastion"}
	case OtherKey:
		return refusal{ErrTokenUsed, "a server with this LRN but another key has connected to the leader before",
			"if this server was reinstalled meanwhile, run `neco reset` on all servers and start again with a new token; if not, find out which machine connected before"}
	case OtherVersion:
		return refusal{nil, "the leader runs another version of neco", "install the same version of neco on all servers"}
	case Busy:
		return refusal{nil, "the leader cannot accept this server at the moment", "read the output of neco setup on the leader"}
	}
	return refusal{nil, "the message is not a greeting of neco", "check which program listens on port 8203 of the leader"}
}

// Error returns the kind of the error, if it has one, and the reason.
func (r Refusal) Error() string {
	row := r.row()
	if row.kind == nil {
		return row.text
	}
	return row.kind.Error() + ": " + row.text
}

// Unwrap returns the kind of the error, or nil.
func (r Refusal) Unwrap() error { return r.row().kind }

// Hint returns what an operator should do.
func (r Refusal) Hint() string { return r.row().hint }
