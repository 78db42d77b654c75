package update

import (
	"fmt"

	"github.com/cybozu-go/neco"
)

// Order compares two versions of the package. It is negative if a is older than b.
// Package update takes it as a parameter because it does not know the format of versions.
type Order func(a, b string) (int, error)

// Decide returns what the member m has to do next, given the shared state s. It has no
// I/O and no clock: the same input gives the same result.
func (t Table) Decide(m Member, s State, order Order) Decision {
	d := t.decide(m, s, order)
	switch d.Do {
	case Enter, Advance:
		return d
	case Report:
		d.Status = s.since(m.LRN, d.Status)
	}
	d.Member = t.after(m, d)
	return d
}

func (t Table) decide(m Member, s State, order Order) Decision {
	if s.UnreadableRequest != nil {
		return t.leaveRun(m, s, CauseStopped, s.UnreadableRequest.Error())
	}
	r := s.Request
	switch {
	case r == nil:
		return t.leaveRun(m, s, CauseSuperseded, "no update was requested")
	case !r.IsMember(m.LRN):
		return t.leaveRun(m, s, CauseSuperseded, "this server is not a member of the run")
	case !m.Run.IsZero() && !m.Run.Equal(r.ID()):
		return t.leaveRun(m, s, CauseSuperseded, "another run has been requested")
	case r.Stop:
		return t.leaveRun(m, s, CauseStopped, stopText(r))
	}
	own, reported := s.status(m.LRN)
	if reported && own.Cond != neco.CondRunning {
		return t.finished(m, s, own)
	}
	if lrn, st, aborted := s.Aborted(); aborted {
		return t.leaveRun(m, s, CauseAborted, fmt.Sprintf("boot server %d aborted: %s", lrn, st.Message))
	}
	if m.Run.IsZero() {
		if d, decided := m.restoreEarlier(s); decided {
			return d
		}
		return t.enter(m, r, own, reported, order)
	}
	return t.showProgress(t.proceed(m, s, own, reported), m, own)
}

func stopText(r *Request) string {
	if r.Reason == "" {
		return "the run was stopped"
	}
	return "the run was stopped: " + r.Reason
}

// finished returns the decision of a member whose own status in the run is no longer
// "running": to leave the run, either as complete or as aborted.
func (t Table) finished(m Member, s State, own Status) Decision {
	switch own.Cond {
	case neco.CondComplete:
		return t.leaveRun(m, s, CauseNone, "complete")
	case neco.CondAbort:
		return t.leaveRun(m, s, CauseAborted, "aborted: "+own.Message)
	default:
		return t.leaveRun(m, s, CauseAborted, own.Message)
	}
}

// enter returns the decision to start the run at its first action for m, or to resume
// it after a restart. It returns the decision to abort the run if the server runs a
// newer version or the versions cannot be compared.
func (t Table) enter(m Member, r *Request, own Status, reported bool, order Order) Decision {
	m.Notes = own.Notes
	c, err := order(m.Version, r.Version)
	switch {
	case err != nil:
		return m.abort(r, own, fmt.Sprintf("step 0 (%s): compare versions: %v", t.Name(0), err))
	case c > 0:
		return m.abort(r, own, fmt.Sprintf("step 0 (%s): version %s runs here, newer than the requested %s",
			t.Name(0), m.Version, r.Version))
	case c < 0:
		return Decision{Do: Enter, Why: "an older version runs here", Member: m.begin(r.ID(), t.place(arrivalIn0(own, reported)), nil)}
	case !reported || own.Step == 0:
		return Decision{Do: Enter, Why: "the requested version runs here", Member: m.begin(r.ID(), Place{Step: 1}, nil)}
	}
	return Decision{Do: Enter, Why: fmt.Sprintf("resume at step %s", own.Arrival()),
		Member: m.begin(r.ID(), t.place(own.Arrival()), t.repeated(own.Step))}
}

// arrivalIn0 returns the barrier in step 0 at which a member with an older package
// starts or resumes. A re-imaged server, whose status may be beyond step 0, starts at
// the first barrier to install the package again.
func arrivalIn0(own Status, reported bool) Arrival {
	if reported && own.Step == 0 {
		return own.Arrival()
	}
	return Arrival{}
}

// proceed returns the next decision of a member that takes part in a run which is
// neither stopped nor aborted.
func (t Table) proceed(m Member, s State, own Status, reported bool) Decision {
	if m.Work.State == WorkRunning {
		return t.watchWork(m)
	}
	if m.Work.State == WorkFailed {
		if d, over := t.failed(m, s, own); over {
			return d
		}
	}
	if len(m.Again) > 0 {
		return t.act(m, s)
	}
	if m.Lock != LockNone && m.Work.State == WorkNone && !t.wantsLock(m, s) {
		return Decision{Do: Release, At: m.At, Why: "the lock is not needed"}
	}
	if !t.valid(m.At) {
		return Decision{Do: Report, Why: "all steps are done", Status: m.status(s.Request, Arrival{t.Last(), 0}, neco.CondComplete)}
	}
	a := t.arrival(m.At)
	if !reported || own.Arrival().Compare(a) < 0 {
		return Decision{Do: Report, At: m.At, Why: "arrived", Status: m.status(s.Request, a, neco.CondRunning)}
	}
	if missing := s.Missing(a); len(missing) > 0 {
		return Decision{Do: Wait, At: m.At, Missing: missing, Why: fmt.Sprintf("barrier %s", a)}
	}
	return t.act(m, s)
}

// wantsLock reports whether m needs the lock for the action at m.At: it is a [Rolling]
// action, or a [Once] action without a recorded outcome, and m does not skip it.
func (t Table) wantsLock(m Member, s State) bool {
	if !t.valid(m.At) {
		return false
	}
	a := t.Action(m.At)
	switch {
	case a.Kind == Rolling:
		return m.Qualified == nil || *m.Qualified
	case a.Kind == Once:
		_, done := s.record(a.Record)
		return !done && (m.Qualified == nil || *m.Qualified)
	}
	return false
}

// record returns the recorded outcome called name of a [Once] action. The second result
// is false if the current run has no such record.
func (s State) record(name string) (Record, bool) {
	c, ok := s.Records[name]
	if !ok || !c.Of(s.Request) {
		return Record{}, false
	}
	return c, true
}
