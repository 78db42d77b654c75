package update

import (
	"cmp"
	"fmt"

	"github.com/cybozu-go/neco"
)

// leaveRun returns the next decision by which m ends its part in a run, from any state.
// In this order the member cancels the running action, releases the lock, restores the
// stopped services, corrects its status and forgets the run.
func (t Table) leaveRun(m Member, s State, cause Cause, why string) Decision {
	if m.Work.State == WorkRunning {
		if m.Work.Cancelled != CauseNone {
			return Decision{Do: Wait, At: m.Current(), Why: "the cancelled action"}
		}
		return Decision{Do: Cancel, At: m.Current(), Cause: cmp.Or(cause, CauseStopped), Why: why}
	}
	if m.Lock != LockNone {
		return Decision{Do: Release, At: m.At, Why: why}
	}
	if d, decided := m.restore(s); decided {
		return d
	}
	if d, decided := m.correctStatus(s, why); decided {
		return d
	}
	if !m.Run.IsZero() {
		return Decision{Do: Leave, Why: why}
	}
	return Decision{Do: Idle, Why: why}
}

// restoreEarlier returns the decision to restore services that an earlier run has left
// stopped, before m enters the current run. Otherwise the members could start the
// current run with different old versions. The second result is false if there are no
// such services.
func (m Member) restoreEarlier(s State) (Decision, bool) {
	for _, st := range m.Stopped {
		if !st.Run.Equal(s.Request.ID()) {
			return m.restore(s)
		}
	}
	return Decision{}, false
}

// restore returns the decision to start the services that this host has stopped, in the
// version that the [Switch] of their run selects. Without a switch, they start in the
// old version; if their run is the current one, restore first records that for all
// members. The services stay stopped if their switch is unreadable or this server is
// not a member of the current run.
func (m Member) restore(s State) (Decision, bool) {
	for _, st := range m.Stopped {
		side, known, err := s.sideOf(st.Group, st.Run)
		switch {
		case err != nil:
			// Starting either version could run two versions at the same time.
			return Decision{Do: Idle, Why: fmt.Sprintf("%s stays stopped: %v", st.Group, err)}, true
		case known:
			return Decision{Do: Restore, Group: st.Group, Side: side}, true
		case s.Request == nil:
			// No switch can be recorded for a run without a request.
			return Decision{Do: Restore, Group: st.Group, Side: SideOld}, true
		case !s.Request.IsMember(m.LRN):
			return Decision{Do: Idle, Why: st.Group + " stays stopped: this server is not a member of the run"}, true
		case s.Request.ID().Equal(st.Run):
			return s.writeSwitch(st.Group, st.Run, SideOld), true
		default:
			return Decision{Do: Restore, Group: st.Group, Side: SideOld}, true
		}
	}
	return Decision{}, false
}

// correctStatus returns the decision to replace this member's status "running" by "not
// running" after the run was stopped or aborted. The second result is false if there is
// nothing to correct.
func (m Member) correctStatus(s State, why string) (Decision, bool) {
	own, ok := s.status(m.LRN)
	if !ok || own.Cond != neco.CondRunning || own.StartedAt == nil {
		return Decision{}, false
	}
	if !s.Request.Stop {
		if _, _, aborted := s.Aborted(); !aborted {
			return Decision{}, false
		}
	}
	st := own
	st.Cond, st.Message, st.HostID = neco.CondNotRunning, why, m.HostID
	return Decision{Do: Report, Why: why, Status: st}, true
}
