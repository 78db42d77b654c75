package update

// Do is the verb of a decision.
type Do int

// What a member can be told to do next.  Each is one act of the shell, after
// which it goes on with Decision.Member and decides again.
const (
	// Idle: nothing to do until the shared state changes.
	Idle Do = iota
	// Enter: take part in a run, or go on with it.
	Enter
	// Report: write Decision.Status, guarded.
	Report
	// Wait for a barrier, for the lock or for the end of the action.
	Wait
	// Acquire: compete for the lock.
	Acquire
	// Release: give the lock back.
	Release
	// Ask: find out whether the local condition of the once-action holds, and
	// go on with [Member.Asked].
	Ask
	// WriteSwitch: write Decision.Switch unless somebody has decided before.
	WriteSwitch
	// Start: begin the action at Decision.At, and go on with [Member.Ended] when
	// it has ended.
	Start
	// Cancel: end the running action, for Decision.Cause.
	Cancel
	// Publish: write Decision.Record, fenced by the lock.
	Publish
	// Advance: the action is done.
	Advance
	// Restore: bring the services of Decision.Group back, as Decision.Side.
	Restore
	// Leave: forget the run.
	Leave
)

var doNames = [...]string{
	"idle", "enter", "report", "wait", "acquire", "release", "ask", "switch",
	"start", "cancel", "publish", "advance", "restore", "leave",
}

func (d Do) String() string { return doNames[d] }

// Decision is the answer of [Table.Decide]: an act, what it writes, and the
// member after it.  A shell performs it and adds nothing but the time.
type Decision struct {
	Do Do
	// Why is for people: what is awaited, or the reason of the verb.
	Why string
	// Missing are the members that are awaited at a barrier.
	Missing []int
	// At is the place that the verb is about.
	At Place
	// Member is the member once the act was performed; an act that fails leaves
	// the member as it was.  The journal holds Member.Stopped before an action is
	// started, and after services were restored.
	Member Member
	// Status is set with Report; see [Status.Stamped].
	Status Status
	// Bad is set with the Report of an abort by the fault of the release.
	Bad bool
	// Cause is set with Cancel.
	Cause Cause
	// Group is set with WriteSwitch and Restore, Side with Restore.
	Group string
	Side  Side
	// Switch is set with WriteSwitch.  It replaces the switch of Group that was
	// written at revision Replaces; 0: there is none.
	Switch   Switch
	Replaces int64
	// Record is set with Publish.  RecordName names it in State.Records.
	RecordName string
	Record     Record
}

// after returns m after d, for every verb but Enter and Advance, which say
// themselves where to go on.
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

// publish records the outcome of the once-action in hand.
func (t Table) publish(m Member, success bool) Decision {
	started := m.Run.StartedAt
	rec := Record{StartedAt: &started}
	rec.Version, rec.Success = m.Run.Version, success
	at := m.Current()
	return Decision{Do: Publish, At: at, RecordName: t.Action(at).Record, Record: rec}
}

// writeSwitch decides for all members of run which version of group may start.
func (s State) writeSwitch(group string, run RunID, side Side) Decision {
	return Decision{
		Do: WriteSwitch, Group: group, Replaces: s.Switches[group].Rev,
		Switch: Switch{Version: run.Version, StartedAt: run.StartedAt, Side: side},
	}
}
