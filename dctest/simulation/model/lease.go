package model

import (
	"context"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc"
	"google.golang.org/grpc/status"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
)

// leases is etcd's Lease service for one client.
type leases struct {
	pb.LeaseClient // for the methods that are not used
	e              *Etcd
	link           *Link
}

func (l leases) LeaseGrant(ctx context.Context, r *pb.LeaseGrantRequest, _ ...grpc.CallOption) (*pb.LeaseGrantResponse, error) {
	return call(ctx, l.link, l.e, func() (*pb.LeaseGrantResponse, error) {
		return &pb.LeaseGrantResponse{Header: l.e.header(), ID: l.e.grant(r.TTL), TTL: r.TTL}, nil
	})
}

func (l leases) LeaseRevoke(ctx context.Context, r *pb.LeaseRevokeRequest, _ ...grpc.CallOption) (*pb.LeaseRevokeResponse, error) {
	return call(ctx, l.link, l.e, func() (*pb.LeaseRevokeResponse, error) {
		if !l.e.revoke(r.ID) {
			return nil, rpctypes.ErrGRPCLeaseNotFound
		}
		return &pb.LeaseRevokeResponse{Header: l.e.header()}, nil
	})
}

func (l leases) LeaseKeepAlive(ctx context.Context, _ ...grpc.CallOption) (pb.Lease_LeaseKeepAliveClient, error) {
	return &keepAlives{ctx: ctx, leases: l, requests: make(chan int64, 16)}, nil
}

// keepAlives is a stream of keep-alives of leases. As in a real stream, a delayed
// response delays those after it.
type keepAlives struct {
	grpc.ClientStream // for the methods that the client library does not use
	ctx               context.Context
	leases            leases
	requests          chan int64
}

// CloseSend does nothing and returns nil.
func (k *keepAlives) CloseSend() error { return nil }

// Context returns the context of the stream.
func (k *keepAlives) Context() context.Context { return k.ctx }

func (k *keepAlives) Send(r *pb.LeaseKeepAliveRequest) error {
	select {
	case k.requests <- r.ID:
		return nil
	case <-k.ctx.Done():
		return status.FromContextError(k.ctx.Err()).Err()
	}
}

func (k *keepAlives) Recv() (*pb.LeaseKeepAliveResponse, error) {
	_, changed := k.leases.link.get()
	for {
		select {
		case <-k.ctx.Done():
			return nil, status.FromContextError(k.ctx.Err()).Err()
		case <-changed:
			var state State
			if state, changed = k.leases.link.get(); state == Refused {
				return nil, errUnavailable()
			}
		case id := <-k.requests:
			return call(k.ctx, k.leases.link, k.leases.e, func() (*pb.LeaseKeepAliveResponse, error) {
				return &pb.LeaseKeepAliveResponse{Header: k.leases.e.header(), ID: id, TTL: k.leases.e.keepAlive(id)}, nil
			})
		}
	}
}
