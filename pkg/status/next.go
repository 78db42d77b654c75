package status

import (
	"time"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/releasetime"
	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/updater"
)

// next asks neco-updater's own rule what follows when no update is under way:
// the update that is due, and the servers that it waits for.
func (v *View) next(s *storage.Snapshot) {
	d := updater.Decide(s, updater.Input{})
	version := clean(d.Version)
	switch d.Do {
	case updater.NewRequest, updater.Reconfigure:
		v.Next = &Next{Version: version, Servers: d.Servers}
	case updater.WaitAbsent:
		v.Next = &Next{Version: version, Servers: d.Servers}
		v.Awaited = &Awaited{To: "come back before " + version + " begins", Servers: d.Absent}
	}
}

// An updater that runs looks once in an interval; a look may take a while. One
// search that fails, or two, are no problem: the release server may restart.
const (
	overdueIntervals = 3
	overdueGrace     = time.Minute
	failingAtLeast   = 10 * time.Minute
)

// searched reports whether releases are searched for in an environment.
func searched(env string) bool { return env != "" && env != neco.NoneEnv }

// failing reports whether all searches of several intervals have failed. Both times
// are the leader's; a time in which release-time allows no search is no failure.
func failing(s *storage.Snapshot) bool {
	c := s.Check
	if c == nil || c.StaleSince == nil || c.FailedAt == nil || !searched(s.Config.Env) {
		return false
	}
	return c.FailedAt.Sub(*c.StaleSince) >= max(overdueIntervals*s.Config.CheckInterval, failingAtLeast)
}

// closed reports whether release-time forbids to take a release now.
func closed(s *storage.Snapshot, at time.Time) bool {
	if !searched(s.Config.Env) {
		return false
	}
	open, err := updater.MayTake(s, at)
	return err == nil && !open
}

// overdue tells whether nobody has looked for releases for too long. A search
// that fails is stale, and not overdue.
func overdue(s *storage.Snapshot, at time.Time) bool {
	c := s.Check
	if c == nil || c.CheckedAt == nil || c.StaleSince != nil || !searched(s.Config.Env) {
		return false
	}
	if s.Config.ReleaseTime != releasetime.DefaultWindows {
		return false // nobody may have been allowed to
	}
	return at.Sub(*c.CheckedAt) > overdueIntervals*s.Config.CheckInterval+overdueGrace
}
