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

// role of a side: without it a leader that sends back what it hears would be
// taken for one that knows the token.
type role string

const (
	roleLeader role = "leader"
	roleMember role = "member"
)

// channelBinding is a value that this TLS session alone has (RFC 9266,
// tls-exporter).
func channelBinding(state tls.ConnectionState) ([]byte, error) {
	return state.ExportKeyingMaterial("EXPORTER-Channel-Binding", nil, sha256.Size)
}

// proof shows that its maker knows the token, is lrn in that role among lrns,
// and speaks on the TLS session of that binding.
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

// sameServers compares LRNs as sets.
func sameServers(a, b []int) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}
