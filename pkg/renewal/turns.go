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

// EtcdTurns gives turns by a lock in etcd.
type EtcdTurns struct {
	// Etcd is namespaced at Neco's prefix.
	Etcd *clientv3.Client
	LRN  int
	// TTL of the lock when its holder is killed; 0: turnTTL.
	TTL time.Duration
}

const turnTTL = 10 * time.Second

// Take implements Turns.  An update that begins while f runs does not end it:
// f takes seconds, and what an update restarts comes after it has fetched all
// that it needs.
func (t EtcdTurns) Take(ctx context.Context, f func(context.Context) error) error {
	ttl := t.TTL
	if ttl == 0 {
		ttl = turnTTL
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

// updates says whether a boot server takes part in an update that is not over.
func updates(snap *storage.Snapshot, lrn int) bool {
	return snap.UnderWay() && snap.Request.IsMember(lrn)
}
