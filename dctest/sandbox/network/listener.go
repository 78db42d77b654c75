package network

import (
	"context"
	"net"
)

// Listener returns a listener like l whose connections hold back data while their link is
// cut. It calls link for each accepted connection to get that link.
func (s *Partition) Listener(l net.Listener, link func(net.Conn) Link) net.Listener {
	return gatedListener{l, s, link}
}

type gatedListener struct {
	net.Listener
	partition *Partition
	link      func(net.Conn) Link
}

func (l gatedListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	return &gatedConn{Conn: conn, out: gated{ctx, l.partition, conn, l.link(conn)}, cancel: cancel}, nil
}

// gatedConn is a connection. Its reads and writes wait while its link is cut.
type gatedConn struct {
	net.Conn
	out    gated
	cancel context.CancelFunc
}

func (c *gatedConn) Write(p []byte) (int, error) { return c.out.Write(p) }

func (c *gatedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if wait := c.out.partition.Wait(c.out.ctx, c.out.link); wait != nil {
		return 0, net.ErrClosed
	}
	return n, err
}

func (c *gatedConn) Close() error {
	c.cancel()
	return c.Conn.Close()
}
