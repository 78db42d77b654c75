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

// worker is one process on one boot server.
type worker struct {
	Options
	store *storage.Storage
	since time.Time
	// m is the memory of pkg/update; it outlives a session.
	m update.Member
	// target is set when a run is entered.
	target Target
	task   *task
	// firstAttempt is the start of the first attempt of the current action, retryAt the
	// earliest time of the next attempt.
	firstAttempt, retryAt time.Time
	// panicked counts the attempts of the current action that have ended in a panic.
	panicked int
	delay    *backoff.ExponentialBackOff
	events   events
}

// Run takes part in updates until ctx ends. The caller holds the host's lock, so that
// no other worker of this server runs. Run first clears from etcd what a killed worker
// has left.
//
// It returns an error if the table is invalid or the journal cannot be read. It waits
// for an etcd that cannot be reached, and returns nil when ctx ends.
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

// clearLeftovers revokes the leases of a former process of this server, so that other
// servers need not wait for their expiry.
func (w *worker) clearLeftovers(ctx context.Context) error {
	own := strconv.Itoa(w.LRN)
	return errors.Join(
		election.RevokeLeftovers(ctx, w.Etcd, storage.PresenceKey(w.LRN), func(key, _ string) bool {
			return key == storage.PresenceKey(w.LRN)
		}),
		election.RevokeLeftovers(ctx, w.Etcd, storage.KeyWorkerLock, func(_, value string) bool { return value == own }),
	)
}

// until calls f, which requests what from etcd, until it succeeds or ctx ends. It returns
// the cause of ctx's end.
func (w *worker) until(ctx context.Context, what string, f func(context.Context) error) error {
	notify := func(err error) { w.Logger.Warn("waits for etcd", "for", what, "err", err) }
	return retry.Do(ctx, newBackOff(), notify, func() error {
		w.Pulse.Beat()
		ctx, cancel := context.WithTimeout(ctx, requestTimeout)
		defer cancel()
		return f(ctx)
	})
}

// requestTimeout bounds one request to etcd.
const requestTimeout = 5 * time.Second

// putPresence writes the presence of this worker, bound to the lease of the session.
func (w *worker) putPresence(ctx context.Context, s *election.Session) (rev int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	return w.store.PutPresence(ctx, w.LRN, update.Presence{
		Version: w.Version, PID: os.Getpid(), BootID: w.BootID, HostID: w.HostID, Since: w.since,
	}, s.Lease())
}

// guard returns the conditions of each write of this worker: its presence, and the
// current request.
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
