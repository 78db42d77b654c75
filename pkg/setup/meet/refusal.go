package meet

import "errors"

// Kinds of errors.
var (
	ErrTokenInvalid = errors.New("TokenInvalid")
	ErrTokenUsed    = errors.New("TokenUsed")
	ErrTooLarge     = errors.New("TooLarge")
	// ErrDisconnected: the connection was lost; the request may have been
	// carried out.  Repeat it.
	ErrDisconnected = errors.New("disconnected")
	// ErrUnreachable: there is no connection to the leader.  Try again later.
	ErrUnreachable = errors.New("unreachable")
)

// Refusal is why two servers do not talk to each other.  To try again changes
// nothing, unless it is Busy.  Until the leader has proved that it knows the
// token its refusals may come from anybody.
type Refusal string

// The refusals.
const (
	WrongToken   Refusal = "wrong-token"   // by the leader: the caller's proof is wrong
	RogueLeader  Refusal = "rogue-leader"  // by the caller: the leader's proof is wrong
	OtherServers Refusal = "other-servers" // the two were started with other LRNs
	NotMember    Refusal = "not-member"    // the caller's LRN is not among them, or is the leader's
	WrongAddress Refusal = "wrong-address" // the caller's address is not that of its LRN
	OtherKey     Refusal = "other-key"     // this LRN has come with another key before
	OtherVersion Refusal = "other-version" // the versions of neco do not fit
	BadMessage   Refusal = "bad-message"   // what was sent is no greeting
	Busy         Refusal = "busy"          // the leader could not remember the key
)

// refusals are all of them.
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
		return refusal{ErrTokenInvalid, "the server that answered as the leader does not know the setup token",
			sameToken + "; if they are the same, another machine answers at the leader's address or between: do not go on before you know which"}
	case OtherServers:
		return refusal{ErrTokenInvalid, "the leader was started with other LRNs", "give the same LRNs on all servers"}
	case NotMember:
		return refusal{ErrTokenInvalid, "the LRN of this server is not among those that the leader waits for", "look at /etc/neco/rack and at the LRNs given"}
	case WrongAddress:
		return refusal{ErrTokenInvalid, "the leader saw an address that is not of this LRN", "look at /etc/neco/rack and at the addresses of node0, node1, node2 and bastion"}
	case OtherKey:
		return refusal{ErrTokenUsed, "a server with this LRN but another key has met the leader before",
			"if this server was installed anew meanwhile, run `neco reset` on all servers and begin again with a new token; if not, find out who came before"}
	case OtherVersion:
		return refusal{nil, "the leader runs another version of neco", "install the same version of neco on all servers"}
	case Busy:
		return refusal{nil, "the leader could not take this server in just now", "look at the leader's messages"}
	}
	return refusal{nil, "what was sent is no greeting of neco", "look at what listens on port 8203 of the leader"}
}

// Error tells the kind, if it has one, and the reason.
func (r Refusal) Error() string {
	row := r.row()
	if row.kind == nil {
		return row.text
	}
	return row.kind.Error() + ": " + row.text
}

// Unwrap returns the kind.
func (r Refusal) Unwrap() error { return r.row().kind }

// Hint says what an operator should do.
func (r Refusal) Hint() string { return r.row().hint }
