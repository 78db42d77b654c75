package network

import (
	"context"
	"net"
)

// Listener returns l with connections that wait for their line, which is asked
// for once, when one comes in.
func (s *Switchboard) Listener(l net.Listener, line func(net.Conn) Line) net.Listener {
	return gatedListener{l, s, line}
}

type gatedListener struct {
	net.Listener
	board *Switchboard
	line  func(net.Conn) Line
}

func (l gatedListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	return &gatedConn{Conn: conn, out: gated{ctx, l.board, conn, l.line(conn)}, cancel: cancel}, nil
}

// gatedConn waits for the line both ways.
type gatedConn struct {
	net.Conn
	out    gated
	cancel context.CancelFunc
}

func (c *gatedConn) Write(p []byte) (int, error) { return c.out.Write(p) }

func (c *gatedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if wait := c.out.board.Wait(c.out.ctx, c.out.line); wait != nil {
		return 0, net.ErrClosed
	}
	return n, err
}

func (c *gatedConn) Close() error {
	c.cancel()
	return c.Conn.Close()
}
