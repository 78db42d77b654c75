package election

import (
	"context"
	"errors"
	"fmt"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/concurrency"
)

// Holder is the result of a won election: the key that proves the victory.
type Holder struct {
	// Key is the holder's own key in etcd, below the client's prefix.
	Key string
	// Rev is the revision at which Key was created. A write under the lock requires that
	// Key still has it.
	Rev int64
	// Seen is a revision at which Key still belonged to the holder. A decision under the
	// lock needs a state that is not older.
	Seen int64
}

// Campaign blocks until the session's key is the oldest key below prefix, which must
// end in a slash. It then reads the key again, because the election may be lost before
// the response arrives. After an error, including the end of ctx, it deletes the key;
// if the deletion may have failed, the error wraps [ErrKeyRemains].
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
	// Without a leader, the member that serves the watch would send nothing while it is
	// partitioned from the others.
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

// bounded returns a session for etcd's concurrency package that has the lease of s, and
// a client that uses ctx. When ctx ends, the package tries to delete the session's key
// by that client. The attempt fails at once, because ctx has ended; with another
// context it would block while etcd is unreachable. [Session.withdraw] then deletes the
// key within a deadline.
func (s *Session) bounded(ctx context.Context) (*concurrency.Session, error) {
	client := clientv3.NewCtxClient(ctx)
	client.KV, client.Watcher, client.Lease = s.etcd.KV, s.etcd.Watcher, s.etcd.Lease
	return concurrency.NewSession(client, concurrency.WithLease(s.Lease()), concurrency.WithContext(ctx))
}

// ErrKeyRemains reports that this session's key in an election may not have been deleted.
// Other candidates may then have to wait until the session ends.
var ErrKeyRemains = errors.New("the key may still exist")

// withdraw deletes the keys of this session below prefix. It takes at most resignTimeout,
// even after the end of ctx.
func (s *Session) withdraw(ctx context.Context, prefix string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), resignTimeout)
	defer cancel()
	res, err := s.etcd.Get(ctx, prefix, clientv3.WithPrefix(), clientv3.WithKeysOnly())
	if err != nil {
		return fmt.Errorf("withdraw from %s: %w: %w", prefix, ErrKeyRemains, err)
	}
	for _, kv := range res.Kvs {
		if clientv3.LeaseID(kv.Lease) != s.Lease() {
			continue
		}
		if _, err := s.etcd.Delete(ctx, string(kv.Key)); err != nil {
			return fmt.Errorf("withdraw from %s: %w: %w", prefix, ErrKeyRemains, err)
		}
	}
	return nil
}

// Resign gives up h, the key with which this session leads, by deleting the key; it keeps
// the session. It ignores the end of ctx and takes at most resignTimeout. An error wraps
// [ErrKeyRemains].
func (s *Session) Resign(ctx context.Context, h Holder) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), resignTimeout)
	defer cancel()
	_, err := s.etcd.Txn(ctx).
		If(clientv3.Compare(clientv3.CreateRevision(h.Key), "=", h.Rev)).
		Then(clientv3.OpDelete(h.Key)).Commit()
	if err != nil {
		return fmt.Errorf("resign %s: %w: %w", h.Key, ErrKeyRemains, err)
	}
	return nil
}

// Hold opens a session with a lease of ttl, wins the election below prefix with value,
// and calls fn. The end of the session deletes the key.
func Hold(ctx context.Context, etcd *clientv3.Client, prefix, value string, ttl time.Duration, fn func(context.Context, *Session, Holder) error) error {
	return WithSession(ctx, etcd, ttl, func(ctx context.Context, s *Session) error {
		h, err := s.Campaign(ctx, prefix, value)
		if err != nil {
			return err
		}
		return fn(ctx, s, h)
	})
}
