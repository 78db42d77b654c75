package meet

import (
	"bytes"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
)

func FuzzParse(f *testing.F) {
	f.Add(NewToken().Reveal())
	f.Add(Token{}.Reveal())
	f.Fuzz(func(t *testing.T, text string) {
		token, err := Parse(text)
		if err == nil && token.Reveal() != strings.ToLower(text) {
			t.Errorf("%q is read as %q", text, token.Reveal())
		}
		if err != nil && !errors.Is(err, ErrTokenInvalid) {
			t.Errorf("error %v", err)
		}
	})
}

func FuzzReadFrame(f *testing.F) {
	ok, _ := frame("hello", maxGreeting)
	f.Add(ok)
	f.Add([]byte{0xff, 0xff, 0xff, 0xff})
	f.Add([]byte{0, 0, 0, 9, 'x'})
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := readFrame(bytes.NewReader(data), maxGreeting)
		if err == nil && (len(got) > maxGreeting || !bytes.Equal(got, data[headerSize:headerSize+len(got)])) {
			t.Errorf("%x is read as %x", data, got)
		}
	})
}

func FuzzIdentify(f *testing.F) {
	s := &Server{Token: NewToken(), LRNs: []int{0, 1, 2}, Addresses: map[int][]netip.Addr{1: {address(1)}}}
	state := sessionState(f)
	f.Add([]byte(`{"version":1,"lrn":1,"lrns":[0,1,2],"proof":"AAAA"}`))
	f.Add([]byte(`{"version":1,"lrn":-1,"lrns":null}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if peer, err := s.identify(data, state, address(1)); err == nil {
			t.Errorf("%q is taken for boot server %d", data, peer.LRN)
		} else if r := Refusal(""); !errors.As(err, &r) {
			t.Errorf("%q: %v is no refusal", data, err)
		}
	})
}

// sessionState is that of a session, seen by a leader.
func sessionState(f *testing.F) tls.ConnectionState {
	f.Helper()
	left, right := net.Pipe()
	defer left.Close()
	defer right.Close()
	leader, err := leaderTLS()
	if err != nil {
		f.Fatal(err)
	}
	member, err := memberTLS(newKey(f))
	if err != nil {
		f.Fatal(err)
	}
	go func() { _ = tls.Client(right, member).HandshakeContext(f.Context()) }()
	session := tls.Server(left, leader)
	if err := session.HandshakeContext(f.Context()); err != nil {
		f.Fatal(err)
	}
	return session.ConnectionState()
}
