package status

import (
	"fmt"
	"slices"
	"time"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/internal/errtext"
	"github.com/cybozu-go/neco/internal/printable"
	releases "github.com/cybozu-go/neco/pkg/release"
	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/update"
)

// New returns the view of s, a full snapshot that was read at the time at. t is the table
// of steps.
func New(s *storage.Snapshot, t update.Table, at time.Time) View {
	v := View{Revision: s.Revision, At: at.UTC(), State: state(s), Servers: []Server{}, LastStep: t.Last()}
	if r := s.Request; r != nil {
		v.Version, v.StartedAt, v.Members = clean(r.Version), &r.StartedAt, r.Members()
		v.Outcome, v.Reason = clean(string(r.Outcome)), clean(r.Reason)
	}
	if v.State == Running {
		if lrn, st, ok := s.Aborted(); ok {
			v.Outcome = string(update.OutcomeAborted)
			v.Reason = fmt.Sprintf("boot server %d gave up: %s", lrn, clean(st.Message))
		} else {
			v.Awaited = awaited(s.State, t)
		}
	}
	v.next(s)
	for _, lrn := range servers(s) {
		v.Servers = append(v.Servers, server(s, t, lrn, v))
	}
	v.Release, v.BadReleases = release(s), badReleases(s)
	v.Release.Overdue, v.Release.Failing, v.Release.Closed = overdue(s, at), failing(s), closed(s, at)
	if _, err := releases.Parse(s.Release); err != nil && s.Release != "" {
		v.Malformed = append(v.Malformed, Malformed{storage.KeyRelease, clean(err.Error())})
	}
	for _, m := range s.Malformed {
		v.Malformed = append(v.Malformed, Malformed{clean(m.Key), clean(reason(m.Err))})
	}
	v.leaders(s)
	return v
}

func state(s *storage.Snapshot) State {
	switch {
	case s.UnreadableRequest != nil:
		return Unreadable
	case s.UnderWay():
		return Running
	case s.Request == nil:
		return None
	case s.Request.Stop:
		return Stopped
	}
	return Complete
}

// servers returns the LRNs of the registered boot servers and of the servers in the
// request, in ascending order.
func servers(s *storage.Snapshot) []int {
	all := slices.Clone(s.Registered)
	if s.Request != nil {
		all = append(all, s.Request.Servers...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func server(s *storage.Snapshot, t update.Table, lrn int, run View) Server {
	v := Server{LRN: lrn, Registered: slices.Contains(s.Registered, lrn), Member: s.Request != nil && s.Request.IsMember(lrn)}
	last, reported := s.Statuses[lrn]
	p, alive := s.Presence[lrn]
	if alive {
		v.Worker = &Worker{clean(p.Version), p.Since}
	} else if reported {
		v.SilentSince = last.At
	}
	st, current := s.Status(lrn)
	if current {
		step := st.Step
		v.Version, v.Step, v.Phase, v.At = clean(st.Version), &step, st.Phase, st.At
		v.StepName, v.Message = t.Name(st.Step), clean(st.Message)
		for _, note := range st.Notes {
			v.Notes = append(v.Notes, clean(note))
		}
		if st.Cond == neco.CondRunning {
			v.Doing = doing(t, st.Arrival())
		}
		v.Reported = reportedState(st.Cond)
	}
	v.State = serverState(v, alive, run)
	v.addHeartbeat(s, run)
	if v.Registered {
		v.report(s, run.At)
	}
	return v
}

// report adds to v what the boot server reports about its certificates and its
// snapshots of etcd.
func (v *Server) report(s *storage.Snapshot, now time.Time) {
	if c, ok := s.Certificates[v.LRN]; ok {
		v.Certificates = certificates(c, now)
	}
	b, ok := s.Backups[v.LRN]
	v.Backup = backup(b, ok, v.Certificates, now)
}

func reportedState(c neco.UpdateCondition) ServerState {
	switch c {
	case neco.CondRunning:
		return ServerRunning
	case neco.CondAbort:
		return ServerAborted
	case neco.CondComplete:
		return ServerCompleted
	}
	return ServerNotBegun
}

// serverState returns the state of the server v in run. Aborted and completed are final
// states; the other states require that the server's worker is alive.
func serverState(v Server, alive bool, run View) ServerState {
	switch {
	case v.Reported == ServerAborted || v.Reported == ServerCompleted:
		return v.Reported
	case !alive:
		return ServerUnknown
	case !v.Member:
		return ServerIdle
	case run.State == Stopped:
		return ServerStopped
	case v.Reported == "":
		return ServerNotBegun
	case run.State == Running && run.Awaited != nil && !slices.Contains(run.Awaited.Servers, v.LRN):
		return ServerWaiting
	}
	return v.Reported
}

// release returns what the view shows of the search for releases. If the environment
// has no releases, it omits the results of earlier searches.
func release(s *storage.Snapshot) Release {
	r := Release{Env: s.Config.Env, Newest: clean(s.Release)}
	c := s.Check
	if c == nil {
		return r
	}
	r.CheckedAt = c.CheckedAt
	if !searched(r.Env) {
		return r
	}
	r.StaleSince, r.Error, r.Withdrawn = c.StaleSince, clean(c.Error), clean(c.Withdrawn)
	for _, tag := range c.Skipped {
		r.Skipped = append(r.Skipped, clean(tag))
	}
	return r
}

// reason returns the text of err, or a general text if err is nil because its text
// could contain a secret.
func reason(err error) string {
	if err == nil {
		return "its value is not accepted"
	}
	return err.Error()
}

// clean returns s without control characters. It is applied to all displayed text that
// comes from etcd.
func clean(s string) string { return printable.Line(errtext.Words(s)) }
