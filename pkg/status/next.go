package status

import (
	"time"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/releasetime"
	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/updater"
)

// next adds the update that is due, and the servers for which it is waiting, when no
// update is running. It calls the decision function of neco-updater.
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

// A leading updater checks once per interval, and a check may take a while. One or two
// failed checks are no problem: the release server may be restarting.
const (
	overdueIntervals = 3
	overdueGrace     = time.Minute
	failingAtLeast   = 10 * time.Minute
)

// searched reports whether the updater searches for releases in this environment.
func searched(env string) bool { return env != "" && env != neco.NoneEnv }

// failing reports whether all checks of several intervals have failed. Both times are
// by the leader's clock. Times outside of release-time, in which there is no check, do
// not count as failures.
func failing(s *storage.Snapshot) bool {
	c := s.Check
	if c == nil || c.StaleSince == nil || c.FailedAt == nil || !searched(s.Config.Env) {
		return false
	}
	return c.FailedAt.Sub(*c.StaleSince) >= max(overdueIntervals*s.Config.CheckInterval, failingAtLeast)
}

// closed reports whether release-time forbids the installation of a release now.
func closed(s *storage.Snapshot, at time.Time) bool {
	if !searched(s.Config.Env) {
		return false
	}
	open, err := updater.MayTake(s, at)
	return err == nil && !open
}

// overdue reports whether the last check is too long ago. Failed checks make the search
// stale, not overdue.
func overdue(s *storage.Snapshot, at time.Time) bool {
	c := s.Check
	if c == nil || c.CheckedAt == nil || c.StaleSince != nil || !searched(s.Config.Env) {
		return false
	}
	if s.Config.ReleaseTime != releasetime.DefaultWindows {
		return false // release-time may have forbidden all checks
	}
	return at.Sub(*c.CheckedAt) > overdueIntervals*s.Config.CheckInterval+overdueGrace
}
