package election

import (
	"context"
	"fmt"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// RevokeLeftovers ends the leases of keys below prefix whose value matches, as
// a former process of the same owner left them when it was killed.  The caller
// makes sure, by a local lock, that no such process lives.
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
