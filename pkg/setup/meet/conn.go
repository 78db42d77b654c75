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

// listener accepts connections as long as there are places, and bounds what
// they may cost before the proof.
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
		if l.at(addr) == Stranger {
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

// conn is the leader's side of a connection: its TLS session, whose handshake is
// part of the first Read, and the server that has proved itself on it.
type conn struct {
	*tls.Conn
	addr   netip.Addr
	leave  func()
	alarm  *time.Timer // closes a connection without proof
	detach func() bool // from the context of Serve
	size   int         // bytes read before the proof
	peer   atomic.Pointer[Peer]

	mu  sync.Mutex
	err error // why the connection ends: the first reason
}

func (c *conn) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		c.err = err
	}
}

// Read implements net.Conn.  Before the proof it ends the connection of a client
// that sends too much or speaks the protocol before this one.
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
		c.fail(fmt.Errorf("%w: it speaks %s, the leader %s", OtherVersion, alpnBefore, alpn))
		return 0, io.EOF
	case c.size > maxGreeting:
		c.fail(fmt.Errorf("%w: more than %d bytes before the proof", ErrTooLarge, maxGreeting))
		return 0, io.EOF
	}
	return n, nil
}

// refusalBefore is the refusal of another version in the protocol before this
// one: a length in four bytes, then JSON.
func refusalBefore() []byte {
	const answer = `{"refusal":"` + string(OtherVersion) + `"}`
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(answer))), answer...)
}

// Close implements net.Conn, without the TLS alert, which might block.
func (c *conn) Close() error { return c.NetConn().Close() }

// admit records who has proved itself, in a place of its own.
func (c *conn) admit(peer Peer, leave func()) {
	c.alarm.Stop()
	c.leave()
	c.leave = leave
	c.peer.Store(&peer)
}

// end gives the place of a closed connection back and returns why it has ended.
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
