package meet

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// Port is the one that the leader listens on.
const Port = 8203

// Peer is a server that has proved to be a member.
type Peer struct {
	LRN int
	// Key is its public key: PKIX, DER.
	Key []byte
}

// Keys remembers, for good, with which key each server came first.
type Keys interface {
	// Bind returns the key that lrn is bound to: the one bound before, else
	// key, which is bound now.
	Bind(ctx context.Context, lrn int, key []byte) ([]byte, error)
}

// Server is the leader's side.
type Server struct {
	Token Token
	// LRNs are all servers of the bootstrap, and LRN the leader's.
	LRNs []int
	LRN  int
	// Addresses are those that each server may call from.
	Addresses map[int][]netip.Addr
	Keys      Keys
	// Handle answers a request.  It may take as long as it likes; ctx ends
	// with the connection, and when the caller does not wait any more.  Several
	// run at a time, also for one peer.  Its errors are told to the caller.
	Handle func(ctx context.Context, peer Peer, method string, body json.RawMessage) (any, error)
	// Tell is told who came and went.  It must not block.
	Tell func(Event)
}

// Event is something that happened to a connection.
type Event struct {
	What Happening
	// Addr is where the connection comes from, and LRN the server that has this
	// address; Stranger if none has.  Before it has proved itself, that is a
	// claim.
	Addr netip.Addr
	LRN  int
	// Err is why it was Refused, or has Gone.
	Err error
}

// Stranger is no boot server's LRN.
const Stranger = -1

// Happening is what an Event is about.
type Happening int

// The happenings.
const (
	Refused   Happening = iota // it did not prove that it belongs here
	Connected                  // it did
	Gone                       // it was connected, and the connection has ended
)

// String is for messages.
func (h Happening) String() string { return [...]string{"refused", "connected", "gone"}[h] }

// Listen opens the leader's port on one address.
func Listen(ctx context.Context, addr netip.Addr) (net.Listener, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", netip.AddrPortFrom(addr, Port).String())
	if err != nil {
		return nil, fmt.Errorf("listen for boot servers: %w", err)
	}
	return l, nil
}

// Serve answers on l until ctx ends, which is no error, or l fails.  When it
// returns l and all connections are closed and no handler runs.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	defer l.Close()
	if s.Token.zero() || !slices.Contains(s.LRNs, s.LRN) {
		return errors.New("meet boot servers: no token, or own LRN not among the servers")
	}
	conf, err := leaderTLS()
	if err != nil {
		return fmt.Errorf("meet boot servers: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer context.AfterFunc(ctx, func() { l.Close() })()
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	doors := newDoors(s.Addresses)
	for {
		conn, err := l.Accept()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("meet boot servers: %w", err)
		}
		leave, ok := doors.enter(remote(conn))
		if !ok {
			conn.Close()
			continue
		}
		wg.Go(func() { s.serve(ctx, conn, conf, leave) })
	}
}

// serve is the life of one connection.
func (s *Server) serve(ctx context.Context, conn net.Conn, conf *tls.Config, leave func()) {
	defer leave()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	session := tls.Server(conn, conf)
	peer, err := s.greet(ctx, session)
	if err != nil {
		addr := remote(conn)
		s.Tell(Event{Refused, addr, s.at(addr), err})
		return
	}
	leave() // from here on it takes nobody's place
	s.Tell(Event{Connected, remote(conn), peer.LRN, nil})
	err = s.converse(ctx, newWire(session), peer)
	if ctx.Err() == nil { // else it is we who end
		s.Tell(Event{Gone, remote(conn), peer.LRN, err})
	}
}

// at is the server that may call from addr.
func (s *Server) at(addr netip.Addr) int {
	for lrn, addrs := range s.Addresses {
		if slices.Contains(addrs, addr) {
			return lrn
		}
	}
	return Stranger
}

func remote(conn net.Conn) netip.Addr {
	ap, err := netip.ParseAddrPort(conn.RemoteAddr().String())
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap()
}

// greet is everything up to the proof, in greetTimeout.
func (s *Server) greet(ctx context.Context, session *tls.Conn) (Peer, error) {
	if err := session.SetDeadline(time.Now().Add(greetTimeout)); err != nil {
		return Peer{}, err
	}
	if err := session.HandshakeContext(ctx); err != nil {
		return Peer{}, err
	}
	data, err := readFrame(session, maxGreeting)
	if err != nil {
		return Peer{}, err
	}
	state := session.ConnectionState()
	peer, reply, err := s.judge(ctx, data, state, remote(session))
	out, ferr := frame(reply, maxGreeting)
	if ferr != nil {
		return Peer{}, ferr
	}
	if _, werr := session.Write(out); err == nil {
		err = werr
	}
	if err != nil {
		return Peer{}, err
	}
	return peer, session.SetDeadline(time.Time{})
}
