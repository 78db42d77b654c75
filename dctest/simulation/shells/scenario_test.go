package shells

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/cybozu-go/neco/pkg/liveness"
	"github.com/cybozu-go/neco/pkg/retry"
	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/updater"
	"github.com/cybozu-go/neco/pkg/worker"
)

// network connects the processes to etcd.
type network interface {
	// client returns a client for the process i of a boot server. The link of the client
	// has the state of the link that the process's previous client had.
	client(lrn, i int) (*clientv3.Client, error)
	// set sets the state of all links of a boot server. The state is a number below
	// states(); 0 means no fault.
	set(lrn, state int)
	states() int
	// refuse makes the link of the process i permanently broken or silent.
	refuse(lrn, i int)
	// noMajority cuts all servers off from etcd for d.
	noMajority(d time.Duration)
	// compact deletes old revisions.
	compact() error
}

// times holds the durations in a scenario.
type times struct {
	ttl ttls
	// faults is how long faults are injected, and between is the longest pause between
	// two faults.
	faults, between time.Duration
	// workerTimeout is how long a run may take before the updater stops it. ends is how
	// long a run may take after the faults have ended.
	workerTimeout, ends time.Duration
	// alive is how long it may take after the last fault until all processes make
	// progress.
	alive time.Duration
	// poll is the time between two checks of the state.
	poll time.Duration
}

const (
	firstVersion = "2026.11.21-1"
	nextVersion  = "2026.11.22-1"
)

// world is the state of one scenario.
type world struct {
	times
	rand    *rand.Rand
	net     network
	out     *outside
	store   *storage.Storage
	servers [servers][]*daemon
}

// newWorld prepares a scenario. longest is the longest duration of an action. store uses
// a client whose network has no faults.
func newWorld(r *rand.Rand, net network, store *storage.Storage, t times, longest time.Duration, log io.Writer) *world {
	w := &world{times: t, rand: r, net: net, store: store}
	w.out = newOutside(rand.New(rand.NewPCG(r.Uint64(), 1)), longest, firstVersion)
	for lrn := range servers {
		w.servers[lrn] = daemons(lrn, w.out, t.ttl, log)
	}
	return w
}

// close stops all processes.
func (w *world) close() error {
	var errs []error
	for _, s := range w.servers {
		for _, d := range s {
			errs = append(errs, d.end(time.Minute))
		}
	}
	return errors.Join(errs...)
}

// play runs the scenario and returns the first violation.
func (w *world) play(ctx context.Context) error {
	if err := prepare(ctx, w.store, w.workerTimeout); err != nil {
		return err
	}
	for lrn, s := range w.servers {
		for i := range s {
			if err := w.start(lrn, i); err != nil {
				return err
			}
		}
	}
	if err := w.disturb(ctx); err != nil {
		return err
	}
	if err := w.awaitEnd(ctx, firstVersion); err != nil {
		return err
	}
	if err := w.awaitAlive(ctx); err != nil {
		return err
	}
	next := nextVersion
	w.out.newest.Store(&next)
	return w.awaitComplete(ctx, nextVersion)
}

func (w *world) start(lrn, i int) error {
	etcd, err := w.net.client(lrn, i)
	if err != nil {
		return err
	}
	limit := worker.StallLimit
	if i == 1 {
		limit = updater.StallLimit
	}
	w.servers[lrn][i].start(etcd, limit)
	return nil
}

func (w *world) draw(most time.Duration) time.Duration {
	return time.Duration(w.rand.Int64N(int64(most)))
}

// disturb injects random faults one after the other. At the end it heals all of them.
func (w *world) disturb(ctx context.Context) error {
	for end := time.Now().Add(w.faults); time.Now().Before(end); {
		pause(ctx, w.draw(w.between))
		lrn := w.rand.IntN(servers)
		var err error
		switch draw := w.rand.IntN(12); draw {
		case 0, 1:
			err = w.kill(ctx, lrn, draw)
		case 2:
			err = w.net.compact()
		case 3:
			w.net.noMajority(w.draw(2 * w.ttl.worker))
			w.heal()
		case 4:
			w.heal()
		default:
			w.net.set(lrn, w.rand.IntN(w.net.states()))
		}
		if err != nil {
			return err
		}
		if err := w.clear(ctx); err != nil {
			return err
		}
	}
	w.out.faulty.Store(false)
	w.heal()
	return nil
}

func (w *world) heal() {
	for lrn := range servers {
		w.net.set(lrn, 0)
	}
}

// kill cuts a process off from etcd permanently, ends it, and starts it again with a new
// link.
func (w *world) kill(ctx context.Context, lrn, i int) error {
	w.net.refuse(lrn, i)
	if err := w.servers[lrn][i].end(time.Minute); err != nil {
		return err
	}
	pause(ctx, w.draw(w.ttl.worker/2))
	return w.start(lrn, i)
}

