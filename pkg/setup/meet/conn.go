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

// listener accepts connections up to the limits of places, and closes a connection
// that brings no proof within greetTimeout.
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

// conn is the leader's side of a connection: its TLS session, whose handshake the
// first Read performs, and the server that has been authenticated on it.
type conn struct {
	*tls.Conn
	addr   netip.Addr
	leave  func()      // frees the connection's place
	alarm  *time.Timer // closes a connection without proof
	detach func() bool // from the context of Serve
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

// Read implements net.Conn.  Before the proof it ends the connection of a client
// that sends more than maxGreeting bytes or uses the previous protocol.
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

// refusalBefore returns the refusal OtherVersion in the previous protocol: a length
// in four bytes, then JSON.
func refusalBefore() []byte {
	const answer = `{"refusal":"` + string(OtherVersion) + `"}`
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(answer))), answer...)
}

// Close implements net.Conn.  It sends no TLS alert, because that might block.
func (c *conn) Close() error { return c.NetConn().Close() }

// admit stores the authenticated server, and its place in exchange for the one that
// the connection had before the proof.
func (c *conn) admit(peer Peer, leave func()) {
	c.alarm.Stop()
	c.leave()
	c.leave = leave
	c.peer.Store(&peer)
}

// end frees the place of a closed connection.  It returns the server, nil if none
// was authenticated, and why the connection has ended.
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
