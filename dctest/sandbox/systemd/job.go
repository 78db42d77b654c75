package systemd

import (
	"context"
	"errors"
	"strconv"

	"github.com/godbus/dbus/v5"
)

// verb is what a job does to a unit.
type verb string

const (
	verbStart      verb = "start"
	verbStop       verb = "stop"
	verbRestart    verb = "restart"
	verbTryRestart verb = "try-restart"
	verbReload     verb = "reload-or-restart"
)

// The results of jobs.
const (
	jobDone     = "done"
	jobFailed   = "failed"
	jobCanceled = "canceled"
)

// job is a requested change of a unit's state. It ends with one result, which is sent as
// a signal.
type job struct {
	id     uint32
	unit   *unit
	verb   verb
	ctx    context.Context
	cancel context.CancelFunc
	done   chan struct{} // closed after result is set
	result string
}

func (j *job) path() dbus.ObjectPath {
	return dbus.ObjectPath("/org/freedesktop/systemd1/job/" + strconv.FormatUint(uint64(j.id), 10))
}

// conflicts reports whether this pending job is pointless once a job with the verb v is
// added.
func (j *job) conflicts(v verb) bool {
	if v == verbStop || j.verb == verbStop {
		return v != j.verb
	}
	return v == verbRestart && j.verb == verbStart
}

var errShutdown = errors.New("the manager is shutting down")

// submit adds a job to a unit's queue. If a job with the same verb is pending, other
// than restart, it returns that job instead. If a pending job conflicts with the new
// one, submit fails in the mode "fail", and cancels the pending job in other modes.
func (m *Manager) submit(u *unit, v verb, mode string) (*job, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil, errShutdown
	}
	if u.gone {
		return nil, errNoSuchUnit("Unit " + u.name + " not loaded.")
	}
	pending := u.pending()
	for _, j := range pending {
		if j.verb == v && v != verbRestart {
			return j, nil // the same job is already pending
		}
		if mode == "fail" && j.conflicts(v) {
			return nil, errDestructive(u.name)
		}
	}
	for _, j := range pending {
		if j.conflicts(v) {
			j.cancel()
		}
	}
	if u.interrupt != nil && (v == verbStop || v == verbRestart) {
		u.interrupt()
	}
	m.lastJob++
	j := &job{id: m.lastJob, unit: u, verb: v, done: make(chan struct{})}
	j.ctx, j.cancel = context.WithCancel(m.ctx)
	u.queue = append(u.queue, j)
	u.start()
	m.bus.broadcast(signalJobNew(j))
	return j, nil
}

// finish sets the result of the job and sends the signal about the job's end.
func (m *Manager) finish(j *job, result string) {
	m.mu.Lock()
	j.result = result
	if j.unit.running == j {
		j.unit.running = nil
	}
	m.mu.Unlock()
	j.cancel()
	m.opts.Log.Info("job ended", "unit", j.unit.name, "job", j.verb, "result", result)
	m.bus.broadcast(signalJobRemoved(j))
	close(j.done)
}

// wait blocks until the job has ended and returns its result, or until ctx is done.
func (j *job) wait(ctx context.Context) (string, error) {
	select {
	case <-j.done:
		return j.result, nil
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}
