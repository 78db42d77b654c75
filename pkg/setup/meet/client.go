package meet

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"time"
)

// Member describes a server that connects to the leader of a setup.
type Member struct {
	Token Token
	// LRNs are the numbers of all servers of the setup. Leader is the number of the
	// leader, LRN that of this member.
	LRNs        []int
	Leader, LRN int
	// Key is the member's key, ECDSA on P-256. It must be the same during the whole
	// setup.
	Key *ecdsa.PrivateKey
	// From is the local address of the connection. With the zero value, the system
	// chooses the address.
	From netip.Addr
	// Hello returns the method and body of the first request on each connection. If
	// Hello is nil, there is no such request.
	Hello func() (method string, in any)
}

func (m Member) dial(ctx context.Context, addr netip.AddrPort) (net.Conn, error) {
	dialer := net.Dialer{Timeout: greetTimeout, KeepAliveConfig: keepAlive(), Control: giveUp}
	if m.From.IsValid() {
		dialer.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(m.From, 0))
	}
	conn, err := dialer.DialContext(ctx, "tcp", addr.String())
	if err != nil {
		return nil, fmt.Errorf("call leader: %w", err)
	}
	return conn, nil
}

// connect opens a TLS session on conn and exchanges proofs of the setup token. On an
// error, a Refusal or an error of the network, it closes conn.
func (m Member) connect(ctx context.Context, conn net.Conn) (*tls.Conn, error) {
	session, err := m.greet(ctx, conn)
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("meet leader: %w", err)
	}
	return session, nil
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
	err = session.HandshakeContext(ctx)
	if noProtocol(err) {
		return nil, fmt.Errorf("%w: it does not support %s", OtherVersion, alpn)
	}
	if err != nil {
		return nil, err
	}
	return session, m.prove(session)
}

// noProtocol reports whether err is the TLS alert by which the leader rejects the
// client's protocol version (ALPN). It compares texts, because crypto/tls exports no
// type for a received alert.
func noProtocol(err error) bool {
	const noApplicationProtocol = tls.AlertError(120)
	alert := (*net.OpError)(nil)
	return errors.As(err, &alert) && alert.Op == "remote error" && alert.Err.Error() == noApplicationProtocol.Error()
}

// prove sends the member's proof of the setup token and checks the leader's proof.
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
	out, err := marshal(hello{protocol, m.LRN, m.LRNs, mine})
	if err != nil {
		return err
	}
	_, data, err := exchange(session, proofPath, out, maxGreeting)
	if err != nil {
		return fmt.Errorf("no answer to the greeting: %w", err)
	}
	return checkWelcome(data, theirs)
}

// checkWelcome returns an error unless data is a welcome message that contains the
// proof theirs.
func checkWelcome(data, theirs []byte) error {
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

// exchange sends body as a request for path and returns the leader's answer. The
// answer, including its headers, must have at most limit bytes.
func exchange(session net.Conn, path string, body []byte, limit int64) (status int, answer []byte, err error) {
	req, err := http.NewRequest(http.MethodPost, "https://leader"+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	if err := req.Write(session); err != nil {
		return 0, nil, err
	}
	r := bufio.NewReader(io.LimitReader(session, limit))
	res, err := http.ReadResponse(r, req)
	if err != nil {
		return 0, nil, notHTTP(err)
	}
	defer res.Body.Close()
	answer, err = io.ReadAll(res.Body)
	if err == nil && r.Buffered() > 0 {
		err = BadMessage
	}
	return res.StatusCode, answer, err
}

// notHTTP returns err if it is an error of the network. Any other error means that the
// answer is not HTTP: then it returns BadMessage.
func notHTTP(err error) error {
	if network := (net.Error)(nil); errors.As(err, &network) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.ErrClosedPipe) {
		return err
	}
	return BadMessage
}
