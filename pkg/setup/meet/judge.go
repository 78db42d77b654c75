package meet

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
)

// judge checks data, the first message of a client at addr, on the TLS session state.
// It returns the server that the client has proved to be, and the welcome message. If
// it refuses the client, the message contains the refusal and err the reason.
func (s *Server) judge(ctx context.Context, data []byte, state tls.ConnectionState, addr netip.Addr) (Peer, welcome, error) {
	peer, err := s.identify(data, state, addr)
	if err != nil {
		return refuse(err)
	}
	bound, err := s.Keys.Bind(ctx, peer.LRN, peer.Key)
	if err != nil {
		return refuse(fmt.Errorf("%w: store the key of boot server %d: %w", Busy, peer.LRN, err))
	}
	if !bytes.Equal(bound, peer.Key) {
		return refuse(OtherKey)
	}
	mine, err := s.prove(roleLeader, s.LRN, state)
	if err != nil {
		return refuse(err)
	}
	return peer, welcome{Proof: mine}, nil
}

func (s *Server) identify(data []byte, state tls.ConnectionState, addr netip.Addr) (Peer, error) {
	var h hello
	if err := json.Unmarshal(data, &h); err != nil {
		return Peer{}, fmt.Errorf("%w: %w", BadMessage, err)
	}
	switch {
	case h.Version != protocol:
		return Peer{}, OtherVersion
	case !sameServers(h.LRNs, s.LRNs):
		return Peer{}, OtherServers
	case h.LRN == s.LRN || !slices.Contains(s.LRNs, h.LRN):
		return Peer{}, NotMember
	case !slices.Contains(s.Addresses[h.LRN], addr):
		return Peer{}, fmt.Errorf("%w: a client at %s claims to be boot server %d", WrongAddress, addr, h.LRN)
	}
	want, err := s.prove(roleMember, h.LRN, state)
	if err != nil {
		return Peer{}, err
	}
	if !hmac.Equal(h.Proof, want) {
		return Peer{}, WrongToken
	}
	key, err := sessionKey(state)
	return Peer{h.LRN, key}, err
}

func (s *Server) prove(r role, lrn int, state tls.ConnectionState) ([]byte, error) {
	binding, err := channelBinding(state)
	if err != nil {
		return nil, err
	}
	return proof(s.Token, r, s.LRNs, lrn, binding)
}

// refuse returns the results of judge for the error err. The message contains the
// Refusal that err wraps, or BadMessage if it wraps none.
func refuse(err error) (Peer, welcome, error) {
	w := welcome{Refusal: BadMessage}
	errors.As(err, &w.Refusal)
	return Peer{}, w, err
}
