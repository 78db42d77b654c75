package meet

import (
	"context"
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"time"
)

// Member is a server that calls the leader.
type Member struct {
	Token Token
	// LRNs are all servers of the bootstrap, Leader is one of them and LRN the
	// member's own.
	LRNs        []int
	Leader, LRN int
	// Key is the server's for the whole bootstrap: ECDSA on P-256.
	Key *ecdsa.PrivateKey
	// From is the own address to call from; the zero value lets the system
	// choose.
	From netip.Addr
}

// Dial calls the leader at addr and proves, and has proved, that both know the
// token.  It blocks until then, or ctx ends, or the time for it is over.
// Refusals are of type Refusal; other errors are those of the network.
func (m Member) Dial(ctx context.Context, addr netip.AddrPort) (*Client, error) {
	dialer := net.Dialer{Timeout: greetTimeout}
	if m.From.IsValid() {
		dialer.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(m.From, 0))
	}
	conn, err := dialer.DialContext(ctx, "tcp", addr.String())
	if err != nil {
		return nil, fmt.Errorf("call leader: %w", err)
	}
	return m.Connect(ctx, conn)
}

// Connect is Dial on a connection that is open, which it owns from here on.
func (m Member) Connect(ctx context.Context, conn net.Conn) (*Client, error) {
	session, err := m.greet(ctx, conn)
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("meet leader: %w", err)
	}
	return newClient(session), nil
}

func (m Member) greet(ctx context.Context, conn net.Conn) (*tls.Conn, error) {
	conf, err := memberTLS(m.Key)
	if err != nil {
		return nil, err
	}
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	session := tls.Client(conn, conf)
	if err := session.SetDeadline(time.Now().Add(greetTimeout)); err != nil {
		return nil, err
	}
	if err := session.HandshakeContext(ctx); err != nil {
		return nil, err
	}
	if err := m.prove(session); err != nil {
		return nil, err
	}
	return session, session.SetDeadline(time.Time{})
}

// prove sends the own proof and checks the leader's.
func (m Member) prove(session *tls.Conn) error {
	binding, err := channelBinding(session.ConnectionState())
	if err != nil {
		return err
	}
	mine, err := proof(m.Token, roleMember, m.LRNs, m.LRN, binding)
	if err != nil {
		return err
	}
	theirs, err := proof(m.Token, roleLeader, m.LRNs, m.Leader, binding)
	if err != nil {
		return err
	}
	out, err := frame(hello{protocol, m.LRN, m.LRNs, mine}, maxGreeting)
	if err != nil {
		return err
	}
	if _, err := session.Write(out); err != nil {
		return err
	}
	return hear(session, theirs)
}

// hear reads the leader's answer, which must hold the proof theirs.
func hear(session *tls.Conn, theirs []byte) error {
	data, err := readFrame(session, maxGreeting)
	if err != nil {
		return fmt.Errorf("no answer to the greeting: %w", err)
	}
	var w welcome
	if err := json.Unmarshal(data, &w); err != nil {
		return BadMessage
	}
	for _, r := range refusals() {
		if w.Refusal == r {
			return r
		}
	}
	if w.Refusal != "" {
		return BadMessage
	}
	if !hmac.Equal(w.Proof, theirs) {
		return RogueLeader
	}
	return nil
}
