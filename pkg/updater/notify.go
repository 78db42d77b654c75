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
// be sent twice. Before the first notice about a run of this Neco, deliver sends its begin.
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
	if errors.As(err, &bad) {
		return l.send(ctx, n, nil)
	}
	if err != nil || slices.Contains(kinds, string(n.Kind)) {
		return err
	}
	if len(kinds) > 0 {
		return l.send(ctx, n, kinds)
	}
	ours, err := l.store.HasHistory(ctx, run)
	switch {
	case err != nil || !ours && n.Found:
		return err
	case ours && n.Kind != KindBegin:
		// The run may abort before a leader sees it, and a leader may end before it has told
		// the begin.
		begin := Notice{Kind: KindBegin, Version: n.Version, Servers: n.Servers, StartedAt: n.StartedAt}
		if err := l.send(ctx, begin, nil); err != nil {
			return err
		}
		kinds = []string{string(KindBegin)}
	}
	return l.send(ctx, n, kinds)
}

// send notifies people of n and records that in etcd, after the kinds of the notices about
// the run that are recorded already.
func (l *leader) send(ctx context.Context, n Notice, kinds []string) error {
	if err := l.Notifier.Notify(ctx, l.config.get(), n); err != nil {
		return err
	}
	run := update.RunID{Version: n.Version, StartedAt: n.StartedAt}
	return l.store.PutNotified(ctx, l.guard, run, append(kinds, string(n.Kind)))
}
