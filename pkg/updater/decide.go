package updater

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cybozu-go/neco/internal/duration"
	"github.com/cybozu-go/neco/internal/lrn"
	"github.com/cybozu-go/neco/pkg/release"
	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/update"
)

// Do is the kind of a decision: what the leader does.
type Do int

// The kinds of decisions.
const (
	// WaitInfo: the leader waits for a release to install, or for a boot server to be
	// registered.
	WaitInfo Do = iota
	// WaitRecover: the leader waits until an operator clears the request, which is
	// stopped or unreadable.
	WaitRecover
	// WaitWorkers: the leader waits for the members of the current run.
	WaitWorkers
	// WaitAbsent: the leader waits, before a new run, for registered boot servers whose
	// worker is not running.
	WaitAbsent
	// NewRequest: the leader requests a run of Version.
	NewRequest
	// Reconfigure: the leader requests a run of the same version with the currently
	// registered servers, and deletes the statuses and records of the last run.
	Reconfigure
	// Stop: the leader stops the run. Decision.Outcome is aborted or timed out, and
	// Decision.Why is the reason that is stored in the request.
	Stop
)

var doNames = [...]string{"wait for info", "wait for recover", "wait for workers", "wait for absent servers",
	"new request", "reconfigure", "stop"}

func (d Do) String() string { return doNames[d] }

// Decision is the result of [Decide].
type Decision struct {
	Do      Do
	Version string
	Servers []int
	Absent  []int
	Outcome update.Outcome
	Why     string
}

// Input is what [Decide] evaluates in addition to the snapshot of etcd.
type Input struct {
	// Age is the time since this leader first saw the current run, by the leader's
	// monotonic clock.
	Age time.Duration
	// Seen are the servers whose worker this leader has seen running.
	Seen Sightings
}

// Sightings are the boot servers whose worker a leader has seen running. It maps their
// LRNs (logical rack numbers) to the revisions at which their presences were written.
type Sightings map[int]int64

// Note adds the servers whose presence is in s. It removes a server on which a worker
// of cybozu-go/neco, which this Neco replaces, runs now. Such a worker writes no
// presence: the server's status is newer than its presence was.
func (m Sightings) Note(s *storage.Snapshot) {
	for lrn, p := range s.Presence {
		m[lrn] = p.Rev
	}
	for lrn, st := range s.Statuses {
		if st.ByOriginal() && st.Rev > m[lrn] {
			delete(m, lrn)
		}
	}
}

// Decide returns what the leader has to do. It has no I/O and no clock: the same input
// gives the same result.
//
// A current run comes first: the decision about it depends only on its request and its
// members, and it has to end even if no release is known any more.
func Decide(s *storage.Snapshot, in Input) Decision {
	if s.UnreadableRequest != nil {
		return Decision{Do: WaitRecover, Why: s.UnreadableRequest.Error()}
	}
	r := s.Request
	if r != nil && r.Stop {
		return Decision{Do: WaitRecover, Why: "the run was stopped: " + r.Reason}
	}
	if r != nil {
		if d, under := underWay(s, in); under {
			return d
		}
	}
	if len(s.Registered) == 0 {
		return Decision{Do: WaitInfo, Why: "no boot server is registered"}
	}
	if r != nil && !slices.Equal(r.Members(), s.Registered) {
		return order(s, in, Decision{Do: Reconfigure, Version: r.Version, Servers: s.Registered,
			Why: difference(r.Members(), s.Registered)})
	}
	if s.Release == "" {
		return Decision{Do: WaitInfo, Why: "no release is known"}
	}
	known, err := release.Parse(s.Release)
	if err != nil {
		return Decision{Do: WaitInfo, Why: fmt.Sprintf("%s: %v", storage.KeyRelease, err)}
	}
	return next(s, in, known)
}

// difference returns a text about changed servers: those that are only in now have
// joined, and those that are only in before have left.
func difference(before, now []int) string {
	var words []string
	for _, change := range []struct {
		from, in []int
		verb     string
	}{{now, before, "joined"}, {before, now, "left"}} {
		only := slices.DeleteFunc(slices.Clone(change.from), func(lrn int) bool { return slices.Contains(change.in, lrn) })
		if len(only) > 0 {
			words = append(words, lrn.Servers(only)+" "+change.verb)
		}
	}
	return strings.Join(words, ", ")
}

