package network

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
)

// dial reaches an address of this machine.
func dial(ctx context.Context, target string) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, "tcp", target)
}

// ServeTCP forwards every connection to l to the address target, along the
// line.  It blocks until ctx is done, and all is closed then.
func (s *Switchboard) ServeTCP(ctx context.Context, l net.Listener, target string, line Line) error {
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
		wg.Go(func() { s.forward(ctx, conn, target, line) })
	}
}

// forward carries one connection to its end.
func (s *Switchboard) forward(ctx context.Context, near net.Conn, target string, line Line) {
	defer near.Close()
	if s.Wait(ctx, line) != nil {
		return
	}
	far, err := dial(ctx, target)
	if err != nil {
		return // the other side sees its connection close
	}
	defer far.Close()
	s.Join(ctx, near, far, line)
}

// Join carries bytes both ways between two connections, along the line, until
// one of them ends or ctx is done.  Both are closed then.
func (s *Switchboard) Join(ctx context.Context, a, b net.Conn, line Line) {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(ctx, func() { a.Close(); b.Close() })
	defer stop()
	defer cancel()
	var wg sync.WaitGroup
	defer wg.Wait()
	for _, way := range [][2]net.Conn{{a, b}, {b, a}} {
		wg.Go(func() {
			defer cancel()
			io.Copy(gated{ctx, s, way[1], line}, way[0]) // either side may hang up at any time
		})
	}
}

// gated is a connection whose writes wait for the line.
type gated struct {
	ctx   context.Context // of this one connection
	board *Switchboard
	conn  net.Conn
	line  Line
}

func (g gated) Write(p []byte) (int, error) {
	if err := g.board.Wait(g.ctx, g.line); err != nil {
		return 0, errors.Join(net.ErrClosed, err)
	}
	return g.conn.Write(p)
}
