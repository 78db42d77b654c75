package simulation

import (
	"maps"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/update"
)

// Plant is a bug that is planted on purpose, each one after an outage of a
// system like this one.  A simulation that does not find it checks nothing.
type Plant string

// The bugs.
const (
	// PlantRestartAborts: a worker that starts and finds its own status
	// running gives the whole run up.
	PlantRestartAborts Plant = "restart-aborts"
	// PlantStaleStatuses: the statuses of an older run count.
	PlantStaleStatuses Plant = "stale-statuses"
	// PlantNoBarrier: one worker does not wait for the others.
	PlantNoBarrier Plant = "no-barrier"
	// PlantNoGate: services come back on a way out without a decision that
	// binds everybody.
	PlantNoGate Plant = "no-gate"
	// PlantNoRestore: what was stopped stays stopped when a peer gives up.
	PlantNoRestore Plant = "no-restore"
	// PlantEarlyComplete: complete is written before the last step.
	PlantEarlyComplete Plant = "early-complete"
	// PlantRetryBad: a release that failed by its own fault is installed again.
	PlantRetryBad Plant = "retry-bad"
	// PlantNoLock: rolling and once-actions are done without the lock.
	PlantNoLock Plant = "no-lock"
)

// see is what the core of a worker is shown.
func (p Plant) see(s *server, st update.State) update.State {
	if p != PlantStaleStatuses || st.Request == nil {
		return st
	}
	st.Statuses = maps.Clone(st.Statuses)
	for lrn, own := range st.Statuses {
		if lrn != s.lrn {
			started := st.Request.StartedAt
			own.StartedAt, own.Version = &started, st.Request.Version
			st.Statuses[lrn] = own
		}
	}
	return st
}

// alter is what the worker does instead of what the core has decided.
func (p Plant) alter(s *server, d update.Decision) update.Decision {
	t := s.w.table
	switch {
	case p == PlantRestartAborts && d.Do == update.Enter && d.Member.At.Step > 1 && s.m.Run.IsZero():
		return giveUp(s, d)
	case p == PlantNoBarrier && s.lrn == 0 && d.Do == update.Wait && len(d.Missing) > 0:
		return update.Decision{Do: update.Start, At: d.At}
	case p == PlantNoGate && d.Do == update.Gate:
		if d.Side == update.SideNew {
			return update.Decision{Do: update.Start, At: s.m.Current()}
		}
		return update.Decision{Do: update.Restore, Group: d.Group, Side: d.Side}
	case p == PlantNoRestore && (d.Do == update.Restore || d.Do == update.Gate && d.Side == update.SideOld):
		s.m.Stopped = nil
		return update.Decision{Do: update.Leave}
	case p == PlantEarlyComplete && d.Do == update.Report && d.Status.Cond == neco.CondRunning && d.Status.Step == t.Last():
		d.Status.Cond = neco.CondComplete
	case p == PlantNoLock && d.Do == update.Acquire:
		s.lock = update.LockHeld
		return update.Decision{Do: update.Start, At: d.At}
	}
	return d
}

// giveUp reports an abort in place of a resumption.
func giveUp(s *server, d update.Decision) update.Decision {
	st := update.Status{StartedAt: &d.Member.Run.StartedAt}
	st.Version, st.Step, st.Cond = d.Member.Run.Version, d.Member.At.Step, neco.CondAbort
	st.Message = "the worker was restarted"
	return update.Decision{Do: update.Report, Status: st}
}
