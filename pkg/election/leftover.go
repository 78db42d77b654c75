package election

import (
	"context"
	"fmt"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// RevokeLeftovers revokes the leases of keys below prefix for which match returns true:
// those that a killed former process of the same owner has left. The caller makes sure,
// by a local lock, that no such process runs.
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
