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

// Storage is a gRPC proxy between Vault and etcd. It makes one write of Vault fail as
// during an election of etcd's leader.
type Storage struct {
	// Endpoint is the address of the proxy, as host:port.
	Endpoint string

	conn *grpc.ClientConn
	mu   sync.Mutex
	key  string
	// heard means that etcd receives the write chosen with Refuse and only the response
	// is lost.
	heard bool
}

// ErrNotStored is what Vault receives for the write chosen with [Storage.Refuse]. It is
// the error that etcd returns while its leader changes.
var ErrNotStored = status.Error(codes.Unavailable, "etcdserver: leader changed")

// StorageAt starts a proxy for the etcd at endpoint. It is stopped at the end of the
// test.
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

// Refuse makes the next write of Vault to key fail. If heard is true, etcd receives the
// write and only the response is lost.
func (s *Storage) Refuse(key string, heard bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.key, s.heard = key, heard
}

// Refused reports whether the write that Refuse has chosen has failed.
func (s *Storage) Refused() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.key == ""
}

// refuses reports whether request is the write that Refuse has chosen, and whether etcd
// is to receive it. It returns true only once after each call of Refuse.
func (s *Storage) refuses(method string, request []byte) (refused, heard bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.key == "" || method != "/etcdserverpb.KV/Put" || !bytes.Contains(request, []byte("/"+s.key)) {
		return false, false
	}
	s.key = ""
	return true, s.heard
}

// forward forwards one gRPC call to etcd.
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
				_ = out.CloseSend() // whatever the error is, etcd receives no more
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
				return // RecvMsg below returns the error
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

// asIs is a gRPC codec for messages that are not decoded.
type asIs struct{}

func (asIs) Marshal(v any) ([]byte, error) {
	b, ok := v.(*[]byte)
	if !ok {
		return nil, fmt.Errorf("a %T is not a message", v)
	}
	return *b, nil
}

func (asIs) Unmarshal(data []byte, v any) error {
	b, ok := v.(*[]byte)
	if !ok {
		return fmt.Errorf("a %T is not a message", v)
	}
	*b = bytes.Clone(data)
	return nil
}

func (asIs) Name() string { return "proto" }
