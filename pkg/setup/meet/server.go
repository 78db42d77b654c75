package meet

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
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
	// Handle answers a request.  Its ctx ends with the connection, when the caller
	// does not wait any more, and after 20 s: the caller then repeats the request,
	// so Handle must bear that.  Several run at a time, also for one peer.  The
	// caller receives its errors.
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
	l, err := listen(ctx, netip.AddrPortFrom(addr, Port))
	if err != nil {
		return nil, fmt.Errorf("listen for boot servers: %w", err)
	}
	return l, nil
}

func listen(ctx context.Context, addr netip.AddrPort) (net.Listener, error) {
	conf := net.ListenConfig{KeepAliveConfig: keepAlive(), Control: giveUp}
	return conf.Listen(ctx, "tcp", addr.String())
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
	sv := &service{Server: s, ctx: ctx, conf: conf, places: places{used: map[any]int{}}}
	defer sv.conns.Wait()
	defer cancel()
	err = sv.http().Serve(listener{l, sv})
	if ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("meet boot servers: %w", err)
}

// service is a Server that runs.
type service struct {
	*Server
	ctx    context.Context
	conf   *tls.Config
	places places
	conns  sync.WaitGroup
}

// http returns the server for connections of listener.
func (s *service) http() *http.Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Server{
		Handler: s, Protocols: protocols, DisableGeneralOptionsHandler: true,
		MaxHeaderBytes: maxHeader, ReadHeaderTimeout: greetTimeout, ReadTimeout: requestTimeout, IdleTimeout: idleTimeout,
		// From the headers of a request to the end of its answer.
		WriteTimeout: requestTimeout + answerTimeout + writeTimeout,
		BaseContext:  func(net.Listener) context.Context { return s.ctx },
		ConnContext:  func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, connKey{}, c) },
		ConnState:    s.watch,
		// What happens to a connection is an Event.
		ErrorLog: log.New(io.Discard, "", 0),
	}
}

// watch counts the connections and reports those that have ended.
func (s *service) watch(nc net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		s.conns.Add(1)
	case http.StateClosed:
		defer s.conns.Done()
		c := nc.(*conn)
		peer, why := c.end()
		switch {
		case s.ctx.Err() != nil: // the leader ends
		case peer == nil:
			s.Tell(Event{Refused, c.addr, s.at(c.addr), why})
		default:
			s.Tell(Event{Gone, c.addr, peer.LRN, why})
		}
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
