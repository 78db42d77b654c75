//go:build shell

package shells

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// fault is what a proxy does to data and connections.
type fault int

const (
	_ fault = iota // no fault
	// refused closes existing and new connections.
	refused
	// silent holds back data from the client until the fault ends.
	silent
	// mute holds back data from etcd until the fault ends.
	mute
	// lossy drops data from etcd, so clients do not learn which requests took
	// effect. It closes the connections at its end.
	lossy
	// flaky drops every tenth chunk from etcd and closes its connection, whatever
	// the call is; the next call succeeds.
	flaky
	// slow delays every chunk in both directions.
	slow
	numFaults
)

// slowness is the delay of each chunk on a slow link.
const slowness = 300 * time.Millisecond

// flakiness is a number of chunks from etcd, of which a flaky proxy drops one.
const flakiness = 10

// proxy is a TCP proxy in front of one etcd member, for one client.
type proxy struct {
	net.Listener
	target string
	wg     sync.WaitGroup

	mu      sync.Mutex
	fault   fault
	answers int // chunks from etcd
	changed chan struct{}
	conns   map[*connection]struct{}
	closed  bool
}

func newProxy(target string) (*proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &proxy{Listener: l, target: target, changed: make(chan struct{}), conns: map[*connection]struct{}{}}
	p.wg.Go(p.serve)
	return p, nil
}

func (p *proxy) serve() {
	for {
		conn, err := p.Accept()
		if err != nil {
			return
		}
		p.wg.Go(func() { p.connect(conn) })
	}
}

// connect serves one connection until either side closes it.
func (p *proxy) connect(client net.Conn) {
	defer client.Close()
	etcd, err := net.Dial("tcp", p.target)
	if err != nil {
		return
	}
	defer etcd.Close()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	c := &connection{func() {
		cancel()
		client.Close()
		etcd.Close()
	}}
	if !p.keep(c) {
		return
	}
	defer p.forget(c)
	done := make(chan struct{}, 2)
	go func() { p.pump(ctx, etcd, client, silent); done <- struct{}{} }()
	go func() { p.pump(ctx, client, etcd, mute); done <- struct{}{} }()
	<-done
	c.Close()
	<-done
}

func (p *proxy) keep(c *connection) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.fault == refused {
		return false
	}
	p.conns[c] = struct{}{}
	return true
}

func (p *proxy) forget(c *connection) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
}

// connection is one client connection, with the sockets of both sides.
type connection struct{ close func() }

// Close closes both sockets and drops data that is held back.
func (c *connection) Close() { c.close() }

var (
	// errLost means that a chunk is dropped and its connection continues.
	errLost = errors.New("lost")
	// errBroken means that a chunk is dropped and its connection is closed.
	errBroken = errors.New("lost, and the connection with it")
)

// pump copies data in one direction. held is the fault during which it holds back data in
// that direction.
func (p *proxy) pump(ctx context.Context, to io.Writer, from io.Reader, held fault) {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			switch passed := p.pass(ctx, held); {
			case errors.Is(passed, errBroken):
				return
			case passed == nil:
				if _, err := to.Write(buf[:n]); err != nil {
					return
				}
			}
		}
		if err != nil || ctx.Err() != nil {
			return
		}
	}
}

// pass blocks until a chunk may be forwarded. It returns an error if the chunk is dropped
// instead.
func (p *proxy) pass(ctx context.Context, held fault) error {
	for {
		p.mu.Lock()
		f, changed := p.fault, p.changed
		if held == mute {
			p.answers++
		}
		breaks := p.answers%flakiness == 0
		p.mu.Unlock()
		switch {
		case f == lossy && held == mute:
			return errLost
		case f == flaky && held == mute && breaks:
			return errBroken
		case f == slow:
			pause(ctx, slowness)
			return ctx.Err()
		case f != held:
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		}
	}
}

// set changes the fault. It closes all connections when the fault refused starts or the
// fault lossy ends.
func (p *proxy) set(f fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fault == lossy && f != lossy || f == refused {
		for c := range p.conns {
			c.Close()
		}
	}
	p.fault = f
	close(p.changed)
	p.changed = make(chan struct{})
}

// end closes the proxy and waits for its goroutines.
func (p *proxy) end() {
	p.mu.Lock()
	p.closed = true
	for c := range p.conns {
		c.Close()
	}
	p.mu.Unlock()
	p.Close()
	p.wg.Wait()
}
