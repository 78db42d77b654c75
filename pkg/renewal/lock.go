package renewal

import (
	"context"
	"fmt"
	"strconv"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/cybozu-go/neco/pkg/election"
	"github.com/cybozu-go/neco/pkg/storage"
)

// EtcdLock is a [Lock] that uses a lock in etcd.
type EtcdLock struct {
	// Etcd is namespaced at Neco's prefix.
	Etcd *clientv3.Client
	LRN  int
	// TTL is the time after which etcd releases the lock of a server that was killed.
	// The default is lockTTL.
	TTL time.Duration
}

const lockTTL = 10 * time.Second

// Hold implements Lock. It checks for a running update only once, before the call of f;
// an update may start while f runs. That is harmless: f normally ends within seconds,
// and an update restarts programs only after its downloads.
func (t EtcdLock) Hold(ctx context.Context, f func(context.Context) error) error {
	ttl := t.TTL
	if ttl == 0 {
		ttl = lockTTL
	}
	err := election.Hold(ctx, t.Etcd, storage.KeyRenewalLock, strconv.Itoa(t.LRN), ttl,
		func(ctx context.Context, _ *election.Session, _ election.Holder) error {
			snap, err := storage.New(t.Etcd).Snapshot(ctx)
			if err != nil {
				return err
			}
			if updates(snap, t.LRN) {
				return ErrBusy
			}
			return f(ctx)
		})
	if err != nil {
		return fmt.Errorf("renew certificates: %w", err)
	}
	return nil
}

// updates reports whether the boot server lrn takes part in a running update.
func updates(snap *storage.Snapshot, lrn int) bool {
	return snap.UnderWay() && snap.Request.IsMember(lrn)
}
