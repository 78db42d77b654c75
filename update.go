package neco

import (
	"slices"
	"time"
)

// These constants are the values of UpdateStatus.Cond. They are stored in etcd.
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

// UpdateRequest is a request to update the boot servers. It is stored in etcd.
type UpdateRequest struct {
	// Version is the version of the neco package to install.
	Version string `json:"version"`

	// Servers are the LRNs of the boot servers that take part in the update, in any
	// order.
	Servers []int `json:"servers"`

	// Stop ends the update: the boot servers that take part stop working on it.
	Stop bool `json:"stop"`

	// StartedAt is the time of the request. It distinguishes two requests for the same
	// version.
	StartedAt time.Time `json:"started_at"`
}

// IsMember reports whether the boot server lrn takes part in the update.
func (r UpdateRequest) IsMember(lrn int) bool {
	return slices.Contains(r.Servers, lrn)
}

// UpdateStatus is the report about an update by the neco-worker of one boot server.
type UpdateStatus struct {
	Version string          `json:"version"`
	Step    int             `json:"step"`
	Cond    UpdateCondition `json:"cond"`
	Message string          `json:"message"`
}

// UpdateCompleted reports whether every boot server in lrns has completed the update to
// version. statuses contains the reports of the boot servers by LRN; a server without a
// report has not completed the update.
func UpdateCompleted(version string, lrns []int, statuses map[int]*UpdateStatus) bool {
	for _, lrn := range lrns {
		st := statuses[lrn]
		if st == nil || st.Version != version || st.Cond != CondComplete {
			return false
		}
	}
	return true
}

// ContentsUpdateStatus is the result of the last upload of contents, such as images for
// the nodes. Contents are uploaded by one boot server for the whole data centre.
type ContentsUpdateStatus struct {
	Version string `json:"version"`
	Success bool   `json:"success"`
}
