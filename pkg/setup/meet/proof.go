package meet

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"slices"
)

// protocol is the version of the protocol between a member and the leader.
const protocol = 2

// role is the role of one side of a connection. A proof contains the role of its
// sender, so that a leader without the token cannot send the client's own proof back.
type role string

const (
	roleLeader role = "leader"
	roleMember role = "member"
)

// channelBinding returns the channel binding of a TLS session (RFC 9266, tls-exporter),
// a value that no other session has.
func channelBinding(state tls.ConnectionState) ([]byte, error) {
	return state.ExportKeyingMaterial("EXPORTER-Channel-Binding", nil, sha256.Size)
}

// proof returns an HMAC that proves the possession of the token t. It covers the
// prover, which is the server lrn in the role r, all servers lrns, and binding, the
// channel binding of the TLS session.
func proof(t Token, r role, lrns []int, lrn int, binding []byte) ([]byte, error) {
	key, err := t.Key("proof")
	if err != nil {
		return nil, err
	}
	if len(binding) != sha256.Size {
		return nil, fmt.Errorf("a channel binding of %d bytes", len(binding))
	}
	mac := hmac.New(sha256.New, key)
	number := func(n int) { mac.Write(binary.BigEndian.AppendUint64(nil, uint64(n))) }
	number(len(r))
	mac.Write([]byte(r))
	number(protocol)
	number(len(lrns))
	for _, n := range slices.Sorted(slices.Values(lrns)) {
		number(n)
	}
	number(lrn)
	mac.Write(binding)
	return mac.Sum(nil), nil
}

// sameServers reports whether a and b contain the same LRNs in any order.
func sameServers(a, b []int) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}
