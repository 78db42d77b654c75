// Package serfrpc imitates the RPC endpoint of a serf agent. The test gives the members and their
// addresses. It is for tests only; package serftest runs real agents.
package serfrpc

import (
	"bufio"
	"net"
	"regexp"
	"slices"
	"sync"

	"github.com/hashicorp/go-msgpack/v2/codec"
	"github.com/hashicorp/serf/client"
)

// Server answers the requests of clients for the members.
type Server struct {
	listener net.Listener
	members  func() []client.Member
	// conns are the open connections, and serving waits for all goroutines.
	mu      sync.Mutex
	conns   map[net.Conn]bool
	closed  bool
	serving sync.WaitGroup
}

// Serve answers requests at l until Close is called. members returns the members at the time of a
// request; it is called from several goroutines.
func Serve(l net.Listener, members func() []client.Member) *Server {
	s := &Server{listener: l, members: members, conns: map[net.Conn]bool{}}
	s.serving.Go(s.accept)
	return s
}

// Close closes the listener and all connections.
func (s *Server) Close() {
	_ = s.listener.Close()
	s.mu.Lock()
	s.closed = true
	for c := range s.conns {
		_ = c.Close()
	}
	s.mu.Unlock()
	s.serving.Wait()
}

func (s *Server) accept() {
	for {
		c, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		if s.closed {
			_ = c.Close()
		}
		s.conns[c] = true
		s.mu.Unlock()
		s.serving.Go(func() {
			s.answer(c)
			_ = c.Close()
			s.mu.Lock()
			delete(s.conns, c)
			s.mu.Unlock()
		})
	}
}

type requestHeader struct {
	Command string
	Seq     uint64
}

type responseHeader struct {
	Seq   uint64
	Error string
}

type membersResponse struct{ Members []client.Member }

// answer answers the requests on a connection until it ends.
func (s *Server) answer(c net.Conn) {
	handle := &codec.MsgpackHandle{WriteExt: true}
	handle.RawToString = true
	w := bufio.NewWriter(c)
	in, out := codec.NewDecoder(bufio.NewReader(c), handle), codec.NewEncoder(w, handle)
	for {
		var req requestHeader
		if in.Decode(&req) != nil {
			return
		}
		res := responseHeader{Seq: req.Seq}
		var body any
		switch req.Command {
		case "handshake":
			var version struct{ Version int32 }
			if in.Decode(&version) != nil {
				return
			}
		case "members":
			body = membersResponse{s.members()}
		case "members-filtered":
			var filter struct {
				Tags         map[string]string
				Status, Name string
			}
			if in.Decode(&filter) != nil {
				return
			}
			body = membersResponse{selected(s.members(), filter.Tags)}
		default:
			res.Error = "Unsupported command"
		}
		if out.Encode(res) != nil || body != nil && out.Encode(body) != nil || w.Flush() != nil || res.Error != "" {
			return
		}
	}
}

// selected returns the members whose tags match the patterns, as serf does. A wrong pattern
// selects none.
func selected(all []client.Member, patterns map[string]string) []client.Member {
	return slices.DeleteFunc(slices.Clone(all), func(m client.Member) bool {
		for name, pattern := range patterns {
			if ok, err := regexp.MatchString("^(?:"+pattern+")$", m.Tags[name]); err != nil || !ok {
				return true
			}
		}
		return false
	})
}
