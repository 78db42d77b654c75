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

// Found is the outcome of a search for releases.
type Found struct {
	// Version is the newest version; empty: no release counts.
	Version string
	// Skipped are the releases that do not count because their date is later than
	// tomorrow.
	Skipped []string
}

// Finder searches for the newest release.
type Finder interface {
	// Newest returns the newest version for the environment of c that is not marked as
	// bad. It has a deadline of its own.
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
	// Found means that the run was in this state already when this leader first saw it,
	// so that an earlier leader has sent the notice.
	Found bool
	// Absent and Since are set with KindAbsent.
	Absent []int
	Since  time.Time
}

// Notifier sends notices to people.
type Notifier interface {
	// Notify blocks until the notice is delivered or has failed permanently, within a
	// deadline of its own. Without a configured receiver it succeeds.
	Notify(ctx context.Context, c storage.Config, n Notice) error
}

// Options of an updater.
type Options struct {
	LRN      int
	Hostname string
	// Etcd is namespaced at Neco's prefix.
	Etcd     *clientv3.Client
	Finder   Finder
	Notifier Notifier
	Logger   *slog.Logger
	// Pulse receives a beat in each iteration of the leader's main loop, and is
	// suspended while this updater does not lead; nil: the updater has its own, with
	// [StallLimit].
	Pulse *liveness.Pulse
	// TTL is the lifetime of the leader's lease; 0: [LeaseTTL].
	TTL time.Duration
}

// LeaseTTL is the lifetime of the leader's lease. etcd extends every lease to its full
// TTL when it regains a majority, and no updater can lead before the key of the former
// leader has expired. So it is shorter than the 60 s of the original neco.
const LeaseTTL = 10 * time.Second

// StallLimit is the limit of one iteration of the main loop.
const StallLimit = 30 * time.Second

// absentNotice is how long a new run waits for an absent server before a notice is
// sent.
const absentNotice = 30 * time.Second

// noticeOf returns the notice about the state of the current run; ok is false if there
// is no run.
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

// foundKind returns the kind of the notice about the state in which a leader finds a
// run. It is empty if this leader has to send that notice: for an abort after which no
// leader has stopped the run.
func foundKind(s *storage.Snapshot) Kind {
	n, ok := noticeOf(s)
	if !ok || n.Kind == KindAbort && !s.Request.Stop {
		return ""
	}
	return n.Kind
}
