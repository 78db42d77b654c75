package shells

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/cybozu-go/neco/pkg/liveness"
	"github.com/cybozu-go/neco/pkg/retry"
	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/update"
	"github.com/cybozu-go/neco/pkg/updater"
	"github.com/cybozu-go/neco/pkg/worker"
)

// servers is the number of boot servers.
const servers = 3

// table returns steps with each kind of action, and a group that is stopped and
// started.
func table() update.Table {
	const deadline = 5 * time.Minute
	return update.Table{
		{N: 0, Name: "package", Actions: []update.Action{{Name: "fetch", Deadline: deadline}}},
		{N: 1, Name: "roll", Actions: []update.Action{{Name: "restart", Kind: update.Rolling, Deadline: deadline}}},
		{N: 2, Name: "stop", Actions: []update.Action{{Name: "stop", Stops: "group", Deadline: deadline}}},
		{N: 3, Name: "start", Actions: []update.Action{{Name: "start", Starts: "group", Deadline: deadline}}},
		{N: 4, Name: "once", Actions: []update.Action{{Name: "upload", Kind: update.Once, Record: "sabakan", Deadline: deadline}}},
		{N: 5, Name: "finish", Actions: []update.Action{{Name: "restart", Kind: update.Rolling, Deadline: deadline}}},
	}
}

// outside imitates what is around a worker and an updater: the actions on hosts, and the
// release server.
type outside struct {
	mu      sync.Mutex
	rand    *rand.Rand
	longest time.Duration // the longest duration of an action
	faulty  atomic.Bool
	newest  atomic.Pointer[string]
}

func newOutside(r *rand.Rand, longest time.Duration, version string) *outside {
	o := &outside{rand: r, longest: longest}
	o.newest.Store(&version)
	o.faulty.Store(true)
	return o
}

func (o *outside) draw(n int64) int64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.rand.Int64N(n)
}

func (o *outside) Do(ctx context.Context, _ update.Place, _ worker.Target) (string, error) {
	t := time.NewTimer(time.Duration(o.draw(int64(o.longest))))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return "", context.Cause(ctx)
	case <-t.C:
	}
	if o.faulty.Load() && o.draw(5) == 0 {
		return "", errors.New("an injected failure")
	}
	return "", nil
}

func (o *outside) Qualifies(context.Context, update.Place, worker.Target) (bool, string, error) {
	return true, "", nil
}

func (o *outside) Restore(context.Context, string, update.Side, worker.Target) error { return nil }

func (o *outside) Newest(context.Context, storage.Config, map[string]storage.BadRelease) (updater.Found, error) {
	return updater.Found{Version: *o.newest.Load()}, nil
}

func (o *outside) Notify(context.Context, storage.Config, updater.Notice) error { return nil }

// disk is the journal on a host's disk. It remains when the worker is killed.
type disk struct{ stopped []update.Stopped }

func (d *disk) Load() ([]update.Stopped, error)     { return d.stopped, nil }
func (d *disk) Save(stopped []update.Stopped) error { d.stopped = stopped; return nil }

// daemon is one process of a boot server.
type daemon struct {
	name  string
	pulse *liveness.Pulse
	// run blocks until ctx is done.
	run    func(ctx context.Context, etcd *clientv3.Client, pulse *liveness.Pulse) error
	cancel context.CancelFunc
	ended  chan struct{}
}

// start starts the process with a client of its own, which the process closes when it
// ends.
func (d *daemon) start(etcd *clientv3.Client, limit time.Duration) {
	ctx, cancel := context.WithCancel(context.Background())
	d.cancel, d.ended, d.pulse = cancel, make(chan struct{}), liveness.New(limit)
	ended, pulse := d.ended, d.pulse
	go func() {
		defer close(ended)
		defer etcd.Close()
		_ = d.run(ctx, etcd, pulse)
	}()
}

// end stops the process. It returns an error if the process does not end in time.
func (d *daemon) end(within time.Duration) error {
	if d.cancel == nil {
		return nil // the process was never started
	}
	d.cancel()
	t := time.NewTimer(within)
	defer t.Stop()
	select {
	case <-d.ended:
		return nil
	case <-t.C:
		return fmt.Errorf("%s has not ended %s after its context was canceled", d.name, within)
	}
}

// ttls holds the TTLs of the leases of workers and updaters.
type ttls struct{ worker, updater time.Duration }

// daemons returns the processes of a boot server, which are not started yet.
func daemons(lrn int, o *outside, ttl ttls, log io.Writer) []*daemon {
	logger := slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	journal := &disk{}
	w := func(ctx context.Context, etcd *clientv3.Client, pulse *liveness.Pulse) error {
		return worker.Run(ctx, worker.Options{
			LRN: lrn, HostID: fmt.Sprint("host-", lrn), Version: "any", Etcd: etcd, Table: table(),
			Order: func(string, string) (int, error) { return 0, nil },
			Doer:  o, Journal: journal, Pulse: pulse, TTL: ttl.worker, Logger: logger.With("worker", lrn),
		})
	}
	u := func(ctx context.Context, etcd *clientv3.Client, pulse *liveness.Pulse) error {
		return updater.Run(ctx, updater.Options{
			LRN: lrn, Hostname: fmt.Sprint("boot-", lrn), Etcd: etcd, Finder: o, Notifier: o,
			Pulse: pulse, TTL: ttl.updater, Logger: logger.With("updater", lrn),
		})
	}
	return []*daemon{{name: fmt.Sprint("worker ", lrn), run: w}, {name: fmt.Sprint("updater ", lrn), run: u}}
}

// prepare registers the boot servers and configures the updater.
func prepare(ctx context.Context, s *storage.Storage, timeout time.Duration) error {
	for lrn := range servers {
		if err := retry.Passing(ctx, nil, func() error { return s.Register(ctx, lrn) }); err != nil {
			return err
		}
	}
	for key, value := range map[string]string{
		"env": "prod", "check-update-interval": fmt.Sprint(int64(20 * time.Second)), "worker-timeout": fmt.Sprint(int64(timeout)),
	} {
		if err := retry.Passing(ctx, nil, func() error {
			_, err := s.Client().Put(ctx, storage.KeyConfig+key, value)
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}
