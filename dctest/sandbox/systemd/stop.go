package systemd

import (
	"context"
	"fmt"
	"slices"
	"syscall"
	"time"
)

// reapTimeout is how long the manager waits for a killed process to end, which may be
// blocked in the kernel, before it continues without it.
const reapTimeout = 5 * time.Second

// halt stops the unit. It does nothing if the unit is inactive or has failed.
func (u *unit) halt() {
	u.cancelRestart()
	d, s := u.definition(), u.snapshot()
	if s.active == "inactive" || s.active == "failed" {
		return
	}
	if d.isService() && s.active == "active" {
		u.set("deactivating", "stop")
		ctx, cancel := context.WithTimeout(u.m.ctx, u.stopLimit(d))
		defer cancel()
		if err := u.runAll(ctx, d, d.stop); err != nil {
			u.m.opts.Log.Warn("stop command failed", "unit", u.name, "err", err)
		}
	}
	end := u.stopMain(d)
	u.runAll(u.m.ctx, d, d.stopPost)
	if end.clean() {
		u.set("inactive", "dead")
		return
	}
	u.set("failed", "failed", func(s *state) { s.result = end.result })
}

// terminate stops the unit and cancels its jobs, because the manager is shutting down.
func (u *unit) terminate() {
	u.cancelRestart()
	d := u.definition()
	if u.proc != nil {
		u.stopMain(d)
	}
	u.set("inactive", "dead")
	for j := u.take(); j != nil; j = u.take() {
		u.m.finish(j, jobCanceled)
	}
}

// stopMain stops the main process and returns how it has ended. After the unit's time
// limit it sends SIGKILL.
func (u *unit) stopMain(d *definition) outcome {
	p := u.proc
	if p == nil {
		return outcome{result: resultSuccess}
	}
	u.set("deactivating", "stop-sigterm")
	group := d.killMode == "control-group"
	p.kill(d.killSignal, group)
	p.kill(syscall.SIGCONT, group) // a suspended process does not handle signals
	end := outcome{result: resultTimeout}
	limit := time.NewTimer(u.stopLimit(d))
	defer limit.Stop()
	select {
	case <-p.done:
		end = p.end
	case <-limit.C:
	case <-u.m.killNow:
	}
	p.kill(syscall.SIGKILL, d.killMode != "process")
	if !p.reaped() {
		u.m.opts.Log.Error("process has not ended after SIGKILL", "unit", u.name, "pid", p.pid)
	}
	u.setMain(nil)
	return end
}

// reaped waits for a killed process to end, at most for reapTimeout. It reports whether
// the process has ended.
func (p *process) reaped() bool {
	limit := time.NewTimer(reapTimeout)
	defer limit.Stop()
	select {
	case <-p.done:
		return true
	case <-limit.C:
		return false
	}
}

func (u *unit) stopLimit(d *definition) time.Duration {
	if d.stopTimeout <= 0 {
		return u.m.opts.KillAfter
	}
	return min(d.stopTimeout, u.m.opts.KillAfter)
}

// afterEnd runs the unit's ExecStopPost commands and updates its state after the main
// process has ended without a job that stops the unit.
func (u *unit) afterEnd() {
	d, end := u.definition(), u.proc.end
	u.setMain(nil)
	u.m.opts.Log.Info("main process ended", "unit", u.name, "result", end.result, "status", end.status)
	if end.clean() && d.remainAfter {
		u.set("active", "exited")
		return
	}
	u.set("deactivating", "stop-post")
	u.runAll(u.m.ctx, d, d.stopPost)
	u.settle(d, end)
}

// settle sets the final state of a unit whose processes have ended, or schedules the
// unit's restart.
func (u *unit) settle(d *definition, end outcome) {
	keep := func(s *state) { s.result = end.result }
	switch {
	case d.restarts(end) && u.m.ctx.Err() == nil:
		u.set("activating", "auto-restart", keep)
		u.restartTimer = time.NewTimer(d.restartDelay)
	case end.clean():
		u.set("inactive", "dead", keep)
	default:
		u.set("failed", "failed", keep)
	}
}

// restartNow performs the restart that settle has scheduled.
func (u *unit) restartNow() {
	u.set("activating", "auto-restart", func(s *state) { s.restarts++ })
	u.launch(u.m.ctx)
}

func (u *unit) cancelRestart() {
	if u.restartTimer != nil {
		u.restartTimer.Stop()
		u.restartTimer = nil
	}
}

// startsTooOften reports whether the unit has been started as often as its start limit
// allows. If not, it counts another start.
func (u *unit) startsTooOften(d *definition) bool {
	u.m.mu.Lock()
	defer u.m.mu.Unlock()
	now := time.Now()
	u.starts = slices.DeleteFunc(u.starts, func(t time.Time) bool { return now.Sub(t) >= d.limitInterval })
	if d.limitInterval > 0 && d.limitBurst > 0 && len(u.starts) >= d.limitBurst {
		return true
	}
	u.starts = append(u.starts, now)
	return false
}

// resetFailed makes a failed unit inactive, and resets the unit's counters of starts and
// restarts.
func (u *unit) resetFailed() {
	u.m.mu.Lock()
	defer u.m.mu.Unlock()
	u.starts = nil
	u.state.restarts = 0
	if u.state.active == "failed" {
		u.state.active, u.state.sub, u.state.result = "inactive", "dead", resultSuccess
	}
	if u.alive {
		u.start() // the goroutine unloads a transient unit
	}
}

// setMain sets the main process of the unit. p is nil if that process has ended.
func (u *unit) setMain(p *process) {
	if p == nil {
		u.closeNotify()
	}
	u.m.mu.Lock()
	defer u.m.mu.Unlock()
	if p != nil {
		u.state.mainPID, u.state.execPID = p.pid, p.pid
	} else {
		u.state.mainPID = 0
		if u.proc != nil {
			u.state.exit = u.proc.end
		}
	}
	u.proc = p
}

func (u *unit) closeNotify() {
	if u.notify != nil {
		u.notify.conn.Close()
		u.notify = nil
	}
}

// interruptible sets the function that cancels the start in progress; nil means that none
// is in progress.
func (u *unit) interruptible(cancel context.CancelFunc) {
	u.m.mu.Lock()
	defer u.m.mu.Unlock()
	u.interrupt = cancel
}

func (u *unit) hasReload() bool { return len(u.definition().reload) > 0 }

// reload runs the ExecReload commands of the unit, and returns the result of its job.
func (u *unit) reload(j *job) string {
	d := u.definition()
	ctx, cancel := withLimit(j.ctx, d.startTimeout)
	defer cancel()
	u.set("reloading", "reload")
	err := u.runAll(ctx, d, d.reload)
	u.set("active", "running")
	if err != nil {
		u.m.opts.Log.Warn("reload failed", "unit", u.name, "err", fmt.Errorf("reload: %w", err))
		return jobFailed
	}
	return jobDone
}
