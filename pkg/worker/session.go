package worker

import (
	"context"
	"fmt"
	"time"

	"github.com/cybozu-go/neco/pkg/election"
	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/update"
)

// session is the state that lives as long as the worker's lease.
type session struct {
	*election.Session
	// presence is the revision of the presence key: the fencing token.
	presence int64
	snap     *storage.Snapshot
	// fresh is the least revision that the next decision may be based on;
	// stale asks for a new snapshot.
	fresh int64
	stale bool
	lock  *lock
}

// session decides and acts until the lease or ctx ends.
func (w *worker) session(ctx context.Context, es *election.Session) error {
	presence, err := w.putPresence(ctx, es)
	if err != nil {
		return err
	}
	r := &session{Session: es, presence: presence, stale: true}
	wake := w.store.Wake(ctx)
	defer w.endSession(r)
	for {
		if err := w.refresh(ctx, r); err != nil {
			return err
		}
		d := w.decide(r)
		again, err := w.apply(ctx, r, d)
		if err != nil {
			return err
		}
		if again {
			continue
		}
		if err := w.wait(ctx, r, wake); err != nil {
			return err
		}
	}
}

// refresh reads a new snapshot if the old one may be out of date.
func (w *worker) refresh(ctx context.Context, r *session) error {
	b := newBackOff()
	for r.stale || r.snap == nil || r.snap.Revision < r.fresh {
		tctx, cancel := context.WithTimeout(ctx, requestTimeout)
		snap, err := w.store.Snapshot(tctx)
		cancel()
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			w.Logger.Warn("waits for etcd", "for", "a snapshot", "err", err)
			sleep(ctx, b.NextBackOff())
			continue
		}
		w.nameMalformed(r.snap, snap)
		r.snap, r.stale = snap, false
	}
	return nil
}

// nameMalformed logs keys that are newly malformed.
func (w *worker) nameMalformed(old, snap *storage.Snapshot) {
	for _, bad := range snap.Malformed {
		if old != nil {
			if _, known := old.Unreadable[bad.Key]; known {
				continue
			}
		}
		w.Logger.Warn("skips a malformed key", "key", bad.Key, "err", bad.Err)
	}
}

// decide asks the core.
func (w *worker) decide(r *session) update.Decision {
	m := w.m
	m.Lock = r.lock.state()
	if !w.firstTry.IsZero() {
		m.Work.Elapsed = time.Since(w.firstTry)
	}
	d := w.Table.Decide(m, r.snap.State, w.Order)
	w.say(d)
	return d
}

// say logs what is done or awaited, once.
func (w *worker) say(d update.Decision) {
	why := d.Why
	if len(d.Missing) > 0 {
		why = fmt.Sprintf("%s: boot servers %v", why, d.Missing)
	}
	if text := d.Do.String() + why + fmt.Sprint(d.At); text != w.said {
		w.said = text
		w.Logger.Info("decided", "do", d.Do.String(), "why", why, "step", d.At.Step, "action", w.actionName(d.At))
		if w.Observe != nil {
			w.Observe(Observation{d.At.Step, d.Do, why})
		}
	}
}

func (w *worker) actionName(p update.Place) string {
	if p.Step >= 0 && p.Step < len(w.Table) && p.Action < len(w.Table[p.Step].Actions) {
		return w.Table[p.Step].Name + "/" + w.Table[p.Step].Actions[p.Action].Name
	}
	return ""
}

// wait sleeps until something may have changed: the shared state, the action,
// the lock, or the time.
func (w *worker) wait(ctx context.Context, r *session, wake <-chan struct{}) error {
	timer := time.NewTimer(w.untilNext())
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-wake:
		r.stale = true
	case res := <-w.task.result():
		w.finish(res)
	case res := <-r.lock.result():
		return w.locked(r, res)
	case <-timer.C:
		r.stale = true
	}
	return nil
}

// relist is how often the state is read without any event: an etcd watch can
// be silent for reasons that its client does not notice.
const relist = 30 * time.Second

// untilNext is the time until a deadline or a retry is due.
func (w *worker) untilNext() time.Duration {
	next := relist
	if w.task != nil && !w.task.cancelled {
		left := w.Table.Action(w.task.at).Deadline - time.Since(w.firstTry)
		next = min(next, max(left, time.Millisecond))
	}
	if left := time.Until(w.retryAt); w.task == nil && left > 0 {
		next = min(next, left)
	}
	return next
}

// endSession ends what must not outlive the lease.
func (w *worker) endSession(r *session) {
	r.lock.end()
	if w.task == nil {
		return
	}
	w.task.cancel(election.ErrLeaseLost)
	w.m.Work.Cancelled = update.CauseLeaseLost
	w.finish(<-w.task.done)
}
