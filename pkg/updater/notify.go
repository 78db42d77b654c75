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

// notices is a queue with at most one notice of each kind for a run. It never blocks
// the main loop.
type notices struct {
	mu      sync.Mutex
	run     time.Time
	pending []Notice
	taken   []Kind
	ready   chan struct{}
}

func newNotices() *notices { return &notices{ready: make(chan struct{}, 1)} }

// put adds a notice unless this leader has already added one of its kind for the run.
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

// notify sends notices until the leadership ends. It runs beside the main loop, so that
// a slow or unavailable receiver does not delay a run.
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

// deliver retries one notice until it is delivered, and records that. It skips a notice
// that an earlier leader has recorded. If the record fails, the notice is sent twice.
// Leaders of the original neco record nothing, so the state in which a run of theirs
// was found is not sent.
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
