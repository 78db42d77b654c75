package status

import "time"

// State says how the current request stands.
type State string

// The states.
const (
	// None: no update was requested.
	None State = "none"
	// Running: not every member is through.
	Running State = "running"
	// Complete: every member has completed.
	Complete State = "complete"
	// Stopped: the run was ended, for the reason given.
	Stopped State = "stopped"
	// Unreadable: the request holds no valid value.
	Unreadable State = "unreadable"
)

// View is what neco status shows. Its JSON is stable: fields are added, never
// renamed or removed.
type View struct {
	// Revision of etcd that everything below was read at.
	Revision int64 `json:"revision"`
	// At is when it was read, by the clock of the reader.
	At time.Time `json:"at"`

	// Health says whether somebody has to do something, Problems why.
	Health   Health   `json:"health"`
	Problems []string `json:"problems,omitempty"`
	// ToDo says which commands to run next.
	ToDo []string `json:"to_do,omitempty"`
	// Stale is set when etcd has not answered since At.
	Stale *Stale `json:"stale,omitempty"`

	State State `json:"state"`
	// LastStep is the number of the last step of an update.
	LastStep int `json:"last_step"`
	// Version, StartedAt and Members are the request's.
	Version   string     `json:"version,omitempty"`
	StartedAt *time.Time `json:"started_at,omitempty"`
	Members   []int      `json:"members,omitempty"`
	// Outcome and Reason tell how and why a run was stopped, or is about to
	// be.
	Outcome string `json:"outcome,omitempty"`
	Reason  string `json:"reason,omitempty"`
	// Awaited is what a running update waits for.
	Awaited *Awaited `json:"awaited,omitempty"`
	// Next is the update that is due and has not begun. If something stands in
	// its way, that is Awaited.
	Next *Next `json:"next,omitempty"`

	// Servers are the registered ones and the members, by LRN.
	Servers []Server `json:"servers"`
	Release Release  `json:"release"`
	// BadReleases are the releases that failed here by their own fault, by
	// version. None is installed again before neco recover --retry.
	BadReleases []BadRelease `json:"bad_releases,omitempty"`
	// Updater is the host name of the leading neco-updater; empty: none leads.
	Updater string `json:"updater,omitempty"`
	// Etcd is what its members say; nil: they were not asked.
	Etcd      *Etcd       `json:"etcd,omitempty"`
	Malformed []Malformed `json:"malformed,omitempty"`
}

// Stale says since when nothing was read, and why.
type Stale struct {
	// At is the time of the failed attempt.
	At    time.Time `json:"at"`
	Error string    `json:"error"`
	// ToDo is what to run about that; what was to do before is of no account then.
	ToDo []string `json:"to_do,omitempty"`
}

// Next is an update that is due.
type Next struct {
	Version string `json:"version"`
	// Servers are those that will take part.
	Servers []int `json:"servers"`
}

// Awaited is what stands between the members and their next barrier, or the
// beginning of the next update.
type Awaited struct {
	// To is what the servers have to do, in words.
	To string `json:"to"`
	// Step, Phase and StepName are where they are; nil: they have not begun.
	Step     *int   `json:"step,omitempty"`
	Phase    int    `json:"phase,omitempty"`
	StepName string `json:"step_name,omitempty"`
	// Servers have not arrived at the barrier.
	Servers []int `json:"servers"`
	// Holder is the one of them that holds the lock of the workers; the others
	// wait for their turn.
	Holder *int `json:"holder,omitempty"`
	// Since is when the last of them arrived at that step, by its own clock;
	// before that, the start of the run.
	Since *time.Time `json:"since,omitempty"`
}

// ServerState says how a server stands in the current run.
type ServerState string

// The states of a server. Those that a silent server cannot vouch for are
// never shown for one: it is Unknown.
const (
	// ServerIdle: the server takes part in no run.
	ServerIdle ServerState = "idle"
	// ServerNotBegun: its worker is there, and has not reported yet.
	ServerNotBegun ServerState = "not begun"
	// ServerRunning: it works on its step.
	ServerRunning ServerState = "running"
	// ServerWaiting: it has arrived where others are awaited.
	ServerWaiting ServerState = "waiting"
	// ServerStopped: it was there when the run was stopped.
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
	// State is what holds; Reported is what the server's last status of this
	// run says.
	State    ServerState `json:"state"`
	Reported ServerState `json:"reported,omitempty"`
	// Version, Step and Phase stand in the status of this run.
	Version  string `json:"version,omitempty"`
	Step     *int   `json:"step,omitempty"`
	Phase    int    `json:"phase,omitempty"`
	StepName string `json:"step_name,omitempty"`
	// Doing names the actions of the part of the step that the server is in, where
	// the step has several.
	Doing   string     `json:"doing,omitempty"`
	Message string     `json:"message,omitempty"`
	At      *time.Time `json:"at,omitempty"`
	// Worker is the worker that runs; nil: none has a lease, or its last heartbeat is
	// too old.
	Worker *Worker `json:"worker,omitempty"`
	// Heartbeat is when the worker's main loop last made progress, by the
	// server's own clock.
	Heartbeat *time.Time `json:"heartbeat,omitempty"`
	// SilentSince is the last heartbeat of a server without a worker, or else
	// its last report, if there was any.
	SilentSince *time.Time `json:"silent_since,omitempty"`
	// leased: a worker has a lease in etcd and an old heartbeat.
	leased bool
	// Certificates as the server said last; nil: it never did.
	Certificates *Certificates `json:"certificates,omitempty"`
	// Backup as the server said last; nil: it never did, and needs not have.
	Backup *Backup `json:"backup,omitempty"`
	// Vault is why the server's Vault does not serve; empty: it does, or was not
	// asked.
	Vault string `json:"vault,omitempty"`
}

// Worker is a running neco-worker.
type Worker struct {
	Version string    `json:"version"`
	Since   time.Time `json:"since"`
}

// Release is how the search for releases goes.
type Release struct {
	Env string `json:"env"`
	// Newest is the newest known version.
	Newest     string     `json:"newest,omitempty"`
	CheckedAt  *time.Time `json:"checked_at,omitempty"`
	StaleSince *time.Time `json:"stale_since,omitempty"`
	Error      string     `json:"error,omitempty"`
	// Skipped are releases whose date is later than tomorrow.
	Skipped []string `json:"skipped,omitempty"`
	// Withdrawn was the newest known version and is not on the release server
	// any more.
	Withdrawn string `json:"withdrawn,omitempty"`
	// Closed says that no release may be taken now, by config release-time.
	Closed bool `json:"closed,omitempty"`
	// Overdue says that nobody has looked for releases for several intervals.
	Overdue bool `json:"overdue,omitempty"`
	// Failing says that every search of several intervals has failed.
	Failing bool `json:"failing,omitempty"`
}

// BadRelease is a release that failed here by its own fault.
type BadRelease struct {
	Version string `json:"version"`
	// Reason is the message with which boot server LRN gave up at Step.
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
