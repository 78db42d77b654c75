package update

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cybozu-go/neco"
)

// RunID identifies a run: one update of the boot servers to a version. Two requests for
// the same version are two runs, because they were started at different times.
type RunID struct {
	Version   string
	StartedAt time.Time
}

// Equal reports whether r and o are the same run. It compares the start times as
// instants, regardless of their time zones.
func (r RunID) Equal(o RunID) bool {
	return r.Version == o.Version && r.StartedAt.Equal(o.StartedAt)
}

// IsZero reports whether r is the zero value, which is no run.
func (r RunID) IsZero() bool { return r.Version == "" && r.StartedAt.IsZero() }

func (r RunID) String() string {
	return fmt.Sprintf("%s@%s", r.Version, r.StartedAt.UTC().Format(time.RFC3339Nano))
}

// Outcome is the way in which a run was stopped.
type Outcome string

// The outcomes of a stopped run.
const (
	// OutcomeAborted: a member aborted the run.
	OutcomeAborted Outcome = "aborted"
	// OutcomeTimeout: the run took longer than worker-timeout.
	OutcomeTimeout Outcome = "timeout"
	// OutcomeStopped: an operator stopped the run.
	OutcomeStopped Outcome = "stopped"
)

// Request is the request for a run, which all boot servers read from etcd. It adds
// fields to the request of cybozu-go/neco, the original neco, which this Neco replaces.
type Request struct {
	neco.UpdateRequest
	// Outcome is how the run was stopped, and Reason is why.
	Outcome Outcome `json:"outcome,omitempty"`
	Reason  string  `json:"reason,omitempty"`
	// Rev is the revision of etcd at which the request was last written.
	Rev int64 `json:"-"`
	// Unknown holds the fields that this version of Neco does not know. They are kept
	// when the request is rewritten.
	Unknown map[string]json.RawMessage `json:"-"`
}

// ID returns the identity of the run that this request starts.
func (r *Request) ID() RunID { return RunID{r.Version, r.StartedAt} }

// Members returns the logical rack numbers (LRNs) of the boot servers in the run, in
// ascending order.
func (r *Request) Members() []int {
	m := slices.Clone(r.Servers)
	slices.Sort(m)
	return slices.Compact(m)
}

// Status is the report of one worker. It adds fields to the status of cybozu-go/neco,
// the original neco, which this Neco replaces.
type Status struct {
	neco.UpdateStatus
	// StartedAt is the start time of the run; nil in a status that the original neco
	// wrote.
	StartedAt *time.Time `json:"started_at,omitempty"`
	// Phase is the phase at whose barrier the member has arrived, within the step.
	Phase int `json:"phase,omitempty"`
	// HostID changes when the server is re-imaged.
	HostID string `json:"host_id,omitempty"`
	// Notes are the notes of the actions that the server has completed in the run, such
	// as what it has skipped and why. Unlike Message, they remain in all later statuses.
	Notes []string `json:"notes,omitempty"`
	// At is when the worker wrote the status; Since is when it first wrote one with the
	// same step, phase and condition. Both use the worker's clock and are only displayed.
	At    *time.Time `json:"at,omitempty"`
	Since *time.Time `json:"since,omitempty"`
	// Rev is the revision of etcd at which the status was written.
	Rev int64 `json:"-"`
}

// ByOriginal reports whether a worker of the original neco (cybozu-go/neco) wrote the
// status.
func (s Status) ByOriginal() bool { return s.StartedAt == nil }

// Of reports whether the status belongs to the run of r. A status of the original neco
// has no start time: it belongs to r if its version is the same and either it was written
// after r or r is stopped.
func (s Status) Of(r *Request) bool {
	if r == nil || s.Version != r.Version {
		return false
	}
	if s.ByOriginal() {
		return s.Rev > r.Rev || r.Stop
	}
	return s.StartedAt.Equal(r.StartedAt)
}

// Stamped returns the status with now as the time of writing, and as Since if that is not
// set.
func (s Status) Stamped(now time.Time) Status {
	now = now.UTC()
	s.At = &now
	if s.Since == nil {
		s.Since = &now
	}
	return s
}

// Arrival returns the last barrier that the boot server has reached, according to the
// status.
func (s Status) Arrival() Arrival { return Arrival{s.Step, s.Phase} }

// Presence is the record of a running worker in etcd. It is deleted when the worker's
// lease ends.
type Presence struct {
	Version string    `json:"version"`
	PID     int       `json:"pid"`
	BootID  string    `json:"boot_id,omitempty"`
	HostID  string    `json:"host_id,omitempty"`
	Since   time.Time `json:"since"`
	// Rev is the revision of etcd at which the presence was written.
	Rev int64 `json:"-"`
}

