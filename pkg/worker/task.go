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

// task is a running action: one goroutine, which ends by itself or by cancel.
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
	// leaseLost means that the session has ended before the action.
	leaseLost bool
}

// maxPanics is how often an action may panic and be retried. A retry helps if the cause
// was temporary; an action with a permanent bug must not be retried without end.
const maxPanics = 3

// ready returns a channel that is closed when the action has ended, or nil if no action
// runs.
func (t *task) ready() <-chan struct{} {
	if t == nil {
		return nil
	}
	return t.done.ready
}

// errCancelled is the cause of an action that the worker itself has cancelled.
type errCancelled struct{ cause update.Cause }

func (e errCancelled) Error() string { return string(e.cause) }

// start starts the action, or waits until it may be retried.
func (w *worker) start(ctx context.Context, r *session, d update.Decision) (bool, error) {
	now := time.Now()
	if now.Before(w.retryAt) {
		return false, nil
	}
	if group := w.Table.Action(d.At).Stops; group != "" {
		if err := w.Journal.Save(d.Member.Stopped); err != nil {
			return false, fmt.Errorf("write the journal before %s is stopped: %w", group, err)
		}
	}
	w.m = d.Member
	if w.firstAttempt.IsZero() {
		w.firstAttempt = now
	}
	actx, cancel := context.WithCancelCause(ctx)
	w.task = &task{at: d.At, cancel: cancel, done: newResult[taskResult](), progress: newProgress()}
	w.retryAt = time.Time{}
	target := w.recording(r, w.target)
	target.Progress = w.task.progress.set
	go w.run(actx, w.task.done, d.At, target)
	return false, nil
}

// recording returns t with Record set for this session.
func (w *worker) recording(r *session, t Target) Target {
	guard := w.guard(r)
	t.Progress = func(string) {}
	t.Record = func(ctx context.Context, key, value string) error {
		return w.store.PutInstalled(ctx, guard, key, value)
	}
	return t
}

// run is the goroutine of an action. A panic becomes the action's error; its stack is
// logged.
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

// cancel cancels the running action. The main loop waits for its end.
func (w *worker) cancel(d update.Decision) {
	w.Logger.Warn("cancels the action", "cause", string(d.Cause), "why", d.Why, "step", d.At.Step)
	w.m = d.Member
	w.task.cancelled = true
	w.task.cancel(errCancelled{d.Cause})
}

// finish stores the result of the action in the worker's memory.
func (w *worker) finish(res taskResult) {
	at := w.task.at
	w.task.cancel(nil)
	w.task = nil
	w.m = w.m.Ended(w.Table, w.result(res))
	if res.err == nil {
		if g := w.Table.Action(at).Starts; g != "" {
			w.saveStarted(g)
		}
		return
	}
	w.retryAt = later(time.Now().Add(w.delay.NextBackOff()), res.err)
	log := w.Logger.With("step", at.Step, "action", w.actionName(at), "attempt", w.m.Work.Attempts, "err", res.err)
	if w.m.Work.Cancelled != update.CauseNone {
		log.Info("action ended early") // the worker itself has cancelled it
		return
	}
	log.Warn("action failed")
}

// result converts res for pkg/update. An action that panics repeatedly is a fault of
// the release, except in the environment "test", where a package is replaced under the
// same version.
func (w *worker) result(res taskResult) update.Result {
	if res.err == nil {
		return update.Result{Note: res.note, LeaseLost: res.leaseLost}
	}
	if res.panicked {
		w.panicked++
	}
	bug := w.panicked > maxPanics
	return update.Result{
		Err: res.err, LeaseLost: res.leaseLost,
		Permanent: IsPermanent(res.err) || bug,
		Fault:     IsReleaseFault(res.err) || bug && w.target.Config.Env != neco.TestEnv,
	}
}

// later returns the later of at and the earliest time that err sets for another attempt.
func later(at time.Time, err error) time.Time {
	var limited interface{ NotBefore() time.Time }
	if errors.As(err, &limited) && limited.NotBefore().After(at) {
		return limited.NotBefore()
	}
	return at
}

// ask evaluates whether this host does the current once-action or conditional action.
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
		w.Logger.Warn("cannot check whether this server qualifies", "step", d.At.Step, "err", err)
		w.retryAt = time.Now().Add(w.delay.NextBackOff())
		return false, nil
	}
	w.m = d.Member.Asked(w.Table, ok, why)
	return true, nil
}

// restore starts the services of a group again when this server leaves a run.
func (w *worker) restore(ctx context.Context, r *session, d update.Decision) (bool, error) {
	if time.Now().Before(w.retryAt) {
		return false, nil
	}
	w.Pulse.Allow(restoreTimeout)
	rctx, cancel := context.WithTimeout(ctx, restoreTimeout)
	defer cancel()
	target := w.target
	if target.Version == "" {
		// The services were stopped by an earlier process: this one has entered no run.
		target = w.targetOutsideRun(r)
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
	w.m = d.Member
	w.saveStarted(d.Group)
	return true, nil
}

// targetOutsideRun returns the target of this server outside of a run. Without a
// request, the members are the registered boot servers.
func (w *worker) targetOutsideRun(r *session) Target {
	members := slices.Clone(r.snap.Registered)
	if r.snap.Request != nil {
		members = r.snap.Request.Members()
	}
	return Target{LRN: w.LRN, Members: members, Version: w.Version, Config: r.snap.Config}
}

// restoreTimeout bounds one attempt to restore services.
const restoreTimeout = time.Minute

// saveStarted writes the journal after the services of group were started. If that
// fails, a later restore starts services that run already.
func (w *worker) saveStarted(group string) {
	if err := w.Journal.Save(w.m.Stopped); err != nil {
		w.Logger.Error("cannot write the journal", "group", group, "err", err)
	}
}
