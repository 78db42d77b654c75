package status

import "time"

// State is the state of the current request.
type State string

// The values of State.
const (
	// None: no update was requested.
	None State = "none"
	// Running: at least one member has not completed, and the run was not stopped.
	Running State = "running"
	// Complete: every member has completed.
	Complete State = "complete"
	// Stopped: the run was stopped before its end; see Outcome and Reason.
	Stopped State = "stopped"
	// Unreadable: the value of the request is invalid.
	Unreadable State = "unreadable"
)

// View is the content of the output of neco status. Its JSON is stable: fields may be
// added, but not renamed or removed.
type View struct {
	// Revision is the revision of etcd at which the snapshot was read.
	Revision int64 `json:"revision"`
	// At is when the snapshot was read, by the clock of the reader.
	At time.Time `json:"at"`

	// Health is whether an operator has to act, and Problems lists why.
	Health   Health   `json:"health"`
	Problems []string `json:"problems,omitempty"`
	// ToDo lists what an operator has to do next, mostly commands to run.
	ToDo []string `json:"to_do,omitempty"`
	// Stale is set if etcd has not answered since At.
	Stale *Stale `json:"stale,omitempty"`

	State State `json:"state"`
	// LastStep is the number of the last step of an update.
	LastStep int `json:"last_step"`
	// Version, StartedAt and Members are the version, start time and boot servers of the
	// request.
	Version   string     `json:"version,omitempty"`
	StartedAt *time.Time `json:"started_at,omitempty"`
	Members   []int      `json:"members,omitempty"`
	// Outcome and Reason are how and why the run was stopped or is about to be stopped.
	Outcome string `json:"outcome,omitempty"`
	Reason  string `json:"reason,omitempty"`
	// Awaited is what the running update, or else the next one, is waiting for; nil if
	// nothing.
	Awaited *Awaited `json:"awaited,omitempty"`
	// Next is an update that is due but was not requested yet; nil if there is none.
	Next *Next `json:"next,omitempty"`

	// Servers are the registered boot servers and the members of the run, in the order of
	// their LRNs.
	Servers []Server `json:"servers"`
	Release Release  `json:"release"`
	// BadReleases are the releases that failed in this data centre because they are
	// faulty, by version. They are not installed again until neco recover --retry.
	BadReleases []BadRelease `json:"bad_releases,omitempty"`
	// Updater is the host name of the leading neco-updater; empty if none leads.
	Updater string `json:"updater,omitempty"`
	// Etcd is the state of the etcd cluster; nil if its members were not queried.
	Etcd      *Etcd       `json:"etcd,omitempty"`
	Malformed []Malformed `json:"malformed,omitempty"`
}

// Stale describes why the view is stale: the last attempt to read etcd failed.
type Stale struct {
	// At is the time of the failed attempt.
	At    time.Time `json:"at"`
	Error string    `json:"error"`
	// ToDo lists what an operator has to do about the failure. It replaces the ToDo of
	// the view.
	ToDo []string `json:"to_do,omitempty"`
}

// Next is an update that is due.
type Next struct {
	Version string `json:"version"`
	// Servers are the boot servers that will take part in the update.
	Servers []int `json:"servers"`
}

// Awaited describes what servers have to do before the members pass their next barrier,
// or before the next update starts.
type Awaited struct {
	// To describes what the servers have to do, in words that follow "to".
	To string `json:"to"`
	// Step, Phase and StepName are how far the servers are. Step is nil if they have not
	// started.
	Step     *int   `json:"step,omitempty"`
	Phase    int    `json:"phase,omitempty"`
	StepName string `json:"step_name,omitempty"`
	// Servers are the boot servers for which the others wait.
	Servers []int `json:"servers"`
	// Holder is the one of Servers that holds the workers' lock, so that the others of
	// Servers wait for it; nil if none does.
	Holder *int `json:"holder,omitempty"`
	// Since is when the last of Servers arrived at its step and phase, by that server's
	// clock, or when the run was requested if that is later.
	Since *time.Time `json:"since,omitempty"`
}

// ServerState is the state of a server in the current run.
type ServerState string

