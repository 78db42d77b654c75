package worker

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/update"
)

// task is a running action: one goroutine, ended by cancel or by itself.
type task struct {
	at        update.Place
	cancel    context.CancelCauseFunc
	cancelled bool
	done      *result[taskResult]
	progress  *progress
}

type taskResult struct {
	note     string
	err      error
	panicked bool
}

// panics is how often an action may panic and be begun again: what it met may
// be gone the next time, and a bug that is not shall not go on for ever.
const panics = 3

// ready is closed when the action has ended.  It is nil while none runs.
func (t *task) ready() <-chan struct{} {
	if t == nil {
		return nil
	}
	return t.done.ready
}

// errCancelled is the cause of an action that the worker itself ends.
type errCancelled struct{ cause update.Cause }

func (e errCancelled) Error() string { return string(e.cause) }

// start begins the action, or waits until it may be tried again.
func (w *worker) start(ctx context.Context, r *session, d update.Decision) (bool, error) {
	now := time.Now()
	if now.Before(w.retryAt) {
		return false, nil
	}
	a := w.Table.Action(d.At)
	if a.Stops != "" {
		if err := w.noteStopped(a.Stops); err != nil {
			return false, err
		}
	}
	if w.firstTry.IsZero() {
		w.firstTry = now
	}
	actx, cancel := context.WithCancelCause(ctx)
	w.task = &task{at: d.At, cancel: cancel, done: newResult[taskResult](), progress: newProgress()}
	w.m.Work = update.Work{State: update.WorkRunning, Attempts: w.m.Work.Attempts + 1, Fault: w.m.Work.Fault}
	w.retryAt = time.Time{}
	target := w.recording(r, w.target)
	target.Progress = w.task.progress.set
	go w.run(actx, w.task.done, d.At, target)
	return false, nil
}

// recording is t with a way to record, as long as this session lasts.
func (w *worker) recording(r *session, t Target) Target {
	guard := w.guard(r)
	t.Progress = func(string) {}
	t.Record = func(ctx context.Context, key, value string) error {
		return w.store.PutInstalled(ctx, guard, key, value)
	}
	return t
}

// run is the goroutine of an action.  A panic is the action's error, with its
// trace in the log.
func (w *worker) run(ctx context.Context, done *result[taskResult], at update.Place, t Target) {
	var res taskResult
	defer func() {
		if p := recover(); p != nil {
			w.Logger.Error("action panicked", "panic", p, "stack", string(debug.Stack()))
			res = taskResult{err: fmt.Errorf("panic: %v", p), panicked: true}
		}
		done.deliver(res)
	}()
	res.note, res.err = w.Doer.Do(ctx, at, t)
}

// cancel ends the running action; its end is awaited by the loop.
func (w *worker) cancel(d update.Decision) {
	w.Logger.Warn("cancels the action", "cause", string(d.Cause), "why", d.Why, "step", d.At.Step)
	w.m.Work.Cancelled = d.Cause
	w.task.cancelled = true
	w.task.cancel(errCancelled{d.Cause})
}

// finish takes the result of the action over into the memory.
func (w *worker) finish(res taskResult) {
	at := w.task.at
	w.task.cancel(nil)
	w.task = nil
	work := &w.m.Work
	if res.err == nil {
		work.State, work.Note = update.WorkDone, res.note
		if g := w.Table.Action(at).Starts; g != "" {
			w.forgetStopped(g)
		}
		return
	}
	if res.panicked {
		w.panicked++
	}
	bug := w.panicked > panics
	work.State, work.Err, work.Permanent = update.WorkFailed, res.err.Error(), IsPermanent(res.err) || bug
	// In env test no release is at fault: its package is replaced under the same
	// version.  An attempt that the deadline cut off says nothing about the cause:
	// that of the attempt before stands.
	atFault := IsReleaseFault(res.err) || bug && w.target.Config.Env != neco.TestEnv
	work.Fault = atFault || work.Fault && work.Cancelled == update.CauseDeadline
	w.retryAt = later(time.Now().Add(w.delay.NextBackOff()), res.err)
	log := w.Logger.With("step", at.Step, "action", w.actionName(at), "attempt", work.Attempts, "err", res.err)
	if work.Cancelled != update.CauseNone {
		log.Info("action ended early") // as it was told to
		return
	}
	log.Warn("action failed")
}

