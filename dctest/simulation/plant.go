package simulation

import (
	"maps"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/update"
)

// Plant is a bug that is inserted on purpose, to test that the simulation detects it.
// Each has caused an outage of a similar system. The zero Plant is no bug.
type Plant struct {
	// Name is the name of the bug, Bug its description.
	Name, Bug string
	// see, if not nil, receives the state that the worker has read and returns the state
	// on which the worker bases its decision instead.
	see func(*server, update.State) update.State
	// alter, if not nil, receives the decision that pkg/update has made and returns the
	// decision that the worker performs instead.
	alter func(*server, update.State, update.Decision) update.Decision
	// retryBad makes the updater ignore that releases are marked as bad.
	retryBad bool
	// oneKill means that the bug is detected only if one kill is the only fault and there
	// is no operator.
	oneKill bool
}

// Plants are the bugs that the simulation has to detect.
var Plants = []Plant{
	{Name: "restart-aborts", Bug: "a worker that starts and finds its own status running aborts the whole run", alter: giveUp, oneKill: true},
	{Name: "stale-statuses", Bug: "the statuses of an earlier run count", see: staleStatuses},
	{Name: "no-barrier", Bug: "one worker does not wait for the others", see: allArrived},
	{Name: "no-switch", Bug: "at the end of a run, a worker restores services without a shared decision on the version", alter: switchAlone},
	{Name: "no-restore", Bug: "stopped services stay stopped when another worker aborts", alter: forgetStopped},
	{Name: "early-complete", Bug: "complete is written before the last step", alter: completeEarly},
	{Name: "no-lock", Bug: "rolling and once actions run without the lock", alter: takeNoLock},
	{Name: "retry-bad", Bug: "a release that failed by its own fault is installed again", retryBad: true},
}

func staleStatuses(s *server, st update.State) update.State {
	return withOthers(s, st, func(own *update.Status) {
		started := st.Request.StartedAt
		own.StartedAt, own.Version = &started, st.Request.Version
	})
}

func allArrived(s *server, st update.State) update.State {
	if s.lrn != 0 {
		return st
	}
	return withOthers(s, st, func(own *update.Status) {
		if own.Of(st.Request) && own.Cond == neco.CondRunning {
			own.Step, own.Phase = s.w.table.Last(), 1
		}
	})
}

// withOthers returns a copy of the state st in which change was applied to the statuses
// of all servers except s.
func withOthers(s *server, st update.State, change func(*update.Status)) update.State {
	if st.Request == nil {
		return st
	}
	st.Statuses = maps.Clone(st.Statuses)
	for lrn, own := range st.Statuses {
		if lrn != s.lrn {
			change(&own)
			st.Statuses[lrn] = own
		}
	}
	return st
}

// giveUp is the field alter of a [Plant] with this bug: a worker that should resume a
// run after a restart reports that it has aborted the run.
func giveUp(s *server, _ update.State, d update.Decision) update.Decision {
	if d.Do != update.Enter || d.Member.At.Step <= 1 || !s.m.Run.IsZero() {
		return d
	}
	st := update.Status{StartedAt: &d.Member.Run.StartedAt}
	st.Version, st.Step, st.Cond = d.Member.Run.Version, d.Member.At.Step, neco.CondAbort
	st.Message = "the worker was restarted"
	return update.Decision{Do: update.Report, Status: st, Member: s.m}
}

func switchAlone(s *server, st update.State, d update.Decision) update.Decision {
	if d.Do != update.WriteSwitch {
		return d
	}
	st.Switches = maps.Clone(st.Switches)
	st.Switches[d.Group] = d.Switch
	return s.decide(st)
}

func forgetStopped(s *server, st update.State, d update.Decision) update.Decision {
	if d.Do != update.Restore && (d.Do != update.WriteSwitch || d.Switch.Side != update.SideOld) {
		return d
	}
	s.m.Stopped = nil
	return s.decide(st)
}

func completeEarly(s *server, _ update.State, d update.Decision) update.Decision {
	if d.Do == update.Report && d.Status.Cond == neco.CondRunning && d.Status.Step == s.w.table.Last() {
		d.Status.Cond = neco.CondComplete
	}
	return d
}

func takeNoLock(s *server, st update.State, d update.Decision) update.Decision {
	if d.Do != update.Acquire {
		return d
	}
	s.lock, s.m.Lock = update.LockHeld, update.LockHeld
	return s.decide(st)
}
