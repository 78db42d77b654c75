package storage

import (
	"context"
	"fmt"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// PutOfServer writes a key as long as the boot server is registered; else it
// does nothing.
func (s *Storage) PutOfServer(ctx context.Context, lrn int, key, value string) error {
	_, err := s.etcd.Txn(ctx).
		If(clientv3.Compare(clientv3.CreateRevision(BootServerKey(lrn)), ">", 0)).
		Then(clientv3.OpPut(key, value)).Commit()
	if err != nil {
		return fmt.Errorf("write %s: %w", key, err)
	}
	return nil
}

// reports returns what boot servers say of themselves below prefix, by LRN.  Keys
// that are malformed are named.
func reports[T any](ctx context.Context, s *Storage, prefix string, decode func([]byte) (T, error)) (map[int]T, []MalformedKey, error) {
	return reportsOf(ctx, s, prefix, func(kv *mvccpb.KeyValue) (T, error) { return decode(kv.Value) })
}

// reportsOf is reports where more than the value counts, or another revision.
func reportsOf[T any](ctx context.Context, s *Storage, prefix string, decode func(*mvccpb.KeyValue) (T, error), opts ...clientv3.OpOption) (map[int]T, []MalformedKey, error) {
	res, err := s.etcd.Get(ctx, prefix, append(opts, clientv3.WithPrefix())...)
	if err != nil {
		return nil, nil, fmt.Errorf("read %s: %w", prefix, err)
	}
	all, bad := map[int]T{}, []MalformedKey(nil)
	for _, kv := range res.Kvs {
		err := addByLRN(string(kv.Key), prefix, func(lrn int) error {
			report, err := decode(kv)
			if err == nil {
				all[lrn] = report
			}
			return err
		})
		if err != nil {
			bad = append(bad, MalformedKey{string(kv.Key), err})
		}
	}
	return all, bad, nil
}