// The values of ServerState. A server without a live worker is ServerUnknown unless it
// has aborted or completed.
const (
	// ServerIdle: the server is not a member of the run.
	ServerIdle ServerState = "idle"
	// ServerNotBegun: the server's worker is alive, but has not reported in this run.
	ServerNotBegun ServerState = "not begun"
	// ServerRunning: the server is doing the actions of its step.
	ServerRunning ServerState = "running"
	// ServerWaiting: the server has arrived at a barrier and is waiting for other
	// servers.
	ServerWaiting ServerState = "waiting"
	// ServerStopped: the server's worker is alive and the run was stopped.
	ServerStopped   ServerState = "stopped"
	ServerAborted   ServerState = "aborted"
	ServerCompleted ServerState = "completed"
	ServerUnknown   ServerState = "unknown"
)

// Server is the state of one boot server.
type Server struct {
	LRN        int  `json:"lrn"`
	Registered bool `json:"registered"`
	Member     bool `json:"member"`
	// State is the current state of the server. Reported is the state in its last status
	// of this run.
	State    ServerState `json:"state"`
	Reported ServerState `json:"reported,omitempty"`
	// Version, Step and Phase are from the server's last status in this run.
	Version  string `json:"version,omitempty"`
	Step     *int   `json:"step,omitempty"`
	Phase    int    `json:"phase,omitempty"`
	StepName string `json:"step_name,omitempty"`
	// Doing names the actions of the server's current phase, if its step has several
	// phases.
	Doing   string `json:"doing,omitempty"`
	Message string `json:"message,omitempty"`
	// Notes are what the actions of this run have reported, such as what the server has
	// skipped and why.
	Notes []string   `json:"notes,omitempty"`
	At    *time.Time `json:"at,omitempty"`
	// Worker is the running worker; nil if no worker has a lease in etcd, or if its last
	// heartbeat is too old.
	Worker *Worker `json:"worker,omitempty"`
	// Heartbeat is when the worker's main loop last made progress, by the server's own
	// clock.
	Heartbeat *time.Time `json:"heartbeat,omitempty"`
	// SilentSince is the time of the last heartbeat of a server without a worker, or else
	// of its last status.
	SilentSince *time.Time `json:"silent_since,omitempty"`
	// leased means that the server has no Worker because its last heartbeat is too old,
	// although a worker's lease in etcd is valid.
	leased bool
	// Certificates is what the server has reported about its certificates; nil if
	// nothing.
	Certificates *Certificates `json:"certificates,omitempty"`
	// Backup is what the server has reported about its snapshots of etcd; nil if nothing
	// and no snapshot is overdue.
	Backup *Backup `json:"backup,omitempty"`
	// Vault is why the server's Vault is not in service; empty if it is, or was not
	// queried.
	Vault string `json:"vault,omitempty"`
}

// Worker is a running neco-worker.
type Worker struct {
	Version string    `json:"version"`
	Since   time.Time `json:"since"`
}

// Release is the state of the search for releases.
type Release struct {
	Env string `json:"env"`
	// Newest is the newest known version; empty if none is known.
	Newest     string     `json:"newest,omitempty"`
	CheckedAt  *time.Time `json:"checked_at,omitempty"`
	StaleSince *time.Time `json:"stale_since,omitempty"`
	Error      string     `json:"error,omitempty"`
	// Skipped are the tags of releases that are dated later than tomorrow.
	Skipped []string `json:"skipped,omitempty"`
	// Withdrawn is a version that was the newest known one and is no longer on the
	// release server; empty if there is none.
	Withdrawn string `json:"withdrawn,omitempty"`
	// Closed means that the configuration key release-time forbids installing a release
	// now.
	Closed bool `json:"closed,omitempty"`
	// Overdue means that there was no check for releases for several intervals.
	Overdue bool `json:"overdue,omitempty"`
	// Failing means that all checks for releases have failed for several intervals.
	Failing bool `json:"failing,omitempty"`
}

// BadRelease is a release that is not installed again because it failed in this data
// centre by its own fault.
type BadRelease struct {
	Version string `json:"version"`
	// Reason is the message of the boot server LRN, which aborted the run at Step.
	Reason string    `json:"reason"`
	Step   int       `json:"step"`
	LRN    int       `json:"lrn"`
	At     time.Time `json:"at"`
}

// Malformed is a key in etcd that was skipped because its name or value is malformed.
type Malformed struct {
	Key   string `json:"key"`
	Error string `json:"error"`
}
