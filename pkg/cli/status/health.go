package status

import (
	"fmt"
	"slices"
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

// restartGrace is how long a server without a worker counts as restarting: the
// installation of the package restarts all workers.
const restartGrace = time.Minute

// AddHeartbeats adds when each worker's main loop last made progress, and names
// keys that are malformed.
func (v *View) AddHeartbeats(all map[int]storage.Heartbeat, bad []storage.MalformedKey) {
	for i := range v.Servers {
		s := &v.Servers[i]
		h, ok := all[s.LRN]
		if !ok {
			continue
		}
		at := h.At
		s.Heartbeat = &at
		if s.Worker == nil {
			s.SilentSince = &at
		}
	}
	v.addMalformed(bad)
}

// restarts reports whether the silence of s is the one that an installation
// causes.
func (v View) restarts(s Server) bool {
	return v.State == Running && s.Worker == nil && s.SilentSince != nil && v.At.Sub(*s.SilentSince) < restartGrace
}

// silent are the registered servers without a worker.
func (v View) silent() []string {
	var all []string
	for _, s := range v.Servers {
		switch {
		case !s.Registered || s.Worker != nil || v.restarts(s):
		case s.SilentSince == nil:
			all = append(all, fmt.Sprintf("boot server %d has no running neco-worker", s.LRN))
		default:
			all = append(all, fmt.Sprintf("boot server %d has been silent since %s", s.LRN, stamp(s.SilentSince)))
		}
	}
	return all
}

// Judge sets Health and Problems from everything that was added to v. It is
// called last.
func (v *View) Judge() {
	v.Problems = slices.Concat(v.silent(), v.etcdProblems(), v.vaultWarnings(), v.certificateWarnings(), v.backupWarnings())
	if len(v.Registered()) > 0 && v.Updater == "" {
		v.Problems = append(v.Problems, "no neco-updater leads; see systemctl status neco-updater on each boot server")
	} else if v.Release.Overdue {
		v.Problems = append(v.Problems, "no check for releases since "+stamp(v.Release.CheckedAt)+"; see journalctl -u neco-updater on "+v.Updater)
	}
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

func (v View) etcdProblems() []string {
	if v.Etcd == nil {
		return nil
	}
	return v.Etcd.problems()
}
