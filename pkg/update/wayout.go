package update

import (
	"cmp"
	"fmt"

	"github.com/cybozu-go/neco"
)

// wayOut ends this member's part in a run, whatever it is doing: the running
// action first, then the lock, then the services that it has stopped, then its
// status, and only then the memory of the run.
func (t Table) wayOut(m Member, s State, cause Cause, why string) Decision {
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
	if d, decided := m.windDown(s, why); decided {
		return d
	}
	if !m.Run.IsZero() {
		return Decision{Do: Leave, Why: why}
	}
	return Decision{Do: Idle, Why: why}
}

// settle brings back, before a run is entered, what an earlier run has left
// stopped: what that run decided must be so on this host too, or the members
// would not agree on which version is the old one.
func (m Member) settle(s State) (Decision, bool) {
	for _, st := range m.Stopped {
		if !st.Run.Equal(s.Request.ID()) {
			return m.restore(s)
		}
	}
	return Decision{}, false
}

// restore brings back what this host has stopped.  Which version it may start
// is decided once for all members: by the switch that somebody wrote, or by
// closing it now.
func (m Member) restore(s State) (Decision, bool) {
	for _, st := range m.Stopped {
		side, known, err := s.sideOf(st.Group, st.Run)
		switch {
		case err != nil:
			// Starting either version could run two versions at once.
			return Decision{Do: Idle, Why: fmt.Sprintf("%s stays stopped: %v", st.Group, err)}, true
		case known:
			return Decision{Do: Restore, Group: st.Group, Side: side}, true
		case s.Request == nil:
			// Nobody can decide for a run that is gone.
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

// windDown corrects a status that says "running" where nothing runs any more.
func (m Member) windDown(s State, why string) (Decision, bool) {
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
