package status

import (
	"fmt"
	"time"

	"github.com/cybozu-go/neco/pkg/storage"
)

// Health is the answer to the question whether somebody has to do something.
type Health string

// The healths, the worst first.
const (
	// Halted: a run has aborted or was stopped; nothing new starts.
	Halted Health = "stopped"
	// Degraded: something does not work as it should.
	Degraded Health = "degraded"
	// Updating: an update runs or is due.
	Updating Health = "updating"
	// Healthy: none of these.
	Healthy Health = "healthy"
)

// silentAfter is the age of the last heartbeat from which on a server is silent,
// whether its lease in etcd is valid or not. One is due every 15 seconds, and the
// installation of the package restarts all workers.
const silentAfter = time.Minute

// Heartbeat is the last one of a boot server.
type Heartbeat struct {
	// At is by the clock of the boot server itself.
	At time.Time
	// Since is a time, by any clock, after which it was written; At if nothing better
	// is known.
	Since time.Time
}

// Old reports whether the server is silent at the time now of the reader's clock.
func (h Heartbeat) Old(now time.Time) bool { return now.Sub(h.Since) > silentAfter }

// AddHeartbeats adds when each worker's main loop last made progress, and names
// keys that are malformed. A lease does not make an old heartbeat good: when etcd's
// majority returns, or its leader changes, etcd extends the leases of dead workers.
func (v *View) AddHeartbeats(all map[int]Heartbeat, bad []storage.MalformedKey) {
	for i := range v.Servers {
		s := &v.Servers[i]
		h, ok := all[s.LRN]
		if !ok {
			continue
		}
		at := h.At
		s.Heartbeat = &at
		if s.Worker != nil && h.Old(v.At) {
			s.Worker, s.leased = nil, true
			s.State = serverState(*s, false, *v)
		}
		if s.Worker == nil {
			s.SilentSince = &at
		}
	}
	v.addMalformed(bad)
}

// restarts reports whether s has no worker and was heard of a moment ago: its worker
// restarts, or was cut off from etcd for a moment.
func (v View) restarts(s Server) bool {
	return s.Worker == nil && s.SilentSince != nil && v.At.Sub(*s.SilentSince).Abs() <= silentAfter
}

// silent are the registered servers without a worker.
func (v View) silent() []problem {
	var all []problem
	for _, s := range v.Servers {
		if !s.Registered || s.Worker != nil || v.restarts(s) {
			continue
		}
		text := "has no running neco-worker"
		if s.SilentSince != nil {
			text = "has been silent since " + stamp(s.SilentSince)
		}
		if s.leased {
			text += " although its lease in etcd is valid"
		}
		all = append(all, problem{fmt.Sprintf("boot server %d %s", s.LRN, text), "systemctl status neco-worker", []int{s.LRN}})
	}
	return all
}

// Judge sets Health, Problems and ToDo from everything that was added to v. It is
// called last.
func (v *View) Judge() {
	all := v.problems()
	v.Problems, v.ToDo = texts(all), v.toDo(all)
	switch {
	case v.State == Stopped || v.State == Unreadable || v.Outcome != "":
		v.Health = Halted
	case len(v.Problems) > 0:
		v.Health = Degraded
	case v.State == Running || v.Next != nil:
		v.Health = Updating
	default:
		v.Health = Healthy
	}
}

func (v View) etcdProblems() []problem {
	if v.Etcd == nil {
		return nil
	}
	return v.Etcd.problems()
}