// Record is the outcome of a [Once] action, which applies to all members of the run.
type Record struct {
	neco.ContentsUpdateStatus
	StartedAt *time.Time `json:"started_at,omitempty"`
	// Digest is a digest of what the action has sent. Later runs use it, too; it is empty if
	// the action needs none.
	Digest string `json:"digest,omitempty"`
	// Rev is the revision of etcd at which the record was written.
	Rev int64 `json:"-"`
}

// Of reports whether the record belongs to the run of r. A record without a start time
// belongs to r if it has the same version and was written after r.
func (c Record) Of(r *Request) bool {
	if r == nil || c.Version != r.Version {
		return false
	}
	if c.StartedAt == nil {
		return c.Rev > r.Rev
	}
	return c.StartedAt.Equal(r.StartedAt)
}

// Side is the old or the new version of a group of programs, whose two versions must
// not run together. It tells which of them may run.
type Side string

// The two values of Side.
const (
	SideOld Side = "old"
	SideNew Side = "new"
)

// Switch records which version of a group of programs may start in a run: all members
// run the same version, because the old and the new one must not run together. The
// first member that writes the switch decides for all members.
type Switch struct {
	Version   string    `json:"version"`
	StartedAt time.Time `json:"started_at"`
	Side      Side      `json:"side"`
	// Rev is the revision of etcd at which the switch was written.
	Rev int64 `json:"-"`
}

// State is the state that all boot servers share in etcd, read at one revision.
type State struct {
	Revision   int64
	Request    *Request
	Registered []int
	Statuses   map[int]Status
	Presence   map[int]Presence
	Records    map[string]Record
	Switches   map[string]Switch
	// UnreadableRequest is the error, with the key in etcd, of a request that cannot be
	// read; Request is then nil.
	UnreadableRequest error
	// UnreadableSwitches holds the errors of switches that cannot be read, by group.
	UnreadableSwitches map[string]error
}

// status returns the status of the boot server lrn if it belongs to the current run.
func (s State) status(lrn int) (Status, bool) {
	st, ok := s.Statuses[lrn]
	if !ok || !st.Of(s.Request) {
		return Status{}, false
	}
	return st, true
}

// Status returns the status of the boot server lrn if it belongs to the current run.
func (s State) Status(lrn int) (Status, bool) { return s.status(lrn) }

// since returns the time Since for st, the status that the boot server lrn is about to
// report. It copies that time from the server's current status if step, phase and
// condition are the same, and returns nil otherwise.
func (s State) since(lrn int, st Status) Status {
	st.At, st.Since = nil, nil
	if own, ok := s.status(lrn); ok && own.Arrival() == st.Arrival() && own.Cond == st.Cond {
		st.Since = own.Since
	}
	return st
}

// Aborted returns the lowest LRN of a member that aborted the current run, and that
// member's status. The last result is false if no member aborted.
func (s State) Aborted() (int, Status, bool) {
	if s.Request == nil {
		return 0, Status{}, false
	}
	for _, lrn := range s.Request.Members() {
		if st, ok := s.status(lrn); ok && st.Cond == neco.CondAbort {
			return lrn, st, true
		}
	}
	return 0, Status{}, false
}

// UnderWay reports whether a run was requested that is neither stopped nor complete.
func (s State) UnderWay() bool { return s.Request != nil && !s.Request.Stop && !s.Complete() }

// Complete reports whether every member of the current run has completed.
func (s State) Complete() bool { return s.Request != nil && len(s.Incomplete()) == 0 }

// Incomplete returns the members of the current run that have not completed it. Members
// that are no longer registered are omitted, because their status is deleted.
func (s State) Incomplete() []int {
	if s.Request == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(s.Request.Members()), func(lrn int) bool {
		st, ok := s.status(lrn)
		return ok && st.Cond == neco.CondComplete || !slices.Contains(s.Registered, lrn)
	})
}

// Failing returns a clause to append to a message: the failure that the first boot
// server in lrns with a repeatedly failing action reports. It returns "" if no action
// of these servers fails.
func (s State) Failing(lrns []int) string {
	for _, n := range lrns {
		if failure, ok := strings.CutPrefix(s.Statuses[n].Message, TriesAgain); ok {
			return fmt.Sprintf("; boot server %d: %s", n, failure)
		}
	}
	return ""
}
