package status

import "time"

// State is the state of the current request.
type State string

// The values of State.
const (
	// None: no update was requested.
	None State = "none"
	// Running: at least one member has not completed.
	Running State = "running"
	// Complete: every member has completed.
	Complete State = "complete"
	// Stopped: the run was ended, for the reason given.
	Stopped State = "stopped"
	// Unreadable: the value of the request is invalid.
	Unreadable State = "unreadable"
)

// View is the content of neco status. Its JSON is stable: fields are added, never
// renamed or removed.
type View struct {
	// Revision is the revision of etcd at which the snapshot was read.
	Revision int64 `json:"revision"`
	// At is the time of that read, by the clock of the reader.
	At time.Time `json:"at"`

	// Health summarizes whether an operator has to act, Problems lists why.
	Health   Health   `json:"health"`
	Problems []string `json:"problems,omitempty"`
	// ToDo lists the commands to run next.
	ToDo []string `json:"to_do,omitempty"`
	// Stale is set when etcd has not answered since At.
	Stale *Stale `json:"stale,omitempty"`

	State State `json:"state"`
	// LastStep is the number of the last step of an update.
	LastStep int `json:"last_step"`
	// Version, StartedAt and Members are those of the request.
	Version   string     `json:"version,omitempty"`
	StartedAt *time.Time `json:"started_at,omitempty"`
	Members   []int      `json:"members,omitempty"`
	// Outcome and Reason describe how and why a run was stopped or is about to be
	// stopped.
	Outcome string `json:"outcome,omitempty"`
	Reason  string `json:"reason,omitempty"`
	// Awaited is what a running update is waiting for.
	Awaited *Awaited `json:"awaited,omitempty"`
	// Next is the update that is due and not started. Awaited is what it is waiting
	// for, if anything.
	Next *Next `json:"next,omitempty"`

	// Servers are the registered boot servers and the members, by LRN.
	Servers []Server `json:"servers"`
	Release Release  `json:"release"`
	// BadReleases are the releases whose installation failed here by a fault of the
	// release, by version. They are not installed again before neco recover --retry.
	BadReleases []BadRelease `json:"bad_releases,omitempty"`
	// Updater is the host name of the leading neco-updater; empty: there is no leader.
	Updater string `json:"updater,omitempty"`
	// Etcd is the state of etcd's members; nil if they were not queried.
	Etcd      *Etcd       `json:"etcd,omitempty"`
	Malformed []Malformed `json:"malformed,omitempty"`
}

// Stale describes the failure of the last attempt to read etcd.
type Stale struct {
	// At is the time of the failed attempt.
	At    time.Time `json:"at"`
	Error string    `json:"error"`
	// ToDo lists the commands to run about the failure. It replaces the ToDo of the
	// view.
	ToDo []string `json:"to_do,omitempty"`
}

// Next is an update that is due.
type Next struct {
	Version string `json:"version"`
	// Servers are the boot servers that will take part.
	Servers []int `json:"servers"`
}

// Awaited is what has to happen before the members pass their next barrier, or before
// the next update starts.
type Awaited struct {
	// To describes what the servers have to do.
	To string `json:"to"`
	// Step, Phase and StepName are the position of the servers; nil if they have not
	// started.
	Step     *int   `json:"step,omitempty"`
	Phase    int    `json:"phase,omitempty"`
	StepName string `json:"step_name,omitempty"`
	// Servers lists the boot servers that have not arrived at the barrier.
	Servers []int `json:"servers"`
	// Holder is the boot server in Servers that holds the lock of the workers, for
	// which the others wait.
	Holder *int `json:"holder,omitempty"`
	// Since is the time, by the server's clock, at which the last of the servers
	// arrived at its step; the start of the run before that.
	Since *time.Time `json:"since,omitempty"`
}

// ServerState is the state of a server in the current run.
type ServerState string

// The values of ServerState. A silent server is Unknown unless it has aborted or
// completed.
const (
	// ServerIdle: the server takes part in no run.
	ServerIdle ServerState = "idle"
	// ServerNotBegun: its worker is alive and has not reported yet.
	ServerNotBegun ServerState = "not begun"
	// ServerRunning: it is working on its step.
	ServerRunning ServerState = "running"
	// ServerWaiting: it has arrived at a barrier and is waiting for others.
	ServerWaiting ServerState = "waiting"
	// ServerStopped: its worker is alive and the run was stopped.
	ServerStopped   ServerState = "stopped"
	ServerAborted   ServerState = "aborted"
	ServerCompleted ServerState = "completed"
	ServerUnknown   ServerState = "unknown"
)

// Server is one boot server.
type Server struct {
	LRN        int  `json:"lrn"`
	Registered bool `json:"registered"`
	Member     bool `json:"member"`
	// State is the current state; Reported is the state in the server's last status of
	// this run.
	State    ServerState `json:"state"`
	Reported ServerState `json:"reported,omitempty"`
	// Version, Step and Phase are those of the server's status in this run.
	Version  string `json:"version,omitempty"`
	Step     *int   `json:"step,omitempty"`
	Phase    int    `json:"phase,omitempty"`
	StepName string `json:"step_name,omitempty"`
	// Doing names the current actions of the server, if the step has several phases.
	Doing   string     `json:"doing,omitempty"`
	Message string     `json:"message,omitempty"`
	At      *time.Time `json:"at,omitempty"`
	// Worker is the running worker; nil if no worker has a lease, or if its last
	// heartbeat is too old.
	Worker *Worker `json:"worker,omitempty"`
	// Heartbeat is the last time at which the worker's main loop made progress, by the
	// server's own clock.
	Heartbeat *time.Time `json:"heartbeat,omitempty"`
	// SilentSince is the time of the last heartbeat of a server without a worker, or of
	// its last report if there is no heartbeat.
	SilentSince *time.Time `json:"silent_since,omitempty"`
	// leased is true if a worker has a lease in etcd but an old heartbeat.
	leased bool
	// Certificates is the last report about certificates; nil if there was none.
	Certificates *Certificates `json:"certificates,omitempty"`
	// Backup is the last report about snapshots of etcd; nil if there was none and none
	// is due.
	Backup *Backup `json:"backup,omitempty"`
	// Vault is the reason why the server's Vault is not in service; empty if it is in
	// service or was not queried.
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
	// Newest is the newest known version.
	Newest     string     `json:"newest,omitempty"`
	CheckedAt  *time.Time `json:"checked_at,omitempty"`
	StaleSince *time.Time `json:"stale_since,omitempty"`
	Error      string     `json:"error,omitempty"`
	// Skipped are the releases that are dated later than tomorrow.
	Skipped []string `json:"skipped,omitempty"`
	// Withdrawn is a version that was the newest known one and is no longer on the
	// release server.
	Withdrawn string `json:"withdrawn,omitempty"`
	// Closed is true if config release-time forbids the installation of a release now.
	Closed bool `json:"closed,omitempty"`
	// Overdue is true if there was no check for releases for several intervals.
	Overdue bool `json:"overdue,omitempty"`
	// Failing is true if every check of several intervals has failed.
	Failing bool `json:"failing,omitempty"`
}

// BadRelease is a release whose installation failed here by a fault of the release.
type BadRelease struct {
	Version string `json:"version"`
	// Reason is the message of boot server LRN, which aborted at Step.
	Reason string    `json:"reason"`
	Step   int       `json:"step"`
	LRN    int       `json:"lrn"`
	At     time.Time `json:"at"`
}

// Malformed is a key that was skipped.
type Malformed struct {
	Key   string `json:"key"`
	Error string `json:"error"`
}
