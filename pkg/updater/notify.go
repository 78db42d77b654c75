package updater

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/update"
)

// notices holds what is to be told: one notice a kind, of one run.  It never
// blocks the loop.
type notices struct {
	mu      sync.Mutex
	run     time.Time
	pending []Notice
	taken   []Kind
	ready   chan struct{}
}

func newNotices() *notices { return &notices{ready: make(chan struct{}, 1)} }

// put adds a notice unless this leader has taken one of its kind for the run.
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

// notify sends notices until the leadership ends.  It is apart from the loop:
// a receiver that is down or slow holds up no run.
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
		if err := l.tell(ctx, notice); err != nil {
			return err
		}
	}
}

// tell sends one notice until it is taken, and records that.  A notice that an
// earlier leader has sent is not sent again; one whose record was lost is sent
// twice.  The original's leaders record nothing: the state in which such a run was
// found is not told.
func (l *leader) tell(ctx context.Context, n Notice) error {
	run := update.RunID{Version: n.Version, StartedAt: n.StartedAt}
	b := newBackOff()
	for ctx.Err() == nil {
		kinds, _, err := l.store.Notified(ctx, run)
		var bad storage.MalformedKey
		if err == nil && slices.Contains(kinds, string(n.Kind)) {
			return nil
		}
		if err == nil && n.Found && len(kinds) == 0 {
			ours, failed := l.store.HasHistory(ctx, run)
			if failed == nil && !ours {
				return nil
			}
			err = failed
		}
		if err == nil || errors.As(err, &bad) {
			err = l.Notifier.Notify(ctx, l.config.get(), n)
		}
		if err == nil {
			err = l.store.PutNotified(ctx, l.guard, run, append(kinds, string(n.Kind)))
		}
		switch {
		case err == nil:
			return nil
		case errors.Is(err, storage.ErrNotLeader):
			return err
		}
		l.Logger.Warn("cannot notify; tries again", "kind", string(n.Kind), "err", err)
		_ = neco.SleepContext(ctx, b.NextBackOff())
	}
	return context.Cause(ctx)
}
