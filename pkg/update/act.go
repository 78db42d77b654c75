package update

import (
	"fmt"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/internal/duration"
)

// act returns what m does about its current action after all members have passed the
// barrier before that action.
func (t Table) act(m Member, s State) Decision {
	at := m.Current()
	a := t.Action(at)
	if m.Work.State == WorkDone {
		return t.done(m, s, a)
	}
	if a.Kind == Once {
		if d, decided := t.once(m, s, a); decided {
			return d
		}
	}
	if a.Conditional {
		if d, decided := t.qualify(m); decided {
			return d
		}
	}
	if a.Kind != Every {
		switch m.Lock {
		case LockNone:
			return Decision{Do: Acquire, At: at, Why: "the lock orders this action"}
		case LockWaiting:
			return Decision{Do: Wait, At: at, Why: "the lock"}
		}
	}
	if d, decided := t.decideSwitch(m, s, a); decided {
		return d
	}
	return Decision{Do: Start, At: at}
}

// once returns the decision of the member m about an [Once] action before m starts it. If
// an outcome is recorded, m continues or aborts accordingly. Otherwise m evaluates the
// condition of the action, or skips the action if the condition is known to be false. The
// second result is false if m has to start the action.
func (t Table) once(m Member, s State, a Action) (Decision, bool) {
	if rec, ok := s.record(a.Record); ok {
		if !rec.Success {
			return m.abort(s.Request, ownStatus(s, m.LRN),
				fmt.Sprintf("step %d (%s) %s: it has failed on another boot server", m.At.Step, t.Name(m.At.Step), a.Name)), true
		}
		return Decision{Do: Advance, At: m.At, Why: "done by a member", Member: m.advance(t)}, true
	}
	return t.qualify(m)
}

// qualify returns the decision Ask while it is unknown whether this server has to do
// the current action, and Advance if the server skips it. Otherwise the second result
// is false.
func (t Table) qualify(m Member) (Decision, bool) {
	at := m.Current()
	if m.Qualified == nil {
		return Decision{Do: Ask, At: at, Why: "whether this server qualifies"}, true
	}
	if !*m.Qualified {
		return Decision{Do: Advance, At: at, Why: "this server does not qualify", Member: m.advance(t)}, true
	}
	return Decision{}, false
}

func ownStatus(s State, lrn int) Status {
	st, _ := s.status(lrn)
	return st
}

// decideSwitch returns what m does before an action that starts the new version of a
// group: record the switch to the new version if the run has none, or abort if the
// switch is unreadable or selects the old version. The second result is false if the
// action may start.
func (t Table) decideSwitch(m Member, s State, a Action) (Decision, bool) {
	if a.Starts == "" {
		return Decision{}, false
	}
	sw, known, err := s.sideOf(a.Starts, m.Run)
	own := ownStatus(s, m.LRN)
	switch {
	case err != nil:
		return m.abort(s.Request, own, fmt.Sprintf("step %d (%s) %s: %v", m.At.Step, t.Name(m.At.Step), a.Name, err)), true
	case !known:
		d := s.writeSwitch(a.Starts, m.Run, SideNew)
		d.At = m.Current()
		return d, true
	case sw != SideNew:
		return m.abort(s.Request, own, fmt.Sprintf("step %d (%s) %s: a member has gone back to the old %s",
			m.At.Step, t.Name(m.At.Step), a.Name, a.Starts)), true
	}
	return Decision{}, false
}

// sideOf returns the version, old or new, that the run has recorded for group. known is
// false if the run has recorded none.
func (s State) sideOf(group string, run RunID) (side Side, known bool, err error) {
	if err := s.UnreadableSwitches[group]; err != nil {
		return "", false, err
	}
	sw, ok := s.Switches[group]
	if !ok || !(RunID{sw.Version, sw.StartedAt}).Equal(run) {
		return "", false, nil
	}
	return sw.Side, true, nil
}

// done returns the decision after a successful action: to record the outcome of a
// [Once] action, then to release the lock, then to continue with the next action.
func (t Table) done(m Member, s State, a Action) Decision {
	at := m.Current()
	if a.Kind == Once {
		if _, published := s.record(a.Record); !published {
			if m.Lock != LockHeld {
				// The lock was lost before the outcome was recorded: the next holder of
				// the lock repeats the action.
				m.Work = Work{}
				return Decision{Do: Enter, At: at, Why: "the lock was lost before the record", Member: m}
			}
			return t.publish(m, true)
		}
	}
	if m.Lock != LockNone {
		return Decision{Do: Release, At: at, Why: "the action is done"}
	}
	return Decision{Do: Advance, At: at, Member: m.advance(t)}
}

