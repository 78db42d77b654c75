package systemd

import (
	"context"
	"errors"
	"strconv"

	"github.com/godbus/dbus/v5"
)

// verb is what a job does.
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

// job is one thing to do with a unit. Each has one result, and a signal tells
// of it.
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

// conflicts reports whether a new job of a verb makes this one pointless.
func (j *job) conflicts(v verb) bool {
	if v == verbStop || j.verb == verbStop {
		return v != j.verb
	}
	return v == verbRestart && j.verb == verbStart
}

var errShutdown = errors.New("the manager is shutting down")

// submit gives a unit something to do. With the mode "fail" it refuses what
// would cancel another job, else that one is canceled.
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
			return j, nil // the same thing, once
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

// finish ends a job and tells everybody.
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

// wait blocks until the job has its result.
func (j *job) wait(ctx context.Context) (string, error) {
	select {
	case <-j.done:
		return j.result, nil
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}
