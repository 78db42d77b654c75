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

// lock tells whether this worker holds the lock that all workers share, or competes for
// it.
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

// state returns whether this worker holds the lock, waits for the lock, or does
// neither.
func (l *lock) state() update.Lock {
	switch {
	case l == nil:
		return update.LockNone
	case l.held:
		return update.LockHeld
	}
	return update.LockWaiting
}

// ready returns a channel that is closed when the competition for the lock has ended, or
// nil if this worker does not compete for the lock.
func (l *lock) ready() <-chan struct{} {
	if l == nil || l.held {
		return nil
	}
	return l.done.ready
}

// acquire starts to compete for the lock in a goroutine.
func (w *worker) acquire(ctx context.Context, r *session) *lock {
	ctx, cancel := context.WithCancel(ctx)
	l := &lock{session: r.Session, cancel: cancel, since: time.Now(), done: newResult[lockResult]()}
	go func() {
		h, err := r.Campaign(ctx, storage.KeyWorkerLock, strconv.Itoa(w.LRN))
		l.done.deliver(lockResult{h, err})
	}()
	return l
}

// locked stores the result of the competition for the lock, which has ended. After the
// lock was acquired, the next decision needs a state that is at least as new as the
// lock. An error ends the session.
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

// release releases the lock, or stops competing for it. After an error, the key of the
// lock may remain in etcd, so the session has to end; otherwise the other servers would
// wait forever.
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

// end stops competing for the lock and waits for the goroutine that does so. It does
// not release a lock that is held: the end of the session deletes the lock's key.
func (l *lock) end() {
	if l == nil || l.held {
		return
	}
	l.cancel()
	l.done.wait()
}
