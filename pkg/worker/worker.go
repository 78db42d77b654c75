package worker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/election"
	"github.com/cybozu-go/neco/pkg/liveness"
	"github.com/cybozu-go/neco/pkg/retry"
	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/update"
)

// worker is the state of the worker process of one boot server.
type worker struct {
	Options
	store *storage.Storage
	since time.Time
	// m is what pkg/update has to remember between two decisions. It outlives a session.
	m update.Member
	// target is the input of the current run's actions, set when the run is entered.
	target Target
	task   *task
	// firstAttempt is when the current action was first attempted; retryAt is the
	// earliest time for the next attempt.
	firstAttempt, retryAt time.Time
	// panicked counts the panics of the current action.
	panicked int
	delay    *backoff.ExponentialBackOff
	events   events
}

// Run makes this boot server take part in updates until ctx ends. It first revokes the
// leases that a killed worker of this server has left in etcd. The caller must hold a
// lock of the host, so that no other worker of this server runs.
//
// Run waits while etcd cannot be reached. It returns nil when ctx ends, and an error if
// the table is invalid or the journal cannot be read.
func Run(ctx context.Context, o Options) error {
	if o.TTL == 0 {
		o.TTL = LeaseTTL
	}
	if o.Pulse == nil {
		o.Pulse = liveness.New(StallLimit)
	}
	if err := o.Table.Validate(); err != nil {
		return err
	}
	stopped, err := o.Journal.Load()
	if err != nil {
		return fmt.Errorf("read the journal of stopped services: %w", err)
	}
	w := &worker{
		Options: o, store: storage.New(o.Etcd), since: time.Now().UTC(),
		m:     update.Member{LRN: o.LRN, HostID: o.HostID, Version: o.Version, Stopped: stopped},
		delay: newBackOff(),
	}
	_ = w.until(ctx, "clear the leases of a former worker", w.clearLeftovers) // the loop ends with ctx, too
	between := newBackOff()
	for ctx.Err() == nil {
		w.Pulse.Beat()
		began := time.Now()
		err := election.WithSession(ctx, o.Etcd, o.TTL, w.session)
		if ctx.Err() != nil {
			break
		}
		if time.Since(began) > o.TTL {
			between.Reset()
		}
		o.Logger.Warn("session ended", "err", err)
		_ = neco.SleepContext(ctx, between.NextBackOff())
	}
	return nil
}

// clearLeftovers revokes the leases that a former worker process of this server has left,
// because other servers would wait until they expire.
func (w *worker) clearLeftovers(ctx context.Context) error {
	own := strconv.Itoa(w.LRN)
	return errors.Join(
		election.RevokeLeftovers(ctx, w.Etcd, storage.PresenceKey(w.LRN), func(key, _ string) bool {
			return key == storage.PresenceKey(w.LRN)
		}),
		election.RevokeLeftovers(ctx, w.Etcd, storage.KeyWorkerLock, func(_, value string) bool { return value == own }),
	)
}

// until calls f until f succeeds, and returns nil, or until ctx ends, and returns the
// cause of that end. what names the request to etcd in logs.
func (w *worker) until(ctx context.Context, what string, f func(context.Context) error) error {
	notify := func(err error) { w.Logger.Warn("waits for etcd", "for", what, "err", err) }
	return retry.Do(ctx, newBackOff(), notify, func() error {
		w.Pulse.Beat()
		ctx, cancel := context.WithTimeout(ctx, requestTimeout)
		defer cancel()
		return f(ctx)
	})
}

// requestTimeout is how long the worker waits for one response of etcd before it
// repeats the request or makes a new decision.
const requestTimeout = 5 * time.Second

// putPresence writes the presence of this worker, bound to the session's lease, and
// returns the revision of the write.
func (w *worker) putPresence(ctx context.Context, s *election.Session) (rev int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	return w.store.PutPresence(ctx, w.LRN, update.Presence{
		Version: w.Version, PID: os.Getpid(), BootID: w.BootID, HostID: w.HostID, Since: w.since,
	}, s.Lease())
}

// guard returns the conditions for the writes of this worker: its presence and the
// request for the update must be unchanged.
func (w *worker) guard(r *session) storage.Guard {
	g := storage.Guard{Holder: storage.PresenceKey(w.LRN), HolderRev: r.presence, Lost: storage.ErrLeaseLost, LRN: w.LRN}
	if r.snap != nil && r.snap.Request != nil {
		g.RequestRev = r.snap.Request.Rev
	}
	return g
}

func newBackOff() *backoff.ExponentialBackOff {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.MaxInterval = 100*time.Millisecond, 5*time.Second
	return b
}
