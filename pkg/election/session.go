package election

import (
	"context"
	"errors"
	"fmt"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/concurrency"
)

// ErrLeaseLost is the cause with which the context of a session ends when its lease has
// ended.
var ErrLeaseLost = errors.New("LeaseLost")

// resignTimeout is how long the requests that delete a key or revoke a lease may take
// before they fail. In that case the lease expires by itself.
const resignTimeout = 3 * time.Second

// grantTimeout is how long the request for a lease may take before the session fails to
// open.
const grantTimeout = 5 * time.Second

// Session is a lease in etcd that is renewed until the session ends.
type Session struct {
	etcd    *clientv3.Client
	session *concurrency.Session
	lost    context.CancelCauseFunc
	endKeep context.CancelFunc
}

// Lease returns the ID of the session's lease.
func (s *Session) Lease() clientv3.LeaseID { return s.session.Lease() }

// Abandon ends the session before the function passed to [WithSession] has returned.
// The context of the session ends with cause; its lease is no longer renewed and
// expires after its TTL.
func (s *Session) Abandon(cause error) {
	s.lost(cause)
	s.endKeep()
}

// WithSession calls fn with a session whose lease has the lifetime ttl, truncated to
// whole seconds. The context of fn ends when ctx ends, or with the cause [ErrLeaseLost]
// when the lease ends. WithSession returns the error of fn, or of the request for the
// lease.
//
// When fn has returned, WithSession revokes the lease, which deletes every key bound to
// it. If etcd is unreachable, it gives up after a few seconds, and the lease expires by
// itself.
func WithSession(ctx context.Context, etcd *clientv3.Client, ttl time.Duration, fn func(context.Context, *Session) error) error {
	gctx, cancel := context.WithTimeout(ctx, grantTimeout)
	lease, err := etcd.Grant(gctx, int64(ttl/time.Second))
	cancel()
	if err != nil {
		return fmt.Errorf("grant lease: %w", err)
	}
	defer revoke(etcd, lease.ID)
	// The session has a context of its own, so that what fn does after the end of ctx
	// still has a valid lease.
	sctx, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	session, err := concurrency.NewSession(etcd, concurrency.WithLease(lease.ID), concurrency.WithContext(sctx))
	if err != nil {
		return fmt.Errorf("keep lease alive: %w", err)
	}
	defer session.Orphan()

	alive, lost := context.WithCancelCause(ctx)
	defer lost(nil)
	go func() {
		select {
		case <-session.Done():
			lost(ErrLeaseLost)
		case <-alive.Done():
		}
	}()
	return fn(alive, &Session{etcd, session, lost, end})
}

// revoke revokes the lease id, which deletes the keys bound to it.
func revoke(etcd *clientv3.Client, id clientv3.LeaseID) {
	ctx, cancel := context.WithTimeout(context.Background(), resignTimeout)
	defer cancel()
	// If etcd is unreachable, the lease expires by itself.
	_, _ = etcd.Revoke(ctx, id)
}