// later returns at, or the time that err names as the earliest for another
// attempt if that is later.
func later(at time.Time, err error) time.Time {
	var limited interface{ NotBefore() time.Time }
	if errors.As(err, &limited) && limited.NotBefore().After(at) {
		return limited.NotBefore()
	}
	return at
}

// ask finds out whether this host can do the once-action.
func (w *worker) ask(ctx context.Context, d update.Decision) (bool, error) {
	if time.Now().Before(w.retryAt) {
		return false, nil
	}
	qctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	ok, why, err := w.Doer.Qualifies(qctx, d.At, w.target)
	switch {
	case err != nil && ctx.Err() != nil:
		return false, context.Cause(ctx)
	case err != nil:
		w.Logger.Warn("cannot tell whether this server qualifies", "step", d.At.Step, "err", err)
		w.retryAt = time.Now().Add(w.delay.NextBackOff())
		return false, nil
	}
	w.m.Qualified = &ok
	if !ok {
		w.m.Work.Note = fmt.Sprintf("%s skipped: %s", w.Table.Name(d.At.Step), why)
	}
	return true, nil
}

// restore brings the services of a group back on a way out.
func (w *worker) restore(ctx context.Context, r *session, d update.Decision) (bool, error) {
	if time.Now().Before(w.retryAt) {
		return false, nil
	}
	w.Pulse.Allow(restoreTimeout)
	rctx, cancel := context.WithTimeout(ctx, restoreTimeout)
	defer cancel()
	target := w.target
	if target.Version == "" {
		// What an earlier process has stopped: this one has entered no run.
		target = w.settled(r)
	}
	switch err := w.Doer.Restore(rctx, d.Group, d.Side, w.recording(r, target)); {
	case err != nil && ctx.Err() != nil:
		return false, context.Cause(ctx)
	case err != nil:
		w.Logger.Error("services are still stopped", "group", d.Group, "side", string(d.Side), "err", err)
		w.retryAt = time.Now().Add(w.delay.NextBackOff())
		return false, nil
	}
	w.Logger.Info("services run again", "group", d.Group, "side", string(d.Side))
	w.forgetStopped(d.Group)
	return true, nil
}

// settled is what this server is outside of a run.  Without a request the
// members are those that are registered.
func (w *worker) settled(r *session) Target {
	members := slices.Clone(r.snap.Registered)
	if r.snap.Request != nil {
		members = r.snap.Request.Members()
	}
	return Target{LRN: w.LRN, Members: members, Version: w.Version, Config: r.snap.Config}
}

// restoreTimeout bounds one try to bring services back.
const restoreTimeout = time.Minute

// noteStopped writes into the journal what is about to be stopped.
func (w *worker) noteStopped(group string) error {
	if slices.ContainsFunc(w.m.Stopped, func(s update.Stopped) bool { return s.Group == group && s.Run.Equal(w.m.Run) }) {
		return nil
	}
	stopped := without(w.m.Stopped, group)
	stopped = append(stopped, update.Stopped{Group: group, Run: w.m.Run})
	if err := w.Journal.Save(stopped); err != nil {
		return fmt.Errorf("write the journal before %s is stopped: %w", group, err)
	}
	w.m.Stopped = stopped
	return nil
}

// forgetStopped takes a group that runs again out of the journal.  If that
// fails, a later way out starts once more what runs already.
func (w *worker) forgetStopped(group string) {
	stopped := without(w.m.Stopped, group)
	if err := w.Journal.Save(stopped); err != nil {
		w.Logger.Error("cannot write the journal", "group", group, "err", err)
	}
	w.m.Stopped = stopped
}

func without(all []update.Stopped, group string) []update.Stopped {
	return slices.DeleteFunc(slices.Clone(all), func(s update.Stopped) bool { return s.Group == group })
}
