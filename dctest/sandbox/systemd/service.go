package systemd

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"time"
)

// launch starts the unit, and returns the result of its job.
func (u *unit) launch(ctx context.Context) string {
	u.cancelRestart()
	d := u.definition()
	met := conditionsMet(u.m.opts.Root, d.conditions)
	u.note(func(s *state) { s.conditionMet, s.result, s.statusText = met, resultSuccess, "" })
	switch {
	case !met:
		u.set("inactive", "dead")
		return jobDone
	case !d.isService():
		u.set("active", passiveState(d.name))
		return jobDone
	case u.startsTooOften(d):
		u.set("failed", "failed", func(s *state) { s.result = resultLimit })
		return jobFailed
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	u.interruptible(cancel)
	defer u.interruptible(nil)
	err := u.bringUp(ctx, d)
	if err == nil {
		return jobDone
	}
	u.m.opts.Log.Warn("unit did not start", "unit", u.name, "err", err)
	return u.startFailed(ctx, d, err)
}

// startFailed cleans up after a start that failed with err or was cancelled. It returns
// the result of the unit's job.
func (u *unit) startFailed(ctx context.Context, d *definition, err error) string {
	u.stopMain(d)
	u.runAll(u.m.ctx, d, d.stopPost)
	if ctx.Err() != nil {
		u.set("inactive", "dead")
		return jobCanceled
	}
	end := outcome{result: resultResources}
	var failed *endError
	if errors.As(err, &failed) {
		end = failed.outcome
	}
	u.set("failed", "failed", func(s *state) { s.result, s.statusText = end.result, err.Error() })
	u.settle(d, end)
	return jobFailed
}

// endError reports that a command has ended unexpectedly.
type endError struct {
	outcome
	text string
}

func (e *endError) Error() string { return e.text }

// failure returns an error that names the command and how its process has ended.
func failure(c command, o outcome) error {
	what := "code"
	if o.signal {
		what = "signal"
	}
	return &endError{o, fmt.Sprintf("%s: %s (%s %d)", c.argv[0], o.result, what, o.status)}
}

// bringUp runs a service's commands until the service counts as started.
func (u *unit) bringUp(ctx context.Context, d *definition) error {
	ctx, cancel := withLimit(ctx, d.startTimeout)
	defer cancel()
	u.set("activating", "start-pre")
	if err := u.m.makeDirs(d); err != nil {
		return err
	}
	if err := u.runAll(ctx, d, d.startPre); err != nil {
		return err
	}
	u.set("activating", "start")
	if err := u.bringUpMain(ctx, d); err != nil {
		return err
	}
	if err := u.runAll(ctx, d, d.startPost); err != nil {
		return err
	}
	switch {
	case u.proc != nil:
		u.set("active", "running")
	case d.remainAfter:
		u.set("active", "exited")
	default:
		u.runAll(u.m.ctx, d, d.stopPost)
		u.settle(d, outcome{result: resultSuccess})
	}
	return nil
}

// bringUpMain starts the main process, and waits for READY=1 if the service has the type
// notify. If it has the type oneshot, bringUpMain runs all its commands one after
// another.
func (u *unit) bringUpMain(ctx context.Context, d *definition) error {
	for _, c := range d.start {
		err := u.startMain(d, c)
		if err != nil {
			return err
		}
		switch d.kind {
		case typeOneshot:
			err = u.awaitEnd(ctx, c)
		case typeNotify:
			err = u.awaitReady(ctx, c)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (u *unit) startMain(d *definition, c command) error {
	var extra []string
	if d.kind == typeNotify {
		socket, err := u.m.listenNotify(func(text string) { u.note(func(s *state) { s.statusText = text }) })
		if err != nil {
			return err
		}
		u.notify = socket
		extra = append(extra, socket.env())
	}
	env, err := u.m.environ(d, extra...)
	if err != nil {
		u.closeNotify()
		return err
	}
	p, err := u.m.spawn(d, c, env)
	if err != nil {
		u.closeNotify()
		const execFailed = 203 // the exit status that systemd uses
		return &endError{outcome{result: resultExitCode, status: execFailed}, "start process: " + err.Error()}
	}
	u.setMain(p)
	return nil
}

// awaitEnd waits until the process of a oneshot has ended.
func (u *unit) awaitEnd(ctx context.Context, c command) error {
	p := u.proc
	select {
	case <-p.done:
	case <-ctx.Done():
		return timeoutError(ctx)
	}
	u.setMain(nil)
	if p.end.result != resultSuccess && !c.ignoreFailure {
		return failure(c, p.end)
	}
	return nil
}

// awaitReady waits until a service has sent READY=1.
func (u *unit) awaitReady(ctx context.Context, c command) error {
	select {
	case <-u.notify.ready:
		return nil
	case <-u.proc.done:
		end := u.proc.end
		if end.clean() {
			end.result = resultProtocol // the process ended before it sent READY=1
		}
		return failure(c, end)
	case <-ctx.Done():
		return timeoutError(ctx)
	}
}

// runAll runs commands one after another. Each must end before the next one starts.
func (u *unit) runAll(ctx context.Context, d *definition, commands []command) error {
	if len(commands) == 0 {
		return nil
	}
	env, err := u.m.environ(d, fmt.Sprintf("MAINPID=%d", u.snapshot().mainPID))
	if err != nil {
		return err
	}
	for _, c := range commands {
		if err := u.runOne(ctx, d, c, env); err != nil && !c.ignoreFailure {
			return err
		}
	}
	return nil
}

func (u *unit) runOne(ctx context.Context, d *definition, c command, env []string) error {
	if ctx.Err() != nil {
		return timeoutError(ctx)
	}
	p, err := u.m.spawn(d, c, env)
	if err != nil {
		return err
	}
	select {
	case <-p.done:
	case <-ctx.Done():
		p.kill(syscall.SIGKILL, true)
		<-p.done
		return timeoutError(ctx)
	}
	if !p.end.clean() {
		return failure(c, p.end)
	}
	return nil
}

// withLimit is like context.WithTimeout, but a limit of 0 means none.
func withLimit(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	if limit <= 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, limit)
}

func timeoutError(ctx context.Context) error {
	return &endError{outcome{result: resultTimeout}, context.Cause(ctx).Error()}
}

// passiveState returns the substate that an active unit without a process has.
func passiveState(name string) string {
	if strings.HasSuffix(name, ".timer") {
		return "waiting"
	}
	return "active"
}
