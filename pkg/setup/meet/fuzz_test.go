package meet

import (
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
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

// FuzzCheckWelcome checks that a member accepts no answer of a leader without the
// token.
func FuzzCheckWelcome(f *testing.F) {
	f.Add([]byte(`{"proof":"AAAA"}`))
	f.Add([]byte(`{"refusal":"wrong-token"}`))
	f.Add([]byte(`{"refusal":"\u001b[2J"}`))
	theirs := []byte(NewToken().Reveal())
	f.Fuzz(func(t *testing.T, data []byte) {
		if r := Refusal(""); !errors.As(checkWelcome(data, theirs), &r) || r.Hint() == "" {
			t.Errorf("%q is not refused", data)
		}
	})
}

// FuzzUnauthenticated checks that the data of an unauthenticated client reaches no
// handler, that the leader reads a limited part of it, and that it causes exactly one
// event.
func FuzzUnauthenticated(f *testing.F) {
	f.Add([]byte(post(callPath+"sign", 2) + "{}"))
	f.Add([]byte(post(proofPath, 2) + "{}" + post(callPath+"sign", 2) + "{}"))
	f.Add([]byte("\x00\x00\x00\x0d{\"version\":1}"))
	f.Add([]byte("POST /proof HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"))
	f.Add([]byte("POST /proof HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n{}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		synctest.Test(t, func(t *testing.T) {
			h := open(t, func(s *Server) { s.Handle = nil }) // a call of it would panic
			session := h.unproved(address(1))
			go func() { _, _ = session.Write(data) }()
			answer, took := closed(session)
			synctest.Wait()
			if took > greetTimeout || len(answer) > maxGreeting || len(h.told.texts()) != 1 || h.told.texts()[0] != "refused 1 10.69.1.3" {
				t.Errorf("%q: %s, answer %q, events %q", data, took, answer, h.told.texts())
			}
		})
	})
}

func FuzzIdentify(f *testing.F) {
	s := &Server{Token: NewToken(), LRNs: []int{0, 1, 2}, Addresses: map[int][]netip.Addr{1: {address(1)}}}
	state := sessionState(f)
	f.Add([]byte(`{"version":2,"lrn":1,"lrns":[0,1,2],"proof":"AAAA"}`))
	f.Add([]byte(`{"version":2,"lrn":-1,"lrns":null}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if peer, err := s.identify(data, state, address(1)); err == nil {
			t.Errorf("%q is taken for boot server %d", data, peer.LRN)
		} else if r := Refusal(""); !errors.As(err, &r) {
			t.Errorf("%q: %v is no refusal", data, err)
		}
	})
}

// sessionState returns the state of a TLS session on the leader's side.
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
