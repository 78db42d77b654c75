package systemd

import (
	"context"
	"time"
)

// state is the state of a unit, in systemd's terms.
type state struct {
	active, sub  string
	result       result
	mainPID      int
	exit         outcome // of the last main process
	execPID      int     // the process ID of the last main process
	restarts     uint32
	statusText   string
	conditionMet bool
	since        time.Time
}

// unit is a loaded unit. A goroutine performs its jobs one at a time. That goroutine runs
// from the unit's first job until the manager ends or the unit is unloaded.
type unit struct {
	m    *Manager
	name string

	// def and the fields up to interrupt are guarded by the manager's lock.
	def       *definition
	state     state
	queue     []*job
	running   *job
	alive     bool               // the goroutine is running
	gone      bool               // the unit is unloaded
	proc      *process           // the main process; written only by the goroutine
	starts    []time.Time        // within the interval of the start limit
	interrupt context.CancelFunc // cancels a start

	wake chan struct{} // there may be a job

	// restartTimer and notify are used only by the unit's goroutine.
	restartTimer *time.Timer
	notify       *notifySocket
}

func newUnit(m *Manager, name string, def *definition) *unit {
	return &unit{
		m: m, name: name, def: def,
		wake:  make(chan struct{}, 1),
		state: state{active: "inactive", sub: "dead", result: resultSuccess},
	}
}

// start wakes the unit's goroutine, and starts it if it is not running. The caller must
// hold m.mu.
func (u *unit) start() {
	if !u.alive {
		u.alive = true
		u.m.wg.Go(u.loop)
	}
	select {
	case u.wake <- struct{}{}:
	default:
	}
}

// pending returns the unit's jobs that have no result yet. The caller must hold m.mu.
func (u *unit) pending() []*job {
	if u.running == nil {
		return u.queue
	}
	return append([]*job{u.running}, u.queue...)
}

// take removes the next job from the queue and returns it, or nil if the queue is empty.
func (u *unit) take() *job {
	u.m.mu.Lock()
	defer u.m.mu.Unlock()
	if len(u.queue) == 0 {
		return nil
	}
	j := u.queue[0]
	u.queue = u.queue[1:]
	u.running = j
	return j
}

// loop performs jobs and handles the end of processes. It returns when the manager ends
// or the unit is unloaded.
func (u *unit) loop() {
	for {
		for j := u.take(); j != nil; j = u.take() {
			u.perform(j)
		}
		if u.forget() {
			return
		}
		select {
		case <-u.m.ctx.Done():
			u.terminate()
			return
		case <-u.wake:
		case <-u.ended():
			u.afterEnd()
		case <-u.restartDue():
			u.restartTimer = nil
			u.restartNow()
		}
	}
}

// perform performs one job.
func (u *unit) perform(j *job) {
	if j.ctx.Err() != nil {
		u.m.finish(j, jobCanceled)
		return
	}
	running := u.isRunning()
	switch {
	case j.verb == verbStop:
		u.halt()
	case j.verb == verbTryRestart && !running:
	case j.verb == verbStart && running:
	case j.verb == verbReload && running && u.hasReload():
		u.m.finish(j, u.reload(j))
		return
	default:
		u.halt()
		u.m.finish(j, u.begin(j))
		return
	}
	u.m.finish(j, jobDone)
}

// begin starts the unit, which is not running, and the units that it wants. It returns
// the result of the job.
func (u *unit) begin(j *job) string {
	u.refresh()
	if u.definition().loadState() != "loaded" {
		return jobFailed
	}
	for _, name := range u.definition().wants {
		if other, err := u.m.lookup(name); err == nil && other.definition().loadState() == "loaded" {
			u.m.submit(other, verbStart, "replace") // fails only during a shutdown
		}
	}
	return u.launch(j.ctx)
}

// refresh reads the unit's files again before a start. Real systemd does so, too, because
// it unloads units that have stopped.
func (u *unit) refresh() {
	if d := u.definition(); !d.transient {
		fresh := u.m.loader.load(u.name)
		u.m.mu.Lock()
		u.def = fresh
		u.m.mu.Unlock()
	}
}

func (u *unit) definition() *definition {
	u.m.mu.Lock()
	defer u.m.mu.Unlock()
	return u.def
}

// set changes the state of the unit and sends a signal about the change.
func (u *unit) set(active, sub string, more ...func(*state)) {
	u.m.mu.Lock()
	if u.state.active != active {
		u.state.since = time.Now()
	}
	u.state.active, u.state.sub = active, sub
	for _, f := range more {
		f(&u.state)
	}
	changed := signalChanged(u.name, u.state)
	u.m.mu.Unlock()
	u.m.bus.broadcast(changed)
}

// note changes fields of the unit's state by f, without sending a signal.
func (u *unit) note(f func(*state)) {
	u.m.mu.Lock()
	defer u.m.mu.Unlock()
	f(&u.state)
}

func (u *unit) snapshot() state {
	u.m.mu.Lock()
	defer u.m.mu.Unlock()
	return u.state
}

// isRunning reports whether the unit is active, in which case a start does nothing.
func (u *unit) isRunning() bool { return u.snapshot().active == "active" }

// forget unloads the unit if it is not needed any more, and reports whether the unit is
// unloaded.
func (u *unit) forget() bool {
	u.m.mu.Lock()
	defer u.m.mu.Unlock()
	if !u.gone && u.unused() {
		delete(u.m.units, u.name)
		u.gone = true
	}
	return u.gone
}

// unused reports whether the unit can be unloaded: it is a transient unit that has ended
// and has no jobs. The caller must hold m.mu.
func (u *unit) unused() bool {
	ended := u.state.active == "inactive" || (u.state.active == "failed" && u.def.collect)
	return u.def.transient && ended && len(u.pending()) == 0
}

func (u *unit) restartDue() <-chan time.Time {
	if u.restartTimer == nil {
		return nil
	}
	return u.restartTimer.C
}

// ended returns a channel that is closed when the main process has ended, or nil if there
// is none.
func (u *unit) ended() <-chan struct{} {
	if u.proc == nil {
		return nil
	}
	return u.proc.done
}
