package worker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/update"
)

// apply does what was decided.  again: decide once more at once.
func (w *worker) apply(ctx context.Context, r *session, d update.Decision) (again bool, err error) {
	switch d.Do {
	case update.Idle, update.Wait:
		return false, nil
	case update.Enter:
		w.enter(r, d)
	case update.Advance, update.Leave:
		if d.Do == update.Leave {
			w.logEnded(d.Why)
			w.m = w.m.Leave()
		} else {
			w.advance(d.Member)
		}
		w.firstTry, w.retryAt, w.panicked = time.Time{}, time.Time{}, 0
		w.delay.Reset()
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

// enter begins the part in a run, or goes on with it.
func (w *worker) enter(r *session, d update.Decision) {
	if !w.m.Run.Equal(d.Member.Run) {
		req := r.snap.Request
		w.target = Target{
			LRN: w.LRN, Members: req.Members(), Version: req.Version, Config: r.snap.Config,
		}
	}
	w.m = d.Member
	w.logEntered(d.Why, w.target.Members)
	w.firstTry, w.retryAt, w.panicked = time.Time{}, time.Time{}, 0
}

// write does the decisions that change etcd.
func (w *worker) write(ctx context.Context, r *session, d update.Decision) (bool, error) {
	wctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	var rev int64
	var err error
	switch d.Do {
	case update.Report:
		now := time.Now().UTC()
		d.Status.At, d.Status.Since = &now, &now
		if own, ok := r.snap.Status(w.LRN); ok && own.Arrival() == d.Status.Arrival() && own.Cond == d.Status.Cond && own.Since != nil {
			d.Status.Since = own.Since
		}
		put := w.store.PutStatus
		if d.Bad {
			put = w.store.PutFault
		}
		rev, err = put(wctx, w.guard(r), w.LRN, d.Status)
		if err == nil {
			if !d.KeepNotes {
				w.m.Notes = nil
			}
			w.Logger.Debug("reported", "step", d.Status.Step, "cond", d.Status.Cond.String(), "message", d.Status.Message, "version", d.Status.Version)
		}
	case update.Publish:
		rev, err = w.publish(wctx, r, d)
	case update.Gate:
		sw := update.Switch{Version: w.gateRun(d.Group).Version, StartedAt: w.gateRun(d.Group).StartedAt, Side: d.Side}
		rev, err = w.store.PutSwitch(wctx, w.guard(r), d.Group, sw, r.snap.Switches[d.Group].Rev)
	default:
		return false, fmt.Errorf("decision %s is unknown", d.Do)
	}
	return w.written(ctx, r, rev, err)
}

// gateRun is the run whose switch is written: the one in hand, or the one in
// which the journal says that the group was stopped.
func (w *worker) gateRun(group string) update.RunID {
	if !w.m.Run.IsZero() {
		return w.m.Run
	}
	i := slices.IndexFunc(w.m.Stopped, func(s update.Stopped) bool { return s.Group == group })
	if i < 0 {
		return update.RunID{}
	}
	return w.m.Stopped[i].Run
}

// written judges a write: what is refused is decided again on a new snapshot.
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
		// Not registered, or etcd did not answer: the write may have
		// happened or not.  Look again after a pause.
		r.fresh, r.read = r.snap.Revision+1, true
		w.Logger.Warn("write refused", "err", err)
		w.retryAt = time.Now().Add(w.delay.NextBackOff())
		return false, nil
	}
}

// publish writes the outcome of a once-action, fenced by the lock.
func (w *worker) publish(ctx context.Context, r *session, d update.Decision) (int64, error) {
	g := w.guard(r)
	g.Holder, g.HolderRev = r.lock.holder.Key, r.lock.holder.Rev
	rec := update.Record{StartedAt: &w.m.Run.StartedAt}
	rec.Version, rec.Success = w.m.Run.Version, d.Success
	return w.store.PutRecord(ctx, g, w.Table.Action(d.At).Record, rec)
}