// clear clears a stopped run, as an operator does. Without that, nothing would happen
// after the first failed action.
func (w *world) clear(ctx context.Context) error {
	var snap *storage.Snapshot
	err := retry.Passing(ctx, nil, func() (err error) {
		snap, err = w.store.Snapshot(ctx)
		return err
	})
	if err != nil || snap.Request == nil || !snap.Request.Stop {
		return err
	}
	// If a response was lost, the next attempt finds another revision.
	err = retry.Passing(ctx, nil, func() error { return w.store.Recover(ctx, snap.Request.Rev, storage.Act{}) })
	if errors.Is(err, storage.ErrSuperseded) {
		return nil
	}
	return err
}

// awaitEnd waits until the run of version is complete. If the run was stopped, it is
// cleared once.
func (w *world) awaitEnd(ctx context.Context, version string) error {
	if _, err := w.awaitOver(ctx, version); err != nil {
		return err
	}
	if err := w.clear(ctx); err != nil {
		return err
	}
	return w.awaitComplete(ctx, version)
}

func (w *world) awaitComplete(ctx context.Context, version string) error {
	snap, err := w.awaitOver(ctx, version)
	if err == nil && snap.Request.Stop {
		return fmt.Errorf("the run of %s was stopped without a fault: %s", version, snap.Request.Reason)
	}
	return err
}

// awaitOver waits until the run of version is complete or stopped.
func (w *world) awaitOver(ctx context.Context, version string) (snap *storage.Snapshot, err error) {
	err = w.await(ctx, w.ends, func() (err error) {
		snap, err = w.store.Snapshot(ctx)
		if err == nil && (snap.Request == nil || snap.Request.Version != version || snap.UnderWay()) {
			err = fmt.Errorf("the run of %s does not end: request %+v, statuses %+v, presence %v", version, snap.Request, snap.Statuses, snap.Presence)
		}
		return err
	})
	return snap, err
}

// await calls f at intervals until f returns nil. It fails after within, or if a main
// loop is stalled for too long.
func (w *world) await(ctx context.Context, within time.Duration, f func() error) error {
	still := map[*liveness.Pulse]time.Time{}
	for end := time.Now().Add(within); ; pause(ctx, w.poll) {
		err := f()
		if err == nil {
			return nil
		}
		if stall := w.stall(still); stall != nil {
			return fmt.Errorf("%w: %w", stall, err)
		}
		if time.Now().After(end) || ctx.Err() != nil {
			return fmt.Errorf("after %s: %w", within, err)
		}
	}
}

// stallLimit is for how long the pulse of a main loop may report that the loop is
// stalled, before the scenario fails.
const stallLimit = time.Minute

// stall returns an error if a main loop is stalled for too long. since maps each stalled
// main loop to the time when it was first seen stalled.
func (w *world) stall(since map[*liveness.Pulse]time.Time) error {
	for _, s := range w.servers {
		for _, d := range s {
			if d.pulse.Alive() {
				delete(since, d.pulse)
				continue
			}
			if _, known := since[d.pulse]; !known {
				since[d.pulse] = time.Now()
			}
			if time.Since(since[d.pulse]) > stallLimit {
				return fmt.Errorf("the main loop of %s is stalled", d.name)
			}
		}
	}
	return nil
}

// awaitAlive waits until each process has its key in etcd and makes progress.
func (w *world) awaitAlive(ctx context.Context) error {
	return w.await(ctx, w.alive, func() error {
		snap, err := w.store.Snapshot(ctx)
		if err != nil {
			return err
		}
		for lrn, s := range w.servers {
			if _, ok := snap.Presence[lrn]; !ok {
				return fmt.Errorf("worker %d is running but has no presence key", lrn)
			}
			for _, d := range s {
				if !d.pulse.Alive() {
					return fmt.Errorf("the main loop of %s makes no progress", d.name)
				}
			}
		}
		leaders, err := w.store.Client().Get(ctx, storage.KeyUpdaterLeader, clientv3.WithPrefix(), clientv3.WithCountOnly())
		if err == nil && leaders.Count == 0 {
			err = errors.New("no updater is the leader")
		}
		return err
	})
}

// leading returns the time of the last check for releases. Only the leader makes checks,
// so leading returns an error if there was none after since.
func (w *world) leading(ctx context.Context, since time.Time) (time.Time, error) {
	snap, err := w.store.Snapshot(ctx)
	switch {
	case err != nil:
		return time.Time{}, err
	case snap.Check == nil || snap.Check.CheckedAt == nil || snap.Check.CheckedAt.Before(since):
		return time.Time{}, fmt.Errorf("no updater has been the leader since %s", since)
	}
	return *snap.Check.CheckedAt, nil
}

// pause blocks for d or until ctx is done.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
