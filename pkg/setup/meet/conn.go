package meet

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// listener accepts connections as long as the limits for unauthenticated clients
// permit. It closes a connection on which no valid proof arrives within greetTimeout.
type listener struct {
	net.Listener
	*service
}

// Accept implements net.Listener.
func (l listener) Accept() (net.Conn, error) {
	for {
		raw, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		addr, limit := remote(raw), knownPlaces
		key := addr
		if l.at(addr) == UnknownServer {
			key, limit = netip.Addr{}, unknownPlaces
		}
		leave, ok := l.places.enter(key, limit)
		if !ok {
			raw.Close()
			continue
		}
		c := &conn{Conn: tls.Server(raw, l.conf), addr: addr, leave: leave}
		c.alarm = time.AfterFunc(greetTimeout, func() {
			c.fail(os.ErrDeadlineExceeded)
			c.Close()
		})
		c.detach = context.AfterFunc(l.ctx, func() { c.Close() })
		return c, nil
	}
}

func remote(conn net.Conn) netip.Addr {
	ap, err := netip.ParseAddrPort(conn.RemoteAddr().String())
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap()
}

// conn is a connection on the leader's side: its TLS session, and the server that was
// authenticated on it. The first Read performs the TLS handshake.
type conn struct {
	*tls.Conn
	addr   netip.Addr
	leave  func()      // frees the connection's place in the limits
	alarm  *time.Timer // closes the connection unless a proof arrives in time
	detach func() bool // ends the effect of the context of Serve
	size   int         // bytes read before the proof
	peer   atomic.Pointer[Peer]

	mu  sync.Mutex
	err error // the first error of the connection
}

func (c *conn) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		c.err = err
	}
}

// Read implements net.Conn. It ends a connection on which a client has sent more than
// maxGreeting bytes without a valid proof, or which uses the previous protocol version.
func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if c.peer.Load() != nil {
		// net/http ends its own reads by a timeout.
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			c.fail(err)
		}
		return n, err
	}
	if err != nil {
		c.fail(err)
		return n, err
	}
	c.size += n
	switch {
	case c.ConnectionState().NegotiatedProtocol == alpnBefore:
		_, _ = c.Write(refusalBefore())
		c.fail(fmt.Errorf("%w: it uses %s, the leader %s", OtherVersion, alpnBefore, alpn))
		return 0, io.EOF
	case c.size > maxGreeting:
		c.fail(fmt.Errorf("%w: more than %d bytes before the proof", ErrTooLarge, maxGreeting))
		return 0, io.EOF
	}
	return n, nil
}

// refusalBefore returns the refusal OtherVersion in the format of the previous protocol
// version: a length in four bytes, then JSON.
func refusalBefore() []byte {
	const answer = `{"refusal":"` + string(OtherVersion) + `"}`
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(answer))), answer...)
}

// Close implements net.Conn. It sends no TLS alert, because sending might block.
func (c *conn) Close() error { return c.NetConn().Close() }

// admit records that the connection is authenticated as the boot server peer. From then
// on it counts against the limit for that server instead of the limit for
// unauthenticated connections. The function leave, a field of the connection, ends that
// count.
func (c *conn) admit(peer Peer, leave func()) {
	c.alarm.Stop()
	c.leave()
	c.leave = leave
	c.peer.Store(&peer)
}

// end ends the counting of a closed connection against its limit. It returns the server
// that was authenticated on the connection, or nil, and the reason for which the
// connection has ended.
func (c *conn) end() (peer *Peer, why error) {
	c.alarm.Stop()
	c.detach()
	c.leave()
	c.mu.Lock()
	defer c.mu.Unlock()
	if peer, why = c.peer.Load(), c.err; why != nil {
		return peer, why
	}
	if peer == nil {
		return nil, BadMessage
	}
	return peer, ErrDisconnected
}
