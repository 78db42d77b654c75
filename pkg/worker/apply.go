package worker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/update"
)

// apply performs the decision d. If again is true, the caller has to make the next
// decision without waiting.
func (w *worker) apply(ctx context.Context, r *session, d update.Decision) (again bool, err error) {
	switch d.Do {
	case update.Idle, update.Wait:
		return false, nil
	case update.Enter:
		w.enter(r, d)
	case update.Advance:
		w.logAdvanced(d.Member)
		w.resume(d.Member)
	case update.Leave:
		w.logEnded(d.Why)
		w.resume(d.Member)
	case update.Start:
		return w.start(ctx, r, d)
	case update.Cancel:
		w.cancel(d)
		return false, nil
	case update.Acquire:
		r.lock = w.acquire(ctx, r)
		return false, nil
	case update.Release:
		l := r.lock
		r.lock = nil
		if err := l.release(ctx); err != nil {
			return false, err
		}
	case update.Ask:
		return w.ask(ctx, d)
	case update.Restore:
		return w.restore(ctx, r, d)
	default:
		return w.write(ctx, r, d)
	}
	return true, nil
}

// resume stores m as the worker's memory and resets the deadline and the retries for
// the next action.
func (w *worker) resume(m update.Member) {
	w.m = m
	w.firstAttempt, w.retryAt, w.panicked = time.Time{}, time.Time{}, 0
	w.delay.Reset()
}

// enter starts or resumes the part of this worker in the run of d. If the worker is not
// in that run yet, enter sets the [Target] of its actions from the current request and
// configuration; otherwise it keeps the Target.
func (w *worker) enter(r *session, d update.Decision) {
	if !w.m.Run.Equal(d.Member.Run) {
		req := r.snap.Request
		w.target = Target{
			LRN: w.LRN, Members: req.Members(), Version: req.Version, Config: r.snap.Config,
		}
	}
	w.resume(d.Member)
	w.logEntered(d.Why, w.target.Members)
}

// write writes the status, record or switch of the decision d to etcd, and returns the
// results for apply.
func (w *worker) write(ctx context.Context, r *session, d update.Decision) (bool, error) {
	wctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	rev, err := w.put(wctx, w.guard(r), r.lock, d)
	if err == nil {
		w.m = d.Member
	}
	return w.written(ctx, r, rev, err)
}

// put writes the status, record or switch of d to etcd and returns the revision of the
// write. The write fails unless the conditions of g hold.
func (w *worker) put(ctx context.Context, g storage.Guard, l *lock, d update.Decision) (rev int64, err error) {
	switch d.Do {
	case update.Report:
		put := w.store.PutStatus
		if d.Bad {
			put = w.store.PutFault
		}
		rev, err = put(ctx, g, w.LRN, d.Status.Stamped(time.Now()))
		if err == nil {
			w.Logger.Debug("reported", "step", d.Status.Step, "cond", d.Status.Cond.String(), "message", d.Status.Message, "version", d.Status.Version)
		}
		return rev, err
	case update.Publish: // fenced by the lock
		g.Holder, g.HolderRev = l.holder.Key, l.holder.Rev
		return w.store.PutRecord(ctx, g, d.RecordName, d.Record)
	case update.WriteSwitch:
		return w.store.PutSwitch(ctx, g, d.Group, d.Switch, d.Replaces)
	}
	return 0, fmt.Errorf("decision %s is unknown", d.Do)
}

// written evaluates the result of a write to etcd and returns the results for apply.
// After a failed write, the next decision uses a newer state; if the lease is lost,
// written returns the error.
func (w *worker) written(ctx context.Context, r *session, rev int64, err error) (bool, error) {
	switch {
	case err == nil:
		r.fresh = max(r.fresh, rev)
		return true, nil
	case errors.Is(err, storage.ErrLeaseLost):
		return false, err
	case ctx.Err() != nil:
		return false, context.Cause(ctx)
	case errors.Is(err, storage.ErrSuperseded):
		r.fresh, r.read = r.snap.Revision+1, true
		return true, nil
	default:
		// Not registered, or etcd did not answer: the write may or may not have
		// happened. Read the state again after a pause.
		r.fresh, r.read = r.snap.Revision+1, true
		w.Logger.Warn("write refused", "err", err)
		w.retryAt = time.Now().Add(w.delay.NextBackOff())
		return false, nil
	}
}
