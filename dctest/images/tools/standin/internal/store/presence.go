package store

import (
	"context"
	"errors"
	"fmt"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/concurrency"
)

// presenceTTL is how many seconds a key written by [Hold] remains in etcd after the
// death of the process that holds it.
const presenceTTL = 10

// Hold keeps a key with a value in etcd as long as this process lives. When it has
// written the key, it calls other with all pairs whose keys begin with prefix. It blocks
// until ctx ends or the key is lost, and fails if s is not a store in etcd.
func Hold(ctx context.Context, s Store, key, value, prefix string, other func([]Pair)) error {
	e, isEtcd := s.(*etcd)
	if !isEtcd {
		return errors.New("no etcd is configured")
	}
	lease, err := e.client.Grant(ctx, presenceTTL)
	if err != nil {
		return fmt.Errorf("connect to etcd: %w", err)
	}
	// The session does not use ctx, so that it can delete the key after ctx has ended.
	session, err := concurrency.NewSession(e.client, concurrency.WithLease(lease.ID), concurrency.WithTTL(presenceTTL))
	if err != nil {
		return fmt.Errorf("connect to etcd: %w", err)
	}
	defer session.Close()
	if _, err := e.client.Put(ctx, e.prefix+key, value, clientv3.WithLease(session.Lease())); err != nil {
		return err
	}
	pairs, err := s.List(ctx, prefix)
	if err != nil {
		return err
	}
	other(pairs)
	select {
	case <-ctx.Done():
		return nil
	case <-session.Done():
		return errors.New("the lease in etcd is lost")
	}
}
