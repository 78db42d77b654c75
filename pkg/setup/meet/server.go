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

// Port is the TCP port on which the leader listens.
const Port = 8203

// Peer is a server that has been authenticated on a connection.
type Peer struct {
	LRN int
	// Key is the public key in the server's TLS certificate (PKIX, DER).
	Key []byte
}

// Keys stores permanently, for each server, the first public key that the server has
// used.
type Keys interface {
	// Bind returns the key that is bound to the server lrn. If no key is bound yet, it
	// binds key and returns it.
	Bind(ctx context.Context, lrn int, key []byte) ([]byte, error)
}

// Server accepts, on the leader, the connections of the other servers during the
// bootstrap and answers their requests.
type Server struct {
	Token Token
	// LRNs are the numbers of all servers of the bootstrap. LRN is the number of the
	// leader.
	LRNs []int
	LRN  int
	// Addresses has, by LRN, the addresses from which each server may connect.
	Addresses map[int][]netip.Addr
	Keys      Keys
	// Handle answers a request of the server peer; the client receives its errors. It
	// is called concurrently, also for the same server. Its ctx ends with the
	// connection, and after 20 s: then the client repeats the request, so Handle must
	// be idempotent.
	Handle func(ctx context.Context, peer Peer, method string, body json.RawMessage) (any, error)
	// OnEvent is called with each event of a connection. It must not block.
	OnEvent func(Event)
}

// Event reports that a connection was refused, authenticated or ended.
type Event struct {
	Kind EventKind
	// Addr is the remote address of the connection. LRN is the server to which the
	// address belongs, or UnknownServer; in a Refused event that server was not
	// authenticated.
	Addr netip.Addr
	LRN  int
	// Err is the reason of a Refused or Gone event, and nil otherwise.
	Err error
}

// UnknownServer is the LRN of an Event whose address belongs to no boot server.
const UnknownServer = -1

// EventKind is the kind of an Event.
type EventKind int

// These constants are the kinds of events.
const (
	Refused   EventKind = iota // a connection ended before its client was authenticated
	Connected                  // a server was authenticated
	Gone                       // the connection of an authenticated server ended
)

// String returns a word for the kind, for messages.
func (h EventKind) String() string { return [...]string{"refused", "connected", "gone"}[h] }

// Listen returns a listener on the leader's Port at the address addr.
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

// Serve answers requests on the connections of l. It blocks until ctx ends, and returns
// nil then, or until l fails. When it returns, l and all connections are closed, and
// all calls of Handle have ended.
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

// service is a Server while Serve runs.
type service struct {
	*Server
	ctx    context.Context
	conf   *tls.Config
	places places
	conns  sync.WaitGroup
}

// http returns the HTTP server that serves the connections of a listener.
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
		// Errors of connections are reported as events.
		ErrorLog: log.New(io.Discard, "", 0),
	}
}

// watch counts the open connections, and sends an Event when one ends, unless the
// leader itself ends.
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
			s.OnEvent(Event{Refused, c.addr, s.at(c.addr), why})
		default:
			s.OnEvent(Event{Gone, c.addr, peer.LRN, why})
		}
	}
}

// at returns the LRN of the server that may connect from addr, or UnknownServer.
func (s *Server) at(addr netip.Addr) int {
	for lrn, addrs := range s.Addresses {
		if slices.Contains(addrs, addr) {
			return lrn
		}
	}
	return UnknownServer
}
