package meet

import "errors"

// These errors classify the errors of this package.
var (
	ErrTokenInvalid = errors.New("TokenInvalid")
	ErrTokenUsed    = errors.New("TokenUsed")
	ErrTooLarge     = errors.New("TooLarge")
	// ErrDisconnected reports that the connection was lost. The leader may have
	// executed the request; repeat it.
	ErrDisconnected = errors.New("disconnected")
	// ErrUnreachable reports that the client could not connect to the leader. Try again
	// later.
	ErrUnreachable = errors.New("unreachable")
)

// Refusal is the reason for which the leader or a client refuses the other side. All
// refusals except Busy are permanent. A refusal by the leader is not authenticated: it
// contains no proof.
type Refusal string

// These constants are all refusals.
const (
	WrongToken   Refusal = "wrong-token"   // by the leader: the proof of the client is wrong
	RogueLeader  Refusal = "rogue-leader"  // by the client: the proof of the leader is wrong
	OtherServers Refusal = "other-servers" // the two sides were started with different LRNs
	NotMember    Refusal = "not-member"    // the client's LRN is unknown, or is the leader's
	WrongAddress Refusal = "wrong-address" // the client's address does not belong to its LRN
	OtherKey     Refusal = "other-key"     // another key is bound to the client's LRN
	OtherVersion Refusal = "other-version" // the two sides have different versions of neco
	BadMessage   Refusal = "bad-message"   // the message is not a hello or a welcome
	Busy         Refusal = "busy"          // too many connections, or the leader could not store the key
)

// refusals returns all refusals.
func refusals() []Refusal {
	return []Refusal{WrongToken, RogueLeader, OtherServers, NotMember, WrongAddress, OtherKey, OtherVersion, BadMessage, Busy}
}

// refusal is a row of the table of all refusals.
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

// Error returns the text of the refusal. It starts with the text of the sentinel error
// that r wraps, if there is one.
func (r Refusal) Error() string {
	row := r.row()
	if row.kind == nil {
		return row.text
	}
	return row.kind.Error() + ": " + row.text
}

// Unwrap returns the sentinel error that r wraps, or nil.
func (r Refusal) Unwrap() error { return r.row().kind }

// Hint returns an instruction for the operator.
func (r Refusal) Hint() string { return r.row().hint }
