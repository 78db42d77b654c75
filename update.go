package neco

import (
	"slices"
	"time"
)

// The values of UpdateStatus.Cond. They are stored in etcd.
const (
	CondNotRunning = iota
	CondRunning
	CondAbort
	CondComplete
)

// UpdateCondition is the progress of a boot server in an update.
type UpdateCondition int

// String returns the condition as text, or "unknown" for an undefined value.
func (c UpdateCondition) String() string {
	switch c {
	case CondNotRunning:
		return "not running"
	case CondRunning:
		return "running"
	case CondAbort:
		return "aborted"
	case CondComplete:
		return "completed"
	}
	return "unknown"
}

// UpdateRequest is a request of neco-updater to update the boot servers.
type UpdateRequest struct {
	// Version is the version of the neco package to install.
	Version string `json:"version"`

	// Servers are the LRNs of the members, in any order.
	Servers []int `json:"servers"`

	// Stop ends the run: its members stop working on it.
	Stop bool `json:"stop"`

	// StartedAt distinguishes runs of the same version.
	StartedAt time.Time `json:"started_at"`
}

// IsMember reports whether the boot server lrn takes part in the update.
func (r UpdateRequest) IsMember(lrn int) bool {
	return slices.Contains(r.Servers, lrn)
}

// UpdateStatus is the report of one boot server's neco-worker.
type UpdateStatus struct {
	Version string          `json:"version"`
	Step    int             `json:"step"`
	Cond    UpdateCondition `json:"cond"`
	Message string          `json:"message"`
}

// UpdateCompleted reports whether every boot server in lrns has reported that it
// completed the update to version. A server without a status has not.
func UpdateCompleted(version string, lrns []int, statuses map[int]*UpdateStatus) bool {
	for _, lrn := range lrns {
		st := statuses[lrn]
		if st == nil || st.Version != version || st.Cond != CondComplete {
			return false
		}
	}
	return true
}

// ContentsUpdateStatus is the result of the last upload of contents that are uploaded
// once for a data centre.
type ContentsUpdateStatus struct {
	Version string `json:"version"`
	Success bool   `json:"success"`
}
