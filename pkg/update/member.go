package update

import (
	"fmt"
	"slices"
	"time"
)

// Lock is the state of the one lock that orders [Rolling] and [Once] actions, as a
// member sees it: held, waited for, or neither.
type Lock int

// The states of the lock, as one member sees it.
const (
	LockNone Lock = iota
	LockWaiting
	LockHeld
)

// WorkState is the state of the current action.
type WorkState int

// The states of the current action. The zero value is an action that was not started.
const (
	// WorkNone: the action was not started.
	WorkNone WorkState = iota
	// WorkRunning: the action is running.
	WorkRunning
	// WorkDone: the action succeeded.
	WorkDone
	// WorkFailed: the action returned an error.
	WorkFailed
)

// Work is the state of the current action, with the result of its last attempt.
type Work struct {
	State WorkState
	// Elapsed is the time since the start of the first attempt, by the member's clock.
	Elapsed time.Duration
	// Attempts is the number of attempts that were started.
	Attempts int
	// Err is the error of the last attempt.
	Err string
	// Permanent means that Err is an error that a retry cannot repair.
	Permanent bool
	// Fault means that Err was caused by the release, not by the host.
	Fault bool
	// Note is text from the action, for the status after the action has succeeded.
	Note string
	// Digest is what the record of a once-action that has succeeded gets as its digest.
	Digest string
	// Progress is what the action or the lock is waiting for; empty if the status should
	// show nothing.
	Progress string
	// Cancelled is why the member cancelled the action; CauseNone if it did not.
	Cancelled Cause
}

// Member is everything that a worker remembers between two decisions. It is only in
// memory: a worker that was killed starts with a zero Run and resumes from its own status
// in etcd.
type Member struct {
	LRN     int
	HostID  string
	Version string
	// Run is the run in which the member takes part; the zero RunID if there is none.
	Run RunID
	// At is the next action in the order of the table.
	At Place
	// Again lists earlier actions that a resuming member repeats before it continues at
	// At.
	Again []Place
	Work  Work
	Lock  Lock
	// Qualified is whether this host has to do the current action; nil if that was not
	// evaluated yet.
	Qualified *bool
	// Notes are the notes of the actions completed in Run, for the status.
	Notes []string
	// Stopped lists the groups whose services this host has stopped and not started
	// again, as recorded in the host's journal.
	Stopped []Stopped
}

// Stopped is an entry in the journal of a host: it has stopped the services of Group in
// Run, or was about to do so, and has not started them again.
type Stopped struct {
	Group string
	Run   RunID
}

// Cause is the reason for cancelling a running action.
type Cause string

// The causes for cancelling an action.
const (
	CauseNone       Cause = ""
	CauseStopped    Cause = "run stopped"
	CauseAborted    Cause = "peer aborted"
	CauseSuperseded Cause = "run superseded"
	CauseLeaseLost  Cause = "lease lost"
	CauseDeadline   Cause = "step deadline"
)

// begin returns m at the start of its part in the run r. It first repeats the actions
// in again, and continues with the action at the place at. m.Notes are those that the server
// has reported in the run before.
func (m Member) begin(r RunID, at Place, again []Place) Member {
	return Member{
		LRN: m.LRN, HostID: m.HostID, Version: m.Version,
		Run: r, At: at, Again: again, Notes: m.Notes, Stopped: m.Stopped,
	}
}

// advance returns m with the next action as the current one. It adds the note of the
// current action to m.Notes, unless an action has left the same note before, as a
// repeated one does.
func (m Member) advance(t Table) Member {
	if n := m.Work.Note; n != "" && !slices.Contains(m.Notes, n) {
		m.Notes = append(slices.Clip(m.Notes), n)
	}
	m.Work, m.Qualified = Work{}, nil
	if len(m.Again) > 0 {
		m.Again = m.Again[1:]
		return m
	}
	m.At = t.next(m.At)
	return m
}

// Current returns the place of the current action: the next one to repeat, or else m.At.
func (m Member) Current() Place {
	if len(m.Again) > 0 {
		return m.Again[0]
	}
	return m.At
}

// Asked returns m with the answer whether this host does the current action. If it does
// not, why becomes a note in the status, unless why is empty.
func (m Member) Asked(t Table, qualifies bool, why string) Member {
	m.Qualified = &qualifies
	if !qualifies && why != "" {
		at := m.Current()
		m.Work.Note = fmt.Sprintf("%s %s skipped: %s", t.Name(at.Step), t.Action(at).Name, why)
	}
	return m
}

// Result is the outcome of an attempt of an action.
type Result struct {
	// Note is the text for the status from an action that succeeded; see [Work].
	Note string
	// Digest is the digest of what a once-action that succeeded has sent, for its record. It
	// may be empty.
	Digest string
	// Err is the error of an action that failed.
	Err error
	// Permanent and Fault describe the error as in [Work].
	Permanent, Fault bool
	// LeaseLost means that the action was cancelled because the worker's lease was lost.
	LeaseLost bool
}

// Ended returns m after an attempt of the current action has ended with the result r.
func (m Member) Ended(t Table, r Result) Member {
	if r.LeaseLost {
		m.Work.Cancelled = CauseLeaseLost
	}
	if r.Err == nil {
		m.Work.State, m.Work.Note, m.Work.Digest = WorkDone, r.Note, r.Digest
		if group := t.Action(m.Current()).Starts; group != "" {
			m.Stopped = m.without(group)
		}
		return m
	}
	m.Work.State, m.Work.Err, m.Work.Permanent = WorkFailed, r.Err.Error(), r.Permanent
	// The error of an attempt cancelled by the deadline does not show whose fault it
	// is, so the result of the previous attempt stays.
	m.Work.Fault = r.Fault || m.Work.Fault && m.Work.Cancelled == CauseDeadline
	return m
}

// without returns the entries of m.Stopped for all groups except group.
func (m Member) without(group string) []Stopped {
	return slices.DeleteFunc(slices.Clone(m.Stopped), func(s Stopped) bool { return s.Group == group })
}
