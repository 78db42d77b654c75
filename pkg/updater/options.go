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
	// Version is the newest one; empty: the server has none that counts.
	Version string
	// Skipped are the releases that do not count because their date is later
	// than tomorrow.
	Skipped []string
}

// Finder looks for the newest release.
type Finder interface {
	// Newest returns the newest version for the environment of c that is not
	// marked as bad.  It has a deadline of its own.
	Newest(ctx context.Context, c storage.Config, bad map[string]storage.BadRelease) (Found, error)
}

// Kind of a notice.
type Kind string

// The moments at which people are told.
const (
	KindBegin    Kind = "begin"
	KindComplete Kind = "complete"
	KindAbort    Kind = "abort"
	KindTimeout  Kind = "timeout"
	KindStopped  Kind = "stopped"
	KindAbsent   Kind = "absent"
)

// Notice is what people are told about a run.
type Notice struct {
	Kind      Kind
	Version   string
	Servers   []int
	StartedAt time.Time
	Detail    string
	// Found means that the run was in this state already when this leader first saw
	// it: an earlier leader has notified of it.
	Found bool
	// Absent and Since are set with KindAbsent.
	Absent []int
	Since  time.Time
}

// Notifier tells people.
type Notifier interface {
	// Notify blocks until the notice was taken or has failed for good within
	// its own deadline.  Without a configured receiver it succeeds.
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
	// Pulse beats with the leader's main loop, and is suspended while this
	// updater does not lead; nil: a pulse of the updater's own, with
	// [StallLimit].
	Pulse *liveness.Pulse
	// TTL of the leader's lease; 0: [LeaseTTL].
	TTL time.Duration
}

// LeaseTTL is the lifetime of the leader's lease. etcd extends every lease to
// its full TTL when a majority returns, and no updater can lead before the key
// of the former leader has expired; so it is shorter than the original's 60 s.
const LeaseTTL = 10 * time.Second

// StallLimit is how long the main loop may take for one turn.
const StallLimit = 30 * time.Second

// absentNotice is how long a new run waits silently for an absent server.
const absentNotice = 30 * time.Second

// noticeOf is the notice about the state of the current run, if there is one.
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

// foundKind is the kind of the state in which a leader finds a run.  Empty: it has
// to notify of that itself, as of an abort for which nobody has stopped the run.
func foundKind(s *storage.Snapshot) Kind {
	n, ok := noticeOf(s)
	if !ok || n.Kind == KindAbort && !s.Request.Stop {
		return ""
	}
	return n.Kind
}
