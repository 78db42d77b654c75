package update

// Do is the kind of a decision: what the member does.
type Do int

// The kinds of decisions. The caller of [Table.Decide] performs the decision, continues
// with Decision.Member and decides again.
const (
	// Idle: the member does nothing until the state in etcd changes.
	Idle Do = iota
	// Enter: the member starts or resumes its part in the run.
	Enter
	// Report: the member writes Decision.Status, if the request and the worker's
	// presence are unchanged.
	Report
	// Wait: the member waits for a barrier, for the lock or for the end of the action.
	Wait
	// Acquire: the member competes for the lock.
	Acquire
	// Release: the member releases the lock, or stops competing for it.
	Release
	// Ask: the caller evaluates on the host whether the current action applies to it,
	// and passes the answer to [Member.Asked].
	Ask
	// WriteSwitch: the member writes Decision.Switch unless another member has written
	// the switch of the group.
	WriteSwitch
	// Start: the member starts the action at Decision.At. When the action has ended,
	// the caller passes the result to [Member.Ended].
	Start
	// Cancel: the member cancels the running action because of Decision.Cause.
	Cancel
	// Publish: the member writes Decision.Record, if it still holds the lock.
	Publish
	// Advance: the member continues with the action after the current one.
	Advance
	// Restore: the member starts the stopped services of Decision.Group again, in the
	// version that Decision.Side selects.
	Restore
	// Leave: the member forgets the run and no longer takes part in it.
	Leave
)

var doNames = [...]string{
	"idle", "enter", "report", "wait", "acquire", "release", "ask", "switch",
	"start", "cancel", "publish", "advance", "restore", "leave",
}

func (d Do) String() string { return doNames[d] }

// Decision is the result of [Table.Decide]: what the member has to do, the values to
// write, and the member afterwards. The caller performs it and adds only the time.
type Decision struct {
	Do Do
	// Why is what the member waits for or why it decides so, for logs.
	Why string
	// Missing are the members that have not arrived at the barrier.
	Missing []int
	// At is the place in the table of the action that the decision is about.
	At Place
	// Member is the member after the decision was performed; if performing it fails, the
	// old member remains. Member.Stopped must be in the host's journal before an action
	// is started, and after services were restored.
	Member Member
	// Status is set with Report. The caller completes it by [Status.Stamped].
	Status Status
	// Bad is set with Report if the member aborts the run because the release is faulty.
	Bad bool
	// Cause is set with Cancel: why the action is cancelled.
	Cause Cause
	// Group is set with WriteSwitch and Restore, Side only with Restore.
	Group string
	Side  Side
	// Switch is set with WriteSwitch. It replaces the switch of Group that was written at
	// revision Replaces of etcd; Replaces is 0 if Group has no switch yet.
	Switch   Switch
	Replaces int64
	// Record is set with Publish. RecordName is the key of the record in State.Records.
	RecordName string
	Record     Record
}

// after returns m as it is after the decision d was performed. It does not apply to
// Enter and Advance, for which Decision.Member is set with the decision.
func (t Table) after(m Member, d Decision) Member {
	switch d.Do {
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
		m.Notes = nil
		return m.begin(RunID{}, Place{}, nil)
	}
	return m
}

// publish returns the decision that records the outcome of the current [Once] action.
func (t Table) publish(m Member, success bool) Decision {
	started := m.Run.StartedAt
	rec := Record{StartedAt: &started}
	rec.Version, rec.Success = m.Run.Version, success
	if success {
		rec.Digest = m.Work.Digest
	}
	at := m.Current()
	return Decision{Do: Publish, At: at, RecordName: t.Action(at).Record, Record: rec}
}

// writeSwitch returns the decision to write a [Switch] for all members of run: of the
// programs in group, the version that side selects may start.
func (s State) writeSwitch(group string, run RunID, side Side) Decision {
	return Decision{
		Do: WriteSwitch, Group: group, Replaces: s.Switches[group].Rev,
		Switch: Switch{Version: run.Version, StartedAt: run.StartedAt, Side: side},
	}
}
