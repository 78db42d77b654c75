package simulation

import (
	"maps"
	"slices"
	"time"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/update"
)

// checkBegin checks two invariants when the server s starts an action. I1: all servers
// in the run have reached the point that the action waits for. I3: no two actions that
// need the lock run at the same time.
func (w *world) checkBegin(s *server, p update.Place, a update.Action) {
	if len(s.m.Again) > 0 {
		return
	}
	st := w.etcd.state()
	if st.Request == nil || !st.Request.ID().Equal(s.m.Run) || st.Request.Stop {
		return // the run ended between the worker's last read and the action
	}
	barrier := update.Arrival{Step: p.Step, Phase: a.Phase}
	for _, lrn := range st.Missing(barrier) {
		if own := st.Statuses[lrn]; own.Of(st.Request) && own.Cond != neco.CondRunning {
			continue // this worker has aborted or completed meanwhile
		}
		w.fail("I1: worker %d starts step %d before worker %d has arrived", s.lrn, p.Step, lrn)
	}
	if a.Kind == update.Every || s.lease == s.revoked {
		return
	}
	for _, o := range w.servers {
		if o != s && o.alive && o.task != nil && o.task.action.Kind != update.Every && w.now >= o.paused && o.lease != o.revoked && o.m.Work.Cancelled == update.CauseNone && w.now < o.leaseEnd {
			w.fail("I3: workers %d and %d both run an action under the lock", s.lrn, o.lrn)
		}
	}
}

// checkGroup checks the invariant I2: all running services of the group g, whose
// versions must not mix, have the same version.
func (w *world) checkGroup(g string) {
	running := map[string]bool{}
	for _, s := range w.servers {
		if v := s.group[g]; v != "" {
			running[v] = true
		}
	}
	if len(running) > 1 {
		w.fail("I2: versions %v of %s run at once", running, g)
	}
}

// checkReport checks the invariant I6: a server that reports "complete" has done all
// actions and runs the new version.
func (w *world) checkReport(s *server, st update.Status) {
	if st.Cond != neco.CondComplete {
		return
	}
	for n, row := range w.table {
		if n == 0 {
			continue
		}
		for i, a := range row.Actions {
			if a.Kind == update.Once {
				continue
			}
			if p := (update.Place{Step: n, Action: i}); !a.Transient && !s.effects[s.effect(p)] {
				w.fail("I6: worker %d reports complete but has not done %d/%s", s.lrn, n, a.Name)
			}
		}
	}
	if s.version != st.Version || slices.Contains(slices.Collect(maps.Values(s.group)), "") {
		w.fail("I6: worker %d reports complete with version %s and groups %v", s.lrn, s.version, s.group)
	}
}

// checkServices checks the invariant I5 after a run was stopped: all services run again
// on each server whose worker was undisturbed for restoreTime.
func (w *world) checkServices() {
	for _, s := range w.servers {
		if !s.alive || w.now < s.quiet+restoreTime {
			continue
		}
		for _, g := range w.groups() {
			if s.group[g] == "" {
				w.fail("I5: %s is still stopped on host %d, %s after the run was stopped", g, s.lrn, restoreTime)
			}
		}
	}
}

// restoreTime is the longest time that a worker may take to restore services. It includes
// the wait for the next read of etcd after a lost event, and for the end of a slow
// action.
const restoreTime = 60 * time.Second

// checkPublish checks the invariant I8: in a run, the outcome of a once-action, which a
// single worker performs for all servers, is accepted at most once.
func (w *world) checkPublish(s *server, record string) {
	key := s.m.Run.String() + record
	w.published[key]++
	if w.published[key] > 1 {
		w.fail("I8: the outcome of %s was written %d times", record, w.published[key])
	}
}
