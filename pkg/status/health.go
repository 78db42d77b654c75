package status

import (
	"fmt"
	"time"

	"github.com/cybozu-go/neco/pkg/storage"
)

// Health tells whether an operator has to act.
type Health string

// The values of Health, from the worst to the best.
const (
	// Halted: a run was aborted or stopped; no other run starts.
	Halted Health = "stopped"
	// Degraded: there are problems, see [View.Problems].
	Degraded Health = "degraded"
	// Updating: an update is running or due.
	Updating Health = "updating"
	// Healthy: no run is due and there are no problems.
	Healthy Health = "healthy"
)

// silentAfter is the age of a server's last heartbeat above which the server counts as
// silent, even if its lease in etcd is valid. Workers write a heartbeat every 15
// seconds, but are restarted when the package is installed.
const silentAfter = time.Minute

// old reports whether the heartbeat h is older than silentAfter at the time now. It
// uses the later of h.At and h.Since, because the clock of the server may be slow.
func old(h storage.Heartbeat, now time.Time) bool {
	since := h.At
	if h.Since.After(since) {
		since = h.Since
	}
	return now.Sub(since) > silentAfter
}

// addHeartbeat adds the server's last heartbeat to v. A server with an old heartbeat
// counts as having no worker, even if the worker's lease is valid: etcd extends the
// leases of dead workers when it regains a majority or its leader changes.
func (v *Server) addHeartbeat(s *storage.Snapshot, run View) {
	h, ok := s.Heartbeats[v.LRN]
	if !ok {
		return
	}
	v.Heartbeat = &h.At
	if v.Worker != nil && old(h, run.At) {
		v.Worker, v.leased = nil, true
		v.State = serverState(*v, false, run)
	}
	if v.Worker == nil {
		v.SilentSince = &h.At
	}
}

// restarts reports whether the server s has no running worker, but wrote a heartbeat or
// a status within silentAfter of v.At. Such a worker is being restarted, or has briefly
// lost its connection to etcd.
func (v View) restarts(s Server) bool {
	return s.Worker == nil && s.SilentSince != nil && v.At.Sub(*s.SilentSince).Abs() <= silentAfter
}

// silent returns a problem for each registered server without a worker, unless the worker
// is being restarted.
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

// Judge sets v.Health, v.Problems and v.ToDo from the other fields of v. It must be
// called after all other data was added.
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
