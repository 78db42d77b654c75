package storage

import (
	"context"
	"fmt"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/cybozu-go/neco/internal/lrn"
)

// Leaders returns the host name of the leading updater, empty if none leads, and
// the LRN of the boot server that holds the lock of the workers, -1 if none does.
func (s *Storage) Leaders(ctx context.Context) (updater string, worker int, err error) {
	first := func(prefix string) clientv3.Op { return clientv3.OpGet(prefix, clientv3.WithFirstCreate()...) }
	res, err := s.etcd.Txn(ctx).Then(first(KeyUpdaterLeader), first(KeyWorkerLock)).Commit()
	if err != nil {
		return "", -1, fmt.Errorf("read leaders: %w", err)
	}
	if kvs := res.Responses[0].GetResponseRange().Kvs; len(kvs) > 0 {
		updater = string(kvs[0].Value)
	}
	worker = -1
	if kvs := res.Responses[1].GetResponseRange().Kvs; len(kvs) > 0 {
		if n, err := lrn.Parse(string(kvs[0].Value)); err == nil {
			worker = n
		}
	}
	return updater, worker, nil
}
