package network

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
)

// dial connects to a TCP address of this machine.
func dial(ctx context.Context, target string) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, "tcp", target)
}

// ServeTCP forwards every connection on l to the address target, and holds back data
// while the link is cut. It blocks until ctx is done, and then closes all connections.
func (s *Partition) ServeTCP(ctx context.Context, l net.Listener, target string, link Link) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	for {
		conn, err := l.Accept()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("forward to %s: %w", target, err)
		}
		wg.Go(func() { s.forward(ctx, conn, target, link) })
	}
}

// forward forwards one connection until it is closed.
func (s *Partition) forward(ctx context.Context, near net.Conn, target string, link Link) {
	defer near.Close()
	if s.Wait(ctx, link) != nil {
		return
	}
	far, err := dial(ctx, target)
	if err != nil {
		return // the other side sees its connection close
	}
	defer far.Close()
	s.Join(ctx, near, far, link)
}

// Join copies data in both directions between the connections a and b, and holds it back
// while the link is cut. When one of them is closed or ctx is done, it closes both and
// returns.
func (s *Partition) Join(ctx context.Context, a, b net.Conn, link Link) {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(ctx, func() { a.Close(); b.Close() })
	defer stop()
	defer cancel()
	var wg sync.WaitGroup
	defer wg.Wait()
	for _, way := range [][2]net.Conn{{a, b}, {b, a}} {
		wg.Go(func() {
			defer cancel()
			io.Copy(gated{ctx, s, way[1], link}, way[0]) // either side may hang up at any time
		})
	}
}

// gated writes to a connection. Its writes wait while the connection's link is cut.
type gated struct {
	ctx       context.Context // of the connection
	partition *Partition
	conn      net.Conn
	link      Link
}

func (g gated) Write(p []byte) (int, error) {
	if err := g.partition.Wait(g.ctx, g.link); err != nil {
		return 0, errors.Join(net.ErrClosed, err)
	}
	return g.conn.Write(p)
}
