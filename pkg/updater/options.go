package updater

import (
	"context"
	"log/slog"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/cybozu-go/neco/pkg/liveness"
	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/update"
)

// Found is the result of a search for releases.
type Found struct {
	// Version is the newest version; "" if no release counts.
	Version string
	// Skipped are the tags of releases that do not count because their date is later than
	// tomorrow.
	Skipped []string
}

// Finder searches for the newest release that may be installed.
type Finder interface {
	// Newest returns the newest version for the environment in c, without the versions in
	// bad. It returns within a deadline of its own.
	Newest(ctx context.Context, c storage.Config, bad map[string]storage.BadRelease) (Found, error)
}

// Kind is the kind of a notice.
type Kind string

// The kinds of notices.
const (
	KindBegin    Kind = "begin"
	KindComplete Kind = "complete"
	KindAbort    Kind = "abort"
	KindTimeout  Kind = "timeout"
	KindStopped  Kind = "stopped"
	KindAbsent   Kind = "absent"
)

// Notice is a notification about a run.
type Notice struct {
	Kind      Kind
	Version   string
	Servers   []int
	StartedAt time.Time
	Detail    string
	// Found means that the run was already in this state when this leader first saw it.
	// An earlier leader is then expected to have sent the notice.
	Found bool
	// Absent are the servers for which a new run waits, and Since is when that began.
	// Both are set only with KindAbsent.
	Absent []int
	Since  time.Time
}

// Notifier delivers notices to people.
type Notifier interface {
	// Notify delivers n to the receivers configured in c. It blocks until that succeeds
	// or fails permanently, within a deadline of its own. Without a receiver it returns
	// nil.
	Notify(ctx context.Context, c storage.Config, n Notice) error
}

// Options are the parameters of [Run].
type Options struct {
	LRN      int
	Hostname string
	// Etcd is a client whose keys are below Neco's prefix.
	Etcd     *clientv3.Client
	Finder   Finder
	Notifier Notifier
	Logger   *slog.Logger
	// Pulse receives a beat in each iteration of the leader's main loop and is suspended
	// while this updater does not lead. If it is nil, the updater makes a pulse with
	// [StallLimit].
	Pulse *liveness.Pulse
	// TTL is the lifetime of the leader's lease; 0 means [LeaseTTL].
	TTL time.Duration
}

// LeaseTTL is the lifetime of the leader's lease. No updater can lead before the key of
// a failed leader expires, and etcd restarts the lifetime when it regains a majority.
// It is therefore shorter than the 60 s of cybozu-go/neco, which this Neco replaces.
const LeaseTTL = 10 * time.Second

// StallLimit is how long one iteration of the leader's main loop may take before the
// leader gives up its lease.
const StallLimit = 30 * time.Second

// absentNotice is how long a new run waits for an absent server before the leader sends
// a notice.
const absentNotice = 30 * time.Second

// noticeOf returns the notice about the state of the current run; the second result is
// false if there is no run.
func noticeOf(s *storage.Snapshot) (Notice, bool) {
	r := s.Request
	if r == nil {
		return Notice{}, false
	}
	n := Notice{Kind: KindBegin, Version: r.Version, Servers: r.Members(), StartedAt: r.StartedAt}
	_, st, aborted := s.Aborted()
	switch {
	case aborted:
		n.Kind, n.Detail = KindAbort, st.Message
	case r.Stop && r.Outcome == update.OutcomeTimeout:
		n.Kind, n.Detail = KindTimeout, r.Reason
	case r.Stop && r.Outcome == update.OutcomeAborted:
		n.Kind, n.Detail = KindAbort, r.Reason
	case r.Stop:
		n.Kind, n.Detail = KindStopped, r.Reason
	case s.Complete():
		n.Kind = KindComplete
	}
	return n, true
}

// foundKind returns the kind of the notice about the state of the current run when this
// leader takes over. It returns "" if there is no run, or if this leader has to send
// that notice: a member has aborted the run, but no leader has stopped it yet.
func foundKind(s *storage.Snapshot) Kind {
	n, ok := noticeOf(s)
	if !ok || n.Kind == KindAbort && !s.Request.Stop {
		return ""
	}
	return n.Kind
}
