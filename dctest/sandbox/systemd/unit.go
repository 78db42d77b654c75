package systemd

import (
	"context"
	"time"
)

// state is what a unit is doing, in systemd's words.
type state struct {
	active, sub  string
	result       result
	mainPID      int
	exit         outcome // of the last main process
	execPID      int     // its number
	restarts     uint32
	statusText   string
	conditionMet bool
	since        time.Time
}

// unit is one that has been loaded. Its own goroutine, which runs from its
// first job until the manager ends or forgets it, does all that is done to it,
// one thing at a time.
type unit struct {
	m    *Manager
	name string

	// Guarded by the manager's lock.
	def       *definition
	state     state
	queue     []*job
	running   *job
	alive     bool               // its goroutine runs
	gone      bool               // it is forgotten
	proc      *process           // the main one; written by its goroutine only
	starts    []time.Time        // within the limit's interval
	interrupt context.CancelFunc // cuts a start short

	wake chan struct{} // there may be a job

	// Only for its own goroutine.
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

// start wakes the unit's goroutine. It needs the lock.
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

// pending are the unit's jobs without a result. It needs the lock.
func (u *unit) pending() []*job {
	if u.running == nil {
		return u.queue
	}
	return append([]*job{u.running}, u.queue...)
}

// take returns the next job, or nil.
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

// loop does what the unit is there for, until the manager ends.
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

// perform does one job.
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

// begin starts a unit that does not run, with what it wants beside it.
func (u *unit) begin(j *job) string {
	u.refresh()
	if u.definition().loadState() != "loaded" {
		return jobFailed
	}
	for _, name := range u.definition().wants {
		if other, err := u.m.lookup(name); err == nil && other.definition().loadState() == "loaded" {
			u.m.submit(other, verbStart, "replace") // refused only while shutting down
		}
	}
	return u.launch(j.ctx)
}

// refresh reads the unit's files again: while it did not run, systemd would
// have forgotten them.
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

// set changes the unit's state and tells everybody.
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

// note changes what is told about the unit, and not its state.
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

// isRunning reports whether a start would have nothing to do.
func (u *unit) isRunning() bool { return u.snapshot().active == "active" }

// forget drops a transient unit that has ended, and reports whether it did.
func (u *unit) forget() bool {
	u.m.mu.Lock()
	defer u.m.mu.Unlock()
	if !u.gone && u.over() {
		delete(u.m.units, u.name)
		u.gone = true
	}
	return u.gone
}

// over reports whether nobody needs the unit any more. It needs the lock.
func (u *unit) over() bool {
	ended := u.state.active == "inactive" || (u.state.active == "failed" && u.def.collect)
	return u.def.transient && ended && len(u.pending()) == 0
}

func (u *unit) restartDue() <-chan time.Time {
	if u.restartTimer == nil {
		return nil
	}
	return u.restartTimer.C
}

// ended is closed when the main process is.
func (u *unit) ended() <-chan struct{} {
	if u.proc == nil {
		return nil
	}
	return u.proc.done
}
