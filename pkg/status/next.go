package status

import (
	"time"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/releasetime"
	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/updater"
)

// next adds to v the update that is due, if any, and the servers for which that update
// is waiting. It uses [updater.Decide], with which neco-updater decides.
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

// The limits from which checks for releases count as overdue or failing. The leading
// updater checks once per interval, a check may take a while, and one or two checks may
// fail because the release server is restarting.
const (
	overdueIntervals = 3
	overdueGrace     = time.Minute
	failingAtLeast   = 10 * time.Minute
)

// searched reports whether the updater searches for releases in this environment.
func searched(env string) bool { return env != "" && env != neco.NoneEnv }

// failing reports whether all checks have failed for several intervals. It compares the
// times of the first and the last failed check, both by the leader's clock. Time
// outside of the windows of release-time, in which there are no checks, does not count.
func failing(s *storage.Snapshot) bool {
	c := s.Check
	if c == nil || c.StaleSince == nil || c.FailedAt == nil || !searched(s.Config.Env) {
		return false
	}
	return c.FailedAt.Sub(*c.StaleSince) >= max(overdueIntervals*s.Config.CheckInterval, failingAtLeast)
}

// closed reports whether the configuration key release-time forbids installing a release
// at the time at.
func closed(s *storage.Snapshot, at time.Time) bool {
	if !searched(s.Config.Env) {
		return false
	}
	open, err := updater.MayTake(s, at)
	return err == nil && !open
}

// overdue reports whether the last check for releases was too long ago. It returns
// false after a failed check, which makes the search stale instead, and if release-time
// is set, because it may have forbidden checks.
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
