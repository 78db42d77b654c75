package neco

import (
	"slices"
	"time"
)

// The values of UpdateStatus.Cond. They are part of what is stored in etcd.
const (
	CondNotRunning = iota
	CondRunning
	CondAbort
	CondComplete
)

// UpdateCondition says how far a boot server has come with an update.
type UpdateCondition int

// String returns the condition in words; "unknown" if it is none of the
// defined values.
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

// UpdateRequest is what neco-updater asks the boot servers to do.
type UpdateRequest struct {
	// Version is the version of the neco package to install.
	Version string `json:"version"`

	// Servers are the LRNs of the members, in any order.
	Servers []int `json:"servers"`

	// Stop ends the run: members cease to work on it.
	Stop bool `json:"stop"`

	// StartedAt tells runs of the same version apart.
	StartedAt time.Time `json:"started_at"`
}

// IsMember says whether the boot server lrn takes part in the update.
func (r UpdateRequest) IsMember(lrn int) bool {
	return slices.Contains(r.Servers, lrn)
}

// UpdateStatus is what one boot server's neco-worker reports.
type UpdateStatus struct {
	Version string          `json:"version"`
	Step    int             `json:"step"`
	Cond    UpdateCondition `json:"cond"`
	Message string          `json:"message"`
}

// UpdateCompleted says whether every boot server in lrns has reported that it
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

// ContentsUpdateStatus says for which version something that is uploaded once
// per data centre was uploaded last, and whether that worked.
type ContentsUpdateStatus struct {
	Version string `json:"version"`
	Success bool   `json:"success"`
}
