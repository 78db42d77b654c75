package vaulttest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
)

// Storage is a way to etcd that does not take a write of Vault, once, as while
// the members elect a leader.
type Storage struct {
	// Endpoint is where Vault finds it.
	Endpoint string

	conn *grpc.ClientConn
	mu   sync.Mutex
	key  string
	// heard: etcd has got it, and the answer is lost.
	heard bool
}

// ErrNotStored is what such a write ends with.
var ErrNotStored = status.Error(codes.Unavailable, "etcdserver: leader changed")

// StorageAt returns a way to the etcd at endpoint.  It ends with the test.
func StorageAt(t testing.TB, endpoint string) *Storage {
	t.Helper()
	conn, err := grpc.NewClient(endpoint, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &Storage{Endpoint: l.Addr().String(), conn: conn}
	server := grpc.NewServer(grpc.ForceServerCodec(asIs{}), grpc.UnknownServiceHandler(s.forward))
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	t.Cleanup(func() {
		server.Stop()
		if err := errors.Join(<-ended, conn.Close()); err != nil {
			t.Error(err)
		}
	})
	return s
}

// Refuse the next write of Vault's key; heard says that etcd gets it, and only the
// answer is lost.
func (s *Storage) Refuse(key string, heard bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.key, s.heard = key, heard
}

// Refused says whether there was such a write.
func (s *Storage) Refused() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.key == ""
}

// refuses says whether the request is the write that is waited for.
func (s *Storage) refuses(method string, request []byte) (refused, heard bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.key == "" || method != "/etcdserverpb.KV/Put" || !bytes.Contains(request, []byte("/"+s.key)) {
		return false, false
	}
	s.key = ""
	return true, s.heard
}

// forward is a call to etcd.
func (s *Storage) forward(_ any, in grpc.ServerStream) error {
	method, ok := grpc.MethodFromServerStream(in)
	if !ok {
		return status.Error(codes.Internal, "a call without a method")
	}
	ctx, cancel := context.WithCancel(in.Context())
	defer cancel()
	out, err := s.conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, method, grpc.ForceCodec(asIs{}))
	if err != nil {
		return err
	}
	var lost atomic.Bool
	go func() {
		for {
			var message []byte
			if err := in.RecvMsg(&message); err != nil {
				_ = out.CloseSend() // whatever it is, etcd hears no more
				return
			}
			if refused, heard := s.refuses(method, message); refused {
				lost.Store(true)
				if !heard {
					cancel()
					return
				}
			}
			if out.SendMsg(&message) != nil {
				return // the receiver hears why
			}
		}
	}()
	for {
		var message []byte
		err := out.RecvMsg(&message)
		switch {
		case lost.Load():
			return ErrNotStored
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		if err := in.SendMsg(&message); err != nil {
			return err
		}
	}
}

// asIs leaves messages encoded.
type asIs struct{}

func (asIs) Marshal(v any) ([]byte, error) {
	b, ok := v.(*[]byte)
	if !ok {
		return nil, fmt.Errorf("a %T is no message", v)
	}
	return *b, nil
}

func (asIs) Unmarshal(data []byte, v any) error {
	b, ok := v.(*[]byte)
	if !ok {
		return fmt.Errorf("a %T is no message", v)
	}
	*b = bytes.Clone(data)
	return nil
}

func (asIs) Name() string { return "proto" }