// underWay returns what the leader does about the current run, which was not stopped:
// wait for its members, or stop it because a member aborted or the time is up. The second
// result is false if the run is complete, so that there is nothing to do about it.
func underWay(s *storage.Snapshot, in Input) (Decision, bool) {
	if lrn, st, aborted := s.Aborted(); aborted {
		why := st.Message
		if why == "" {
			why = fmt.Sprintf("boot server %d aborted", lrn)
		}
		return Decision{Do: Stop, Outcome: update.OutcomeAborted, Why: why}, true
	}
	waits := s.Incomplete()
	if len(waits) == 0 {
		return Decision{}, false
	}
	if in.Age >= s.Config.WorkerTimeout {
		waits = behind(s, waits)
		return Decision{Do: Stop, Outcome: update.OutcomeTimeout, Why: fmt.Sprintf(
			"not complete within %s; waiting for %s%s", duration.Text(s.Config.WorkerTimeout), lrn.Servers(waits), s.Failing(waits))}, true
	}
	return Decision{Do: WaitWorkers, Why: lrn.Servers(waits)}, true
}

// behind returns the boot servers in lrns that have not arrived at the farthest barrier
// that any server in lrns has reached: the others wait for them. It returns all of lrns
// if all have arrived there.
func behind(s *storage.Snapshot, lrns []int) []int {
	var farthest update.Arrival
	for _, n := range lrns {
		if st, ok := s.Status(n); ok && st.Arrival().Compare(farthest) > 0 {
			farthest = st.Arrival()
		}
	}
	missing := s.Missing(farthest)
	if late := slices.DeleteFunc(slices.Clone(lrns), func(n int) bool { return !slices.Contains(missing, n) }); len(late) > 0 {
		return late
	}
	return lrns
}

// next returns the decision to install the known release, or to wait if it is not newer
// than the version of the last run, or older than one in use. The caller has made sure that no run is in progress
// and that the registered servers are those of the last run, if any.
func next(s *storage.Snapshot, in Input, known release.Version) Decision {
	r := s.Request
	if r == nil {
		for _, v := range inUse(s) {
			if isNewer(v, s.Release) {
				return Decision{Do: WaitInfo, Why: fmt.Sprintf("%s is older than %s, which is installed", s.Release, v)}
			}
		}
		return order(s, in, Decision{Do: NewRequest, Version: s.Release, Servers: s.Registered, Why: "no earlier run is recorded"})
	}
	current, err := release.Parse(r.Version)
	if err != nil {
		return Decision{Do: WaitInfo, Why: fmt.Sprintf("%s: %v", storage.KeyRequest, err)}
	}
	if known.Compare(current) > 0 {
		return order(s, in, Decision{Do: NewRequest, Version: s.Release, Servers: s.Registered, Why: "newer than " + r.Version})
	}
	return Decision{Do: WaitInfo, Why: s.Release + " is installed"}
}

// order returns d, the decision to start a new run, unless its release is marked as bad
// or a worker that has run before is absent; then it returns the decision to wait. It
// does not wait for workers of cybozu-go/neco, which have no presence and no host ID in
// their statuses.
func order(s *storage.Snapshot, in Input, d Decision) Decision {
	if bad, marked := s.Bad[d.Version]; marked {
		return Decision{Do: WaitInfo, Why: fmt.Sprintf("%s failed here by a fault of the release: %s", d.Version, bad.Reason)}
	}
	for _, lrn := range s.Registered {
		_, present := s.Presence[lrn]
		st, reported := s.Statuses[lrn]
		_, seen := in.Seen[lrn]
		if !present && (seen || reported && st.HostID != "") {
			d.Absent = append(d.Absent, lrn)
		}
	}
	if len(d.Absent) > 0 {
		return Decision{Do: WaitAbsent, Version: d.Version, Servers: d.Servers, Absent: d.Absent,
			Why: fmt.Sprintf("%s waits for %s, where no worker runs", d.Version, lrn.Servers(d.Absent))}
	}
	return d
}

// afterRecover returns a text for the reason of a new run if the newest run in records
// was cleared by neco recover, and "" otherwise. records must be sorted by time.
func afterRecover(records []storage.Run) string {
	recovered := false
	for _, r := range slices.Backward(records) {
		switch {
		case r.Kind == storage.KindRecover:
			recovered = true
		case r.Version == "": // another change by an operator
		case recovered:
			return "after neco recover of " + r.Version
		default:
			return ""
		}
	}
	if recovered {
		return "after neco recover"
	}
	return ""
}
