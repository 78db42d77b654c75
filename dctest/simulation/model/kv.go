package model

import (
	"bytes"
	"cmp"
	"context"
	"slices"

	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
)

// kv is etcd's KV service for one client.
type kv struct {
	e    *Etcd
	link *Link
}

var _ pb.KVClient = kv{}

// call runs f as a request over the link, while holding the lock of e.
func call[T any](ctx context.Context, link *Link, e *Etcd, f func() (T, error)) (T, error) {
	var res T
	err := link.call(ctx, func() (err error) {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.expire()
		res, err = f()
		return err
	})
	return res, err
}

func (k kv) Range(ctx context.Context, r *pb.RangeRequest, _ ...grpc.CallOption) (*pb.RangeResponse, error) {
	return call(ctx, k.link, k.e, func() (*pb.RangeResponse, error) { return k.e.rangeKeys(r), nil })
}

func (k kv) Put(ctx context.Context, r *pb.PutRequest, _ ...grpc.CallOption) (*pb.PutResponse, error) {
	return call(ctx, k.link, k.e, func() (*pb.PutResponse, error) {
		if err := k.e.leaseOf(r); err != nil {
			return nil, err
		}
		k.e.put(r, k.e.rev+1)
		return &pb.PutResponse{Header: k.e.header()}, nil
	})
}

func (k kv) DeleteRange(ctx context.Context, r *pb.DeleteRangeRequest, _ ...grpc.CallOption) (*pb.DeleteRangeResponse, error) {
	return call(ctx, k.link, k.e, func() (*pb.DeleteRangeResponse, error) { return k.e.deleteRange(r, k.e.rev+1), nil })
}

func (k kv) Txn(ctx context.Context, r *pb.TxnRequest, _ ...grpc.CallOption) (*pb.TxnResponse, error) {
	return call(ctx, k.link, k.e, func() (*pb.TxnResponse, error) { return k.e.txn(r) })
}

func (k kv) Compact(ctx context.Context, _ *pb.CompactionRequest, _ ...grpc.CallOption) (*pb.CompactionResponse, error) {
	return call(ctx, k.link, k.e, func() (*pb.CompactionResponse, error) {
		k.e.compact()
		return &pb.CompactionResponse{Header: k.e.header()}, nil
	})
}

// leaseOf returns an error if a put names a lease that does not exist.
func (e *Etcd) leaseOf(r *pb.PutRequest) error {
	if r.Lease != 0 && e.leases[r.Lease] == nil {
		return rpctypes.ErrGRPCLeaseNotFound
	}
	return nil
}

func (e *Etcd) rangeKeys(r *pb.RangeRequest) *pb.RangeResponse {
	kvs := slices.DeleteFunc(e.read(r.Key, r.RangeEnd), func(kv *mvccpb.KeyValue) bool {
		return r.MaxCreateRevision > 0 && kv.CreateRevision > r.MaxCreateRevision ||
			r.MinCreateRevision > 0 && kv.CreateRevision < r.MinCreateRevision ||
			r.MaxModRevision > 0 && kv.ModRevision > r.MaxModRevision ||
			r.MinModRevision > 0 && kv.ModRevision < r.MinModRevision
	})
	sortBy(kvs, r)
	res := &pb.RangeResponse{Header: e.header(), Count: int64(len(kvs))}
	if r.Limit > 0 && int64(len(kvs)) > r.Limit {
		kvs, res.More = kvs[:r.Limit], true
	}
	for _, kv := range kvs {
		if r.KeysOnly {
			kv = &mvccpb.KeyValue{Key: kv.Key, CreateRevision: kv.CreateRevision, ModRevision: kv.ModRevision, Version: kv.Version, Lease: kv.Lease}
		}
		if !r.CountOnly {
			res.Kvs = append(res.Kvs, kv)
		}
	}
	return res
}

func sortBy(kvs []*mvccpb.KeyValue, r *pb.RangeRequest) {
	order := func(a, b *mvccpb.KeyValue) int { return bytes.Compare(a.Key, b.Key) }
	switch r.SortTarget {
	case pb.RangeRequest_CREATE:
		order = func(a, b *mvccpb.KeyValue) int { return cmp.Compare(a.CreateRevision, b.CreateRevision) }
	case pb.RangeRequest_MOD:
		order = func(a, b *mvccpb.KeyValue) int { return cmp.Compare(a.ModRevision, b.ModRevision) }
	}
	slices.SortStableFunc(kvs, func(a, b *mvccpb.KeyValue) int {
		if r.SortOrder == pb.RangeRequest_DESCEND {
			a, b = b, a
		}
		return order(a, b)
	})
}

func (e *Etcd) deleteRange(r *pb.DeleteRangeRequest, rev int64) *pb.DeleteRangeResponse {
	kvs := e.read(r.Key, r.RangeEnd)
	for _, kv := range kvs {
		e.remove(string(kv.Key), rev)
	}
	return &pb.DeleteRangeResponse{Header: e.header(), Deleted: int64(len(kvs))}
}

// txn performs all operations of a transaction at one new revision.
func (e *Etcd) txn(r *pb.TxnRequest) (*pb.TxnResponse, error) {
	ok := !slices.ContainsFunc(r.Compare, func(c *pb.Compare) bool { return !e.holds(c) })
	ops := r.Success
	if !ok {
		ops = r.Failure
	}
	for _, op := range ops {
		if put := op.GetRequestPut(); put != nil {
			if err := e.leaseOf(put); err != nil {
				return nil, err
			}
		}
	}
	res := &pb.TxnResponse{Succeeded: ok}
	rev := e.rev + 1
	for _, op := range ops {
		res.Responses = append(res.Responses, e.op(op, rev))
	}
	res.Header = e.header()
	return res, nil
}

func (e *Etcd) op(op *pb.RequestOp, rev int64) *pb.ResponseOp {
	switch {
	case op.GetRequestPut() != nil:
		e.put(op.GetRequestPut(), rev)
		return &pb.ResponseOp{Response: &pb.ResponseOp_ResponsePut{ResponsePut: &pb.PutResponse{Header: e.header()}}}
	case op.GetRequestDeleteRange() != nil:
		return &pb.ResponseOp{Response: &pb.ResponseOp_ResponseDeleteRange{ResponseDeleteRange: e.deleteRange(op.GetRequestDeleteRange(), rev)}}
	}
	return &pb.ResponseOp{Response: &pb.ResponseOp_ResponseRange{ResponseRange: e.rangeKeys(op.GetRequestRange())}}
}

func (e *Etcd) holds(c *pb.Compare) bool {
	kv := e.keys[string(c.Key)]
	if kv == nil {
		kv = &mvccpb.KeyValue{}
	}
	var order int
	switch c.Target {
	case pb.Compare_CREATE:
		order = cmp.Compare(kv.CreateRevision, c.GetCreateRevision())
	case pb.Compare_MOD:
		order = cmp.Compare(kv.ModRevision, c.GetModRevision())
	case pb.Compare_VERSION:
		order = cmp.Compare(kv.Version, c.GetVersion())
	case pb.Compare_LEASE:
		order = cmp.Compare(kv.Lease, c.GetLease())
	default:
		order = bytes.Compare(kv.Value, c.GetValue())
	}
	switch c.Result {
	case pb.Compare_GREATER:
		return order > 0
	case pb.Compare_LESS:
		return order < 0
	case pb.Compare_NOT_EQUAL:
		return order != 0
	}
	return order == 0
}
