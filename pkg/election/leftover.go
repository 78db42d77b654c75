package election

import (
	"context"
	"fmt"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// RevokeLeftovers revokes the leases of the keys below prefix for which match returns
// true. A killed process of the caller's host must have left these keys: the caller
// must make sure, by a lock of the host, that no such process is running.
func RevokeLeftovers(ctx context.Context, etcd *clientv3.Client, prefix string, match func(key, value string) bool) error {
	res, err := etcd.Get(ctx, prefix, clientv3.WithPrefix())
	if err != nil {
		return fmt.Errorf("read %s: %w", prefix, err)
	}
	for _, kv := range res.Kvs {
		if kv.Lease == 0 || !match(string(kv.Key), string(kv.Value)) {
			continue
		}
		if _, err := etcd.Revoke(ctx, clientv3.LeaseID(kv.Lease)); err != nil {
			return fmt.Errorf("revoke lease of %s: %w", kv.Key, err)
		}
	}
	return nil
}
