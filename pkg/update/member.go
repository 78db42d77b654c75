package update

import (
	"fmt"
	"slices"
	"time"
)

// Lock is a member's state of the one lock that orders rolling and once-actions.
type Lock int

// The states of the lock, as seen by one member.
const (
	LockNone Lock = iota
	LockWaiting
	LockHeld
)

// WorkState is the state of the current action.
type WorkState int

// The states of the current action.
const (
	// WorkNone: not started.
	WorkNone WorkState = iota
	// WorkRunning: running.
	WorkRunning
	// WorkDone: succeeded.
	WorkDone
	// WorkFailed: returned an error.
	WorkFailed
)

// Work is the state of the current action.
type Work struct {
	State WorkState
	// Elapsed is the time since the start of the first attempt, by the member's clock.
	Elapsed time.Duration
	// Attempts is the number of attempts that were started.
	Attempts int
	// Err is the error of the last attempt.
	Err string
	// Permanent means that a retry cannot help.
	Permanent bool
	// Fault means that the release is at fault, and not the host.
	Fault bool
	// Note is shown in the status once the action is done.
	Note string
	// Progress is what the action or the lock waits for at the moment; empty: nothing
	// that the status should show.
	Progress string
	// Cancelled is why the member cancelled the action, if it did.
	Cancelled Cause
}

// Member is all that a worker remembers between two decisions. It is kept in memory
// only: a worker that is killed starts again with the zero Run and resumes from its own
// status.
type Member struct {
	LRN     int
	HostID  string
	Version string
	// Run is the run in which the member takes part; zero: none.
	Run RunID
	// At is the next action.
	At Place
	// Again lists earlier actions to repeat on resume, before At.
	Again []Place
	Work  Work
	Lock  Lock
	// Qualified reports whether the local condition of the action at At holds; nil: not
	// evaluated yet.
	Qualified *bool
	// Notes are collected for the next status.
	Notes []string
	// Stopped lists the groups whose services this host has stopped and not started
	// again, according to its journal.
	Stopped []Stopped
}

// Stopped is an entry of a host's journal: in Run, the services of Group were about to
// be stopped, and have not been started since.
type Stopped struct {
	Group string
	Run   RunID
}

// Cause is the reason for cancelling a running action.
type Cause string

// The causes.
const (
	CauseNone       Cause = ""
	CauseStopped    Cause = "run stopped"
	CauseAborted    Cause = "peer aborted"
	CauseSuperseded Cause = "run superseded"
	CauseLeaseLost  Cause = "lease lost"
	CauseDeadline   Cause = "step deadline"
)

// begin returns the member at the start of its part in the run r.
func (m Member) begin(r RunID, at Place, again []Place) Member {
	return Member{
		LRN: m.LRN, HostID: m.HostID, Version: m.Version,
		Run: r, At: at, Again: again, Stopped: m.Stopped,
	}
}

// advance returns the member after the current action.
func (m Member) advance(t Table) Member {
	if m.Work.Note != "" {
		m.Notes = append(m.Notes[:len(m.Notes):len(m.Notes)], m.Work.Note)
	}
	m.Work, m.Qualified = Work{}, nil
	if len(m.Again) > 0 {
		m.Again, m.Notes = m.Again[1:], nil
		return m
	}
	m.At = t.next(m.At)
	return m
}

// Current returns the place of the current action; an action to repeat comes first.
func (m Member) Current() Place {
	if len(m.Again) > 0 {
		return m.Again[0]
	}
	return m.At
}

// Asked returns the member with Qualified set for the current action. The text why is
// the reason if it does not qualify; empty: the status does not show any.
func (m Member) Asked(t Table, qualifies bool, why string) Member {
	m.Qualified = &qualifies
	if !qualifies && why != "" {
		m.Work.Note = fmt.Sprintf("%s skipped: %s", t.Name(m.Current().Step), why)
	}
	return m
}

// Result is the outcome of an action.
type Result struct {
	// Note of an action that succeeded; see [Work].
	Note string
	// Err is the error of an action that failed.
	Err error
	// Permanent and Fault describe the error; see [Work].
	Permanent, Fault bool
	// LeaseLost means that the loss of the lease has cancelled the action.
	LeaseLost bool
}

// Ended returns the member after the end of the current action.
func (m Member) Ended(t Table, r Result) Member {
	if r.LeaseLost {
		m.Work.Cancelled = CauseLeaseLost
	}
	if r.Err == nil {
		m.Work.State, m.Work.Note = WorkDone, r.Note
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

// without returns the stopped groups except group.
func (m Member) without(group string) []Stopped {
	return slices.DeleteFunc(slices.Clone(m.Stopped), func(s Stopped) bool { return s.Group == group })
}
