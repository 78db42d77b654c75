package worker

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/cybozu-go/neco/pkg/election"
	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/update"
)

// lock is a candidacy for the one lock of the workers, or the lock itself.
type lock struct {
	session *election.Session
	cancel  context.CancelFunc
	done    *result[lockResult]
	held    bool
	since   time.Time
	holder  election.Holder
}

type lockResult struct {
	holder election.Holder
	err    error
}

// state returns the state of the lock for pkg/update.
func (l *lock) state() update.Lock {
	switch {
	case l == nil:
		return update.LockNone
	case l.held:
		return update.LockHeld
	}
	return update.LockWaiting
}

// ready returns a channel that is closed when the campaign has ended, or nil if no
// campaign runs.
func (l *lock) ready() <-chan struct{} {
	if l == nil || l.held {
		return nil
	}
	return l.done.ready
}

// acquire starts to compete for the lock.
func (w *worker) acquire(ctx context.Context, r *session) *lock {
	ctx, cancel := context.WithCancel(ctx)
	l := &lock{session: r.Session, cancel: cancel, since: time.Now(), done: newResult[lockResult]()}
	go func() {
		h, err := r.Campaign(ctx, storage.KeyWorkerLock, strconv.Itoa(w.LRN))
		l.done.deliver(lockResult{h, err})
	}()
	return l
}

// locked records the result of a campaign. A decision made under the lock needs a
// snapshot that is not older than the lock. An error of the campaign ends the session.
func (w *worker) locked(r *session) error {
	res := r.lock.done.wait()
	r.lock.cancel()
	if res.err != nil {
		return fmt.Errorf("compete for the lock: %w", res.err)
	}
	r.lock.held, r.lock.holder = true, res.holder
	r.fresh, r.read = max(r.fresh, res.holder.Seen), true
	return nil
}

// release releases the lock, or withdraws the candidacy. After an error the key may
// still exist: the session has to end, or the other servers wait forever.
func (l *lock) release(ctx context.Context) error {
	if !l.held {
		l.cancel()
		res := l.done.wait()
		switch {
		case errors.Is(res.err, election.ErrKeyRemains):
			return res.err
		case res.err != nil:
			return nil // withdrawn
		}
		l.holder = res.holder
	}
	return l.session.Resign(ctx, l.holder)
}

// end stops a campaign and waits for its goroutine. A held key is deleted with the
// session.
func (l *lock) end() {
	if l == nil || l.held {
		return
	}
	l.cancel()
	l.done.wait()
}
