package updater

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/cybozu-go/neco/pkg/retry"
	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/update"
)

// notices is a queue of notices about the current run, with at most one of each kind.
// Adding a notice does not block.
type notices struct {
	mu      sync.Mutex
	run     time.Time
	pending []Notice
	taken   []Kind
	ready   chan struct{}
}

func newNotices() *notices { return &notices{ready: make(chan struct{}, 1)} }

// put adds a notice unless one of the same kind and run was added before.
func (n *notices) put(notice Notice) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.run.Equal(notice.StartedAt) {
		n.run, n.taken = notice.StartedAt, nil
	}
	if slices.Contains(n.taken, notice.Kind) {
		return
	}
	n.taken = append(n.taken, notice.Kind)
	n.pending = append(n.pending, notice)
	select {
	case n.ready <- struct{}{}:
	default:
	}
}

func (n *notices) take() (Notice, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.pending) == 0 {
		return Notice{}, false
	}
	first := n.pending[0]
	n.pending = n.pending[1:]
	return first, true
}

// notify delivers queued notices until the leadership ends. It has its own goroutine, so
// that a slow or unavailable receiver does not delay a run.
func (l *leader) notify(ctx context.Context) error {
	for {
		notice, ok := l.notices.take()
		if !ok {
			select {
			case <-ctx.Done():
				return context.Cause(ctx)
			case <-l.notices.ready:
			}
			continue
		}
		if err := l.deliver(ctx, notice); err != nil {
			return err
		}
	}
}

// deliver delivers the notice n, with retries, and records the delivery in etcd. It
// skips a notice that is recorded as delivered; if the recording fails, the notice may
// be sent twice.
//
// The updater of cybozu-go/neco, which this Neco replaces, records no notices. If this
// leader takes a run over from such an updater, deliver skips the notice about the
// state in which the run was found.
func (l *leader) deliver(ctx context.Context, n Notice) error {
	notify := func(err error) { l.Logger.Warn("cannot notify; retrying", "kind", string(n.Kind), "err", err) }
	return retry.Do(ctx, newBackOff(), notify, func() error {
		err := l.deliverOnce(ctx, n)
		if errors.Is(err, storage.ErrNotLeader) {
			return backoff.Permanent(err)
		}
		return err
	})
}

func (l *leader) deliverOnce(ctx context.Context, n Notice) error {
	run := update.RunID{Version: n.Version, StartedAt: n.StartedAt}
	kinds, _, err := l.store.Notified(ctx, run)
	var bad storage.MalformedKey
	if err != nil && !errors.As(err, &bad) {
		return err
	}
	if err == nil && slices.Contains(kinds, string(n.Kind)) {
		return nil
	}
	if err == nil && n.Found && len(kinds) == 0 {
		ours, err := l.store.HasHistory(ctx, run)
		if err == nil && !ours || err != nil && !errors.As(err, &bad) {
			return err
		}
	}
	if err := l.Notifier.Notify(ctx, l.config.get(), n); err != nil {
		return err
	}
	return l.store.PutNotified(ctx, l.guard, run, append(kinds, string(n.Kind)))
}
