package update

import (
	"fmt"
	"slices"
	"time"
)

// Lock is what a member has of the one lock that orders rolling and
// once-actions.
type Lock int

// The states of the lock, as its competitor sees them.
const (
	LockNone Lock = iota
	LockWaiting
	LockHeld
)

// WorkState is how far the action in hand is.
type WorkState int

// The states of the action in hand.
const (
	// WorkNone: nothing was begun.
	WorkNone WorkState = iota
	// WorkRunning: the action runs.
	WorkRunning
	// WorkDone: it succeeded.
	WorkDone
	// WorkFailed: it returned an error.
	WorkFailed
)

// Work is the action in hand.
type Work struct {
	State WorkState
	// Elapsed since the first attempt began, by the member's own clock.
	Elapsed time.Duration
	// Attempts counts how often it was begun.
	Attempts int
	// Err is the error of the last attempt.
	Err string
	// Permanent says that trying again cannot help.
	Permanent bool
	// Fault says that the release is at fault, and not the host.
	Fault bool
	// Note is shown in the status once the action is done.
	Note string
	// Progress is what the action, or its turn, waits for at the moment; empty:
	// nothing that the status should show.
	Progress string
	// Cancelled is why the member itself ended the action, if it did.
	Cancelled Cause
}

// Member is all that a worker remembers between two decisions.  It lives in
// memory: a worker that is killed starts again with the zero Run and resumes
// from its own status.
type Member struct {
	LRN     int
	HostID  string
	Version string
	// Run is the run that the member takes part in; zero: none.
	Run RunID
	// At is the action that is next.
	At Place
	// Again lists earlier actions to be done again on resume, before At.
	Again []Place
	Work  Work
	Lock  Lock
	// Qualified says whether the local condition of the action at At
	// holds; nil: it was not asked yet.
	Qualified *bool
	// Notes are collected for the next status.
	Notes []string
	// Stopped lists the groups whose services this host has stopped and not
	// started again, as its journal says.
	Stopped []Stopped
}

// Stopped is an entry of a host's journal: the services of Group were about
// to be stopped in Run and have not been started since.
type Stopped struct {
	Group string
	Run   RunID
}

// Cause says why a running action is ended before its time.
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

// advance returns the member behind the action in hand.
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

// Current is the place of the action in hand, a repeated one first.
func (m Member) Current() Place {
	if len(m.Again) > 0 {
		return m.Again[0]
	}
	return m.At
}

// Asked returns the member that knows whether its host qualifies for the
// action in hand, and why it does not; empty: nobody has to be told.
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
	// Err is the error of one that failed.
	Err error
	// Permanent and Fault describe the error; see [Work].
	Permanent, Fault bool
	// LeaseLost says that the loss of the lease has ended the action.
	LeaseLost bool
}

// Ended returns the member after the action in hand has ended.
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
	// An attempt that the deadline has cut off says nothing about the cause: that
	// of the attempt before stands.
	m.Work.Fault = r.Fault || m.Work.Fault && m.Work.Cancelled == CauseDeadline
	return m
}

// without returns what is stopped except group.
func (m Member) without(group string) []Stopped {
	return slices.DeleteFunc(slices.Clone(m.Stopped), func(s Stopped) bool { return s.Group == group })
}
