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

// task is an action that runs in its own goroutine.
type task struct {
	at        update.Place
	cancel    context.CancelCauseFunc
	cancelled bool
	done      *result[taskResult]
	progress  *progress
}

type taskResult struct {
	note     string
	digest   string
	err      error
	panicked bool
	// leaseLost means that the session had ended before the action did.
	leaseLost bool
}

// maxPanics is how many panics of an action are retried, because the cause may be
// temporary. The next panic counts as a permanent failure.
const maxPanics = 3

// ready returns a channel that is closed when the action has ended, or nil if no action
// runs.
func (t *task) ready() <-chan struct{} {
	if t == nil {
		return nil
	}
	return t.done.ready
}

// errCancelled is the error with which the worker itself cancels the context of an
// action.
type errCancelled struct{ cause update.Cause }

func (e errCancelled) Error() string { return string(e.cause) }

// start starts the current action in a goroutine, unless it is too early for a retry.
// It first writes the group of services that the action stops, if any, to the journal.
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

// recording returns a copy of t whose Record writes only if the conditions of
// [worker.guard] hold for the session r, and whose Progress does nothing.
func (w *worker) recording(r *session, t Target) Target {
	guard := w.guard(r)
	t.Progress = func(string) {}
	t.Record = func(ctx context.Context, key, value string) error {
		return w.store.PutInstalled(ctx, guard, key, value)
	}
	return t
}

// run performs the action and delivers its result to done. It turns a panic into an error
// and logs the stack.
func (w *worker) run(ctx context.Context, done *result[taskResult], at update.Place, t Target) {
	var res taskResult
	defer func() {
		if p := recover(); p != nil {
			w.Logger.Error("action panicked", "panic", p, "stack", string(debug.Stack()))
			res = taskResult{err: fmt.Errorf("panic: %v", p), panicked: true}
		}
		done.deliver(res)
	}()
	t.Digest = func(digest string) { res.digest = digest }
	res.note, res.err = w.Doer.Do(ctx, at, t)
}

// cancel cancels the running action and returns at once. The main loop later receives the
// action's result.
func (w *worker) cancel(d update.Decision) {
	w.Logger.Warn("cancels the action", "cause", string(d.Cause), "why", d.Why, "step", d.At.Step)
	w.m = d.Member
	w.task.cancelled = true
	w.task.cancel(errCancelled{d.Cause})
}

// finish stores res, the result of the action, in the worker's memory and journal.
// After an error it also logs the error and sets the time of the retry.
func (w *worker) finish(res taskResult) {
	at := w.task.at
	w.task.cancel(nil)
	w.task = nil
	w.m = w.m.Ended(w.Table, w.result(res))
	if res.err == nil {
		if res.note != "" { // the status shows it only until the next barrier, or not at all
			w.Logger.Info("action done", "step", at.Step, "action", w.actionName(at), "note", res.note)
		}
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

// result converts res to the result for pkg/update. More than maxPanics panics are a
// permanent error and a fault of the release; in the environment "test" they are not a
// fault of the release, because a package may be replaced there under the same version.
func (w *worker) result(res taskResult) update.Result {
	if res.err == nil {
		return update.Result{Note: res.note, Digest: res.digest, LeaseLost: res.leaseLost}
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

// later returns the later of two times: at, and the time that err's method NotBefore
// returns if err has that method.
func later(at time.Time, err error) time.Time {
	var limited interface{ NotBefore() time.Time }
	if errors.As(err, &limited) && limited.NotBefore().After(at) {
		return limited.NotBefore()
	}
	return at
}

// ask evaluates whether this host does the current action, and stores the answer. After
// an error, the worker evaluates that again later. ask returns the results for apply.
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

// restore starts the stopped services of d.Group again, in the version that d.Side
// selects. After an error, the worker tries again later. restore returns the results
// for apply.
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

// targetOutsideRun returns the [Target] for restoring services while the worker is in
// no run. Its members are those of the request, or the registered boot servers if there
// is no request.
func (w *worker) targetOutsideRun(r *session) Target {
	members := slices.Clone(r.snap.Registered)
	if r.snap.Request != nil {
		members = r.snap.Request.Members()
	}
	return Target{LRN: w.LRN, Members: members, Version: w.Version, Config: r.snap.Config}
}

// restoreTimeout is how long one attempt to restore services may take before it fails
// and is repeated.
const restoreTimeout = time.Minute

// saveStarted writes the journal without group, whose services were started. If that
// fails, a later restore finds the services running, which is harmless.
func (w *worker) saveStarted(group string) {
	if err := w.Journal.Save(w.m.Stopped); err != nil {
		w.Logger.Error("cannot write the journal", "group", group, "err", err)
	}
}
