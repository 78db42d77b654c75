package worker

import (
	"context"
	"time"

	"github.com/cybozu-go/neco/pkg/election"
	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/update"
)

// session is the state of a worker that exists only as long as the worker's lease.
type session struct {
	*election.Session
	// presence is the revision at which the worker's presence key was written. Each write
	// of the session requires it to be unchanged.
	presence int64
	snap     *storage.Snapshot
	follower *storage.Follower
	// fresh is the lowest revision of the state on which the next decision may be based.
	// If the watch has not delivered it and read is true, the worker reads the state from
	// etcd.
	fresh int64
	read  bool
	lock  *lock
	// heartbeatAt is when the next heartbeat is due.
	heartbeatAt time.Time
}

// session makes decisions and performs them until the lease or ctx ends, and returns
// the reason for that end.
func (w *worker) session(ctx context.Context, es *election.Session) error {
	presence, err := w.putPresence(ctx, es)
	if err != nil {
		return err
	}
	r := &session{Session: es, presence: presence, follower: w.store.Follow(ctx)}
	defer r.follower.Close()
	stopWatch := w.watchPulse(ctx, es)
	defer stopWatch()
	defer w.endSession(r)
	for {
		if err := w.beat(ctx, r); err != nil {
			return err
		}
		ready, err := w.refresh(ctx, r)
		if err != nil {
			return err
		}
		if !ready {
			if err := w.wait(ctx, r, catchUp); err != nil {
				return err
			}
			continue
		}
		d := w.decide(r)
		again, err := w.apply(ctx, r, d)
		if err != nil {
			return err
		}
		if again {
			continue
		}
		if err := w.wait(ctx, r, relist); err != nil {
			return err
		}
	}
}

// catchUp is how long the worker waits for the watch to deliver the worker's own writes
// before it reads the state from etcd.
const catchUp = 100 * time.Millisecond

// refresh updates r.snap to the newest state that the watch has delivered, or reads the
// state from etcd if the watch is late. If ready is false, the caller has to wait up to
// catchUp and try again.
func (w *worker) refresh(ctx context.Context, r *session) (ready bool, err error) {
	if s := r.follower.Snapshot(); s != nil && (r.snap == nil || s.Revision > r.snap.Revision) {
		w.take(r, s)
	}
	if r.snap != nil && r.snap.Revision >= r.fresh {
		r.read = false
		return true, nil
	}
	if !r.read {
		r.read = true // read the state if the watch is late again
		return false, nil
	}
	return true, w.readState(ctx, r)
}

// readState reads the state from etcd into r.snap. It retries until that succeeds or ctx
// ends.
func (w *worker) readState(ctx context.Context, r *session) error {
	var s *storage.Snapshot
	err := w.until(ctx, "a snapshot", func(ctx context.Context) (err error) {
		s, err = w.store.Snapshot(ctx)
		return err
	})
	if err != nil {
		return err
	}
	w.take(r, s)
	r.read, r.fresh = false, min(r.fresh, s.Revision)
	return nil
}

func (w *worker) take(r *session, s *storage.Snapshot) {
	w.logMalformed(r.snap, s)
	r.snap = s
}

// logMalformed logs the malformed keys of snap, except those that were already
// malformed in the snapshot old.
func (w *worker) logMalformed(old, snap *storage.Snapshot) {
	for _, bad := range snap.Malformed {
		if old != nil {
			if _, known := old.MalformedAt(bad.Key); known {
				continue
			}
		}
		w.Logger.Warn("skips a malformed key", "key", bad.Key, "err", bad.Err)
	}
}

// decide returns the decision of pkg/update for this worker, and logs it.
func (w *worker) decide(r *session) update.Decision {
	m := w.m
	m.Lock, m.Work.Elapsed = r.lock.state(), 0
	if !w.firstAttempt.IsZero() {
		m.Work.Elapsed = time.Since(w.firstAttempt)
	}
	m.Work.Progress, _ = w.progress(r)
	d := w.Table.Decide(m, r.snap.State, w.Order)
	w.logDecision(d)
	return d
}

// wait blocks until the shared state, the action or the lock has changed or a timer is
// due, at most for longest. It stores the result of an action or of a competition for
// the lock that has ended.
func (w *worker) wait(ctx context.Context, r *session, longest time.Duration) error {
	timer := time.NewTimer(min(w.untilNext(longest), max(time.Until(r.heartbeatAt), time.Millisecond), w.progressDue(r)))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-r.follower.Wake():
	case <-w.task.changed():
	case <-w.task.ready():
		w.ended(ctx, w.task.done.wait())
	case <-r.lock.ready():
		return w.locked(r)
	case <-timer.C:
	}
	return context.Cause(ctx)
}

// relist is the longest time between two decisions if no event occurs.
const relist = heartbeatEvery

// untilNext returns the time until the deadline of the running action or until the next
// retry, at most the duration next.
func (w *worker) untilNext(next time.Duration) time.Duration {
	if w.task != nil && !w.task.cancelled {
		left := w.Table.Action(w.task.at).Deadline - time.Since(w.firstAttempt)
		next = min(next, max(left, time.Millisecond))
	}
	if left := time.Until(w.retryAt); w.task == nil && left > 0 {
		next = min(next, left)
	}
	return next
}

// endSession stops competing for the lock and cancels the running action, because neither
// may outlive the lease.
func (w *worker) endSession(r *session) {
	r.lock.end()
	if w.task == nil {
		return
	}
	w.task.cancel(election.ErrLeaseLost)
	w.interrupted(w.task.done.wait())
}

// ended stores res, the result of an action. If the session has ended too, it treats an
// error as a consequence of that, even before the main loop has noticed the end.
func (w *worker) ended(ctx context.Context, res taskResult) {
	if res.err != nil && ctx.Err() != nil {
		w.interrupted(res)
		return
	}
	w.finish(res)
}

// interrupted stores res, the result of an action that the end of the session has
// cancelled. The next attempt has the whole deadline again: time without etcd does not
// count against the action.
func (w *worker) interrupted(res taskResult) {
	res.leaseLost = true
	w.finish(res)
	w.firstAttempt = time.Time{}
}
