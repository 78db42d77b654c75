package update

// Do is the verb of a decision.
type Do int

// What a member can be told to do next.  Each is one act of the shell, after
// which it decides again.
const (
	// Idle: nothing to do until the shared state changes.
	Idle Do = iota
	// Enter: take part in a run; Decision.Member is the member to go on with.
	Enter
	// Report: write Decision.Status, guarded.
	Report
	// Wait: a barrier, a lock or the action itself is awaited.
	Wait
	// Acquire: compete for the lock.
	Acquire
	// Release: give the lock back.
	Release
	// Ask: find out whether the local condition of the once-action holds.
	Ask
	// Gate: write Decision.Switch unless somebody has decided before.
	Gate
	// Start: begin the action at Decision.At.
	Start
	// Cancel: end the running action, for Decision.Cause.
	Cancel
	// Publish: write the once-record of the action in hand, fenced by the lock.
	Publish
	// Advance: the action is done; Decision.Member is the member to go on with.
	Advance
	// Restore: bring the services of Decision.Group back, as Decision.Side.
	Restore
	// Leave: forget the run.
	Leave
)

var doNames = [...]string{
	"idle", "enter", "report", "wait", "acquire", "release", "ask", "gate",
	"start", "cancel", "publish", "advance", "restore", "leave",
}

func (d Do) String() string { return doNames[d] }

// Decision is the answer of [Table.Decide].
type Decision struct {
	Do Do
	// Why is for people: what is awaited, or the reason of the verb.
	Why string
	// Missing are the members that are awaited at a barrier.
	Missing []int
	// At is the place that the verb is about.
	At Place
	// Member is set with Enter and Advance.
	Member Member
	// Status is set with Report.  With KeepNotes the member's notes stay for
	// a later one.
	Status    Status
	KeepNotes bool
	// Bad is set with the Report of an abort by the fault of the release.
	Bad bool
	// Cause is set with Cancel.
	Cause Cause
	// Group and Side are set with Gate and Restore.
	Group string
	Side  Side
	// Success is set with Publish.
	Success bool
}
