package meet

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"slices"
)

// protocol is the version of the channel's protocol.
const protocol = 2

// role is the role of a side.  It is part of the proof, so that a leader without
// the token cannot send the client's own proof back.
type role string

const (
	roleLeader role = "leader"
	roleMember role = "member"
)

// channelBinding returns the channel binding of the TLS session (RFC 9266,
// tls-exporter).
func channelBinding(state tls.ConnectionState) ([]byte, error) {
	return state.ExportKeyingMaterial("EXPORTER-Channel-Binding", nil, sha256.Size)
}

// proof returns the HMAC by which the server lrn, in the role r among lrns, proves
// on the TLS session of binding that it has the token.
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

// sameServers reports whether a and b hold the same LRNs in any order.
func sameServers(a, b []int) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}
