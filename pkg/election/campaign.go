package election

import (
	"context"
	"errors"
	"fmt"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/concurrency"
)

// Holder is the proof of a won election.
type Holder struct {
	// Key is the holder's own key, relative to the client's prefix.
	Key string
	// Rev is the revision at which it was created: the fencing token.
	Rev int64
	// Seen is a revision at which the key was still the holder's.  A snapshot
	// that is to be decided on under the lock must not be older.
	Seen int64
}

// Campaign blocks until the session's key below prefix is the oldest one.
// The prefix is one of the table of keys, its trailing slash included.  What
// was won may be gone by the time that the answer arrives, so the key is read
// again.  At an error, the end of ctx too, the candidacy is withdrawn; where
// that is not sure, the error is [ErrStands] as well.
func (s *Session) Campaign(ctx context.Context, prefix, value string) (h Holder, err error) {
	defer func() {
		if err != nil {
			err = errors.Join(err, s.withdraw(ctx, prefix))
		}
	}()
	session, err := s.bounded(ctx)
	if err != nil {
		return Holder{}, fmt.Errorf("campaign for %s: %w", prefix, err)
	}
	defer session.Orphan()
	e := concurrency.NewElection(session, prefix)
	// Without a leader the member that serves the watch would stay silent as
	// long as it is cut off from the others.
	if err := e.Campaign(clientv3.WithRequireLeader(ctx), value); err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		return Holder{}, fmt.Errorf("campaign for %s: %w", prefix, err)
	}
	res, err := s.etcd.Get(ctx, e.Key())
	if err != nil {
		return Holder{}, fmt.Errorf("read %s: %w", e.Key(), err)
	}
	if len(res.Kvs) == 0 || res.Kvs[0].CreateRevision != e.Rev() {
		return Holder{}, fmt.Errorf("campaign for %s: %w", prefix, ErrLeaseLost)
	}
	return Holder{Key: e.Key(), Rev: e.Rev(), Seen: res.Header.Revision}, nil
}

// bounded returns the session with a client that ends with ctx. At the end of a
// campaign's context etcd's package gives the key back with the context of the
// client, which has no deadline: with etcd out of reach it would block for as
// long. [Session.withdraw] does that within its own deadline.
func (s *Session) bounded(ctx context.Context) (*concurrency.Session, error) {
	client := clientv3.NewCtxClient(ctx)
	client.KV, client.Watcher, client.Lease = s.etcd.KV, s.etcd.Watcher, s.etcd.Lease
	return concurrency.NewSession(client, concurrency.WithLease(s.Lease()), concurrency.WithContext(ctx))
}

// ErrStands: a key may stand until the session ends, and others wait for it.
var ErrStands = errors.New("the key may still stand")

// withdraw deletes what this session has below prefix.
func (s *Session) withdraw(ctx context.Context, prefix string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), resignTimeout)
	defer cancel()
	res, err := s.etcd.Get(ctx, prefix, clientv3.WithPrefix(), clientv3.WithKeysOnly())
	if err != nil {
		return fmt.Errorf("withdraw from %s: %w: %w", prefix, ErrStands, err)
	}
	for _, kv := range res.Kvs {
		if clientv3.LeaseID(kv.Lease) != s.Lease() {
			continue
		}
		if _, err := s.etcd.Delete(ctx, string(kv.Key)); err != nil {
			return fmt.Errorf("withdraw from %s: %w: %w", prefix, ErrStands, err)
		}
	}
	return nil
}

// Resign gives the key back and keeps the session.  The time that it takes is
// bounded; an error is [ErrStands].
func (s *Session) Resign(ctx context.Context, h Holder) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), resignTimeout)
	defer cancel()
	_, err := s.etcd.Txn(ctx).
		If(clientv3.Compare(clientv3.CreateRevision(h.Key), "=", h.Rev)).
		Then(clientv3.OpDelete(h.Key)).Commit()
	if err != nil {
		return fmt.Errorf("resign %s: %w: %w", h.Key, ErrStands, err)
	}
	return nil
}

// Hold is a session, a campaign and a resignation around fn.
func Hold(ctx context.Context, etcd *clientv3.Client, prefix, value string, ttl time.Duration, fn func(context.Context, *Session, Holder) error) error {
	return WithSession(ctx, etcd, ttl, func(ctx context.Context, s *Session) error {
		h, err := s.Campaign(ctx, prefix, value)
		if err != nil {
			return err
		}
		return fn(ctx, s, h)
	})
}
