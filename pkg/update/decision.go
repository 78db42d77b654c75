package update

// Do is the kind of a decision.
type Do int

// The kinds of decisions. The shell performs each, continues with Decision.Member and
// decides again.
const (
	// Idle: do nothing until the shared state changes.
	Idle Do = iota
	// Enter: start or resume the part in a run.
	Enter
	// Report: write Decision.Status, guarded.
	Report
	// Wait for a barrier, for the lock or for the end of the action.
	Wait
	// Acquire: compete for the lock.
	Acquire
	// Release: release the lock.
	Release
	// Ask: evaluate the local condition of the current action, and continue with
	// [Member.Asked].
	Ask
	// WriteSwitch: write Decision.Switch unless another member has written one.
	WriteSwitch
	// Start: start the action at Decision.At, and continue with [Member.Ended] when it
	// has ended.
	Start
	// Cancel: cancel the running action because of Decision.Cause.
	Cancel
	// Publish: write Decision.Record, fenced by the lock.
	Publish
	// Advance: continue after the current action.
	Advance
	// Restore: start the services of Decision.Group again, in the version of
	// Decision.Side.
	Restore
	// Leave: forget the run.
	Leave
)

var doNames = [...]string{
	"idle", "enter", "report", "wait", "acquire", "release", "ask", "switch",
	"start", "cancel", "publish", "advance", "restore", "leave",
}

func (d Do) String() string { return doNames[d] }

// Decision is the result of [Table.Decide]: what to do, what to write, and the member
// afterwards. A shell performs it and adds only the time.
type Decision struct {
	Do Do
	// Why tells people what the member waits for, or the reason of the decision.
	Why string
	// Missing are the members that have not arrived at the barrier.
	Missing []int
	// At is the action that the decision is about.
	At Place
	// Member is the member after the decision was performed. If performing it fails,
	// the member stays as it was. The journal holds Member.Stopped before an action is
	// started, and after services were restored.
	Member Member
	// Status is set with Report; see [Status.Stamped].
	Status Status
	// Bad is set with Report if the run is aborted by a fault of the release.
	Bad bool
	// Cause is set with Cancel.
	Cause Cause
	// Group is set with WriteSwitch and Restore, Side with Restore.
	Group string
	Side  Side
	// Switch is set with WriteSwitch. It replaces the switch of Group that was written
	// at revision Replaces; 0: there is none.
	Switch   Switch
	Replaces int64
	// Record is set with Publish. RecordName is its key in State.Records.
	RecordName string
	Record     Record
}

// after returns m after d, for every decision except Enter and Advance, which set
// Decision.Member themselves.
func (t Table) after(m Member, d Decision) Member {
	switch d.Do {
	case Report:
		if !isTransient(d.Status.Message) {
			m.Notes = nil
		}
	case Start:
		if group := t.Action(d.At).Stops; group != "" {
			m.Stopped = append(m.without(group), Stopped{Group: group, Run: m.Run})
		}
		m.Work = Work{State: WorkRunning, Attempts: m.Work.Attempts + 1, Fault: m.Work.Fault}
	case Cancel:
		m.Work.Cancelled = d.Cause
	case Restore:
		m.Stopped = m.without(d.Group)
	case Leave:
		return m.begin(RunID{}, Place{}, nil)
	}
	return m
}

// publish returns the decision that records the outcome of the current once-action.
func (t Table) publish(m Member, success bool) Decision {
	started := m.Run.StartedAt
	rec := Record{StartedAt: &started}
	rec.Version, rec.Success = m.Run.Version, success
	at := m.Current()
	return Decision{Do: Publish, At: at, RecordName: t.Action(at).Record, Record: rec}
}

// writeSwitch returns the decision that records, for all members of run, which version
// of group may start.
func (s State) writeSwitch(group string, run RunID, side Side) Decision {
	return Decision{
		Do: WriteSwitch, Group: group, Replaces: s.Switches[group].Rev,
		Switch: Switch{Version: run.Version, StartedAt: run.StartedAt, Side: side},
	}
}