// watchWork returns what m does while an action is running: cancel it if the lock is
// lost or the deadline has passed, and wait otherwise.
func (t Table) watchWork(m Member) Decision {
	at := m.Current()
	a := t.Action(at)
	if a.Kind != Every && m.Lock != LockHeld && m.Work.Cancelled == CauseNone {
		return Decision{Do: Cancel, At: at, Cause: CauseLeaseLost, Why: "the lock is lost"}
	}
	if m.Work.Elapsed >= a.Deadline && m.Work.Cancelled == CauseNone {
		return Decision{Do: Cancel, At: at, Cause: CauseDeadline, Why: "longer than " + duration.Text(a.Deadline)}
	}
	return Decision{Do: Wait, At: at, Why: "the action"}
}

// failed returns what m does after an action returned an error: report why it is
// retried, record the failure of a [Once] action, or abort the run. over is false if
// there is nothing to write and the action is retried.
func (t Table) failed(m Member, s State, own Status) (d Decision, over bool) {
	at := m.Current()
	a := t.Action(at)
	if m.Work.Cancelled == CauseLeaseLost {
		return Decision{}, false
	}
	late := m.Work.Elapsed >= a.Deadline
	if !late && !m.Work.Permanent {
		return m.reportRetry(t, s, own)
	}
	msg := fmt.Sprintf("step %d (%s) %s on boot server %d: %s", at.Step, t.Name(at.Step), a.Name, m.LRN, m.Work.Err)
	if late {
		msg += fmt.Sprintf(" (StepDeadline: %s)", duration.Text(a.Deadline))
	}
	if a.Kind == Once && m.Lock == LockHeld {
		if _, published := s.record(a.Record); !published {
			return t.publish(m, false), true
		}
	}
	d = m.abort(s.Request, own, msg)
	d.Bad = m.Work.Fault
	return d, true
}

// TriesAgain is the start of a status message while a failed action is being retried,
// and InProgress while an action or its lock is waiting.
const (
	TriesAgain = "tries again: "
	InProgress = "in progress: "
)

// showProgress returns the decision to report in the status what the current action is
// waiting for. It returns d unchanged if d is not Wait, the action has no progress
// text, or the status does not belong to the action or shows that text already.
func (t Table) showProgress(d Decision, m Member, own Status) Decision {
	at := m.Current()
	if d.Do != Wait || m.Work.Progress == "" || len(m.Again) > 0 || own.StartedAt == nil || own.Arrival() != t.arrival(at) {
		return d
	}
	msg := fmt.Sprintf("%sstep %d (%s) %s: %s", InProgress, at.Step, t.Name(at.Step), t.Action(at).Name, m.Work.Progress)
	if own.Message == msg {
		return d
	}
	return m.inform(own, msg)
}

// inform returns the decision to report the message msg about the current action. own is
// the status that m has reported before.
func (m Member) inform(own Status, msg string) Decision {
	own.Message, own.Notes = msg, m.Notes
	return Decision{Do: Report, At: m.Current(), Why: msg, Status: own}
}

// reportRetry returns the decision to report in the status why the current action is
// retried. over is false if the status shows that reason already or does not belong to
// this action.
func (m Member) reportRetry(t Table, s State, own Status) (d Decision, over bool) {
	at := m.Current()
	if len(m.Again) > 0 || own.StartedAt == nil || own.Arrival() != t.arrival(at) {
		return Decision{}, false
	}
	msg := fmt.Sprintf("%sstep %d (%s) %s: %s", TriesAgain, at.Step, t.Name(at.Step), t.Action(at).Name, m.Work.Err)
	if own.Message == msg {
		return Decision{}, false
	}
	return m.inform(own, msg), true
}

// abort returns the decision to report that this member aborts the run because of msg.
func (m Member) abort(r *Request, own Status, msg string) Decision {
	st := m.status(r, own.Arrival(), neco.CondAbort)
	st.Message = msg
	return Decision{Do: Report, Why: msg, Status: st}
}

// status returns the status with which m reports that it has arrived at a.
func (m Member) status(r *Request, a Arrival, cond neco.UpdateCondition) Status {
	started := r.StartedAt
	st := Status{StartedAt: &started, Phase: a.Phase, HostID: m.HostID, Notes: m.Notes}
	st.Version, st.Step, st.Cond = r.Version, a.Step, cond
	return st
}
