package worker_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/etcdtest"
	"github.com/cybozu-go/neco/dctest/sandbox/etcd"
	"github.com/cybozu-go/neco/pkg/liveness"
	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/update"
	"github.com/cybozu-go/neco/pkg/worker"
)

const version = "2026.11.21-1"

// deadline bounds every wait of these tests, which then fail.
const deadline = time.Minute

// host is a Doer that only records which actions it was asked to do.
type host struct {
	lrn   int
	world *world
	// before is called at the start of each action.
	before func(ctx context.Context, p update.Place) error
	unfit  bool
	// ask is called when the worker asks whether this host has to do an action, in the
	// worker's main loop.
	ask func()
	// progress is what an action at step 1 reports as its progress.
	progress string
	// digest is what an action at step 1 stores in the record of its outcome.
	digest string
}

func (h *host) Do(ctx context.Context, p update.Place, t worker.Target) (string, error) {
	if h.progress != "" && p.Step == 1 {
		t.Progress(h.progress)
	}
	if p.Step == 1 {
		t.SetDigest(h.digest)
	}
	h.world.begin(h.lrn, p)
	defer h.world.end(h.lrn, p)
	if h.before != nil {
		if err := h.before(ctx, p); err != nil {
			return "", err
		}
	}
	return "", nil
}

func (h *host) Qualifies(context.Context, update.Place, worker.Target) (bool, string, error) {
	if h.ask != nil {
		h.ask()
	}
	return !h.unfit, "not here", nil
}

func (h *host) Restore(_ context.Context, group string, side update.Side, t worker.Target) error {
	if t.LRN != h.lrn || len(t.Members) == 0 || t.Version == "" || t.Record == nil {
		h.world.note("an incomplete target")
	}
	h.world.note(fmt.Sprintf("%d restore %s %s", h.lrn, group, side))
	h.world.note(fmt.Sprintf("%d restores for %v", h.lrn, t.Members))
	return nil
}

// memJournal is a journal in memory. It survives the worker but not the test.
type memJournal struct {
	mu      sync.Mutex
	stopped []update.Stopped
}

func (j *memJournal) Load() ([]update.Stopped, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.stopped), nil
}

func (j *memJournal) Save(s []update.Stopped) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.stopped = slices.Clone(s)
	return nil
}

// world records what the hosts of a test do.
type world struct {
	mu      sync.Mutex
	log     []string
	running map[update.Place]int
	most    map[update.Place]int
}

func newWorld() *world {
	return &world{running: map[update.Place]int{}, most: map[update.Place]int{}}
}

func (w *world) begin(lrn int, p update.Place) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.running[p]++
	w.most[p] = max(w.most[p], w.running[p])
	w.log = append(w.log, fmt.Sprintf("%d begin %d.%d", lrn, p.Step, p.Action))
}

func (w *world) end(lrn int, p update.Place) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.running[p]--
	w.log = append(w.log, fmt.Sprintf("%d end %d.%d", lrn, p.Step, p.Action))
}

func (w *world) note(text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.log = append(w.log, text)
}

// await waits until a host has recorded text in the log of the world.
func (w *world) await(t *testing.T, text string) {
	t.Helper()
	deadline := time.After(deadline)
	for w.count(text) == 0 {
		select {
		case <-deadline:
			t.Fatalf("there is no %q", text)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (w *world) count(text string) (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, l := range w.log {
		if strings.HasSuffix(l, text) {
			n++
		}
	}
	return n
}

// emptyTable returns a table with the package step and n further steps, each with one
// action that does nothing.
func emptyTable(n int) update.Table {
	t := update.Table{{N: 0, Name: "package", Actions: []update.Action{{Name: "fetch", Deadline: deadline}}}}
	for i := 1; i <= n; i++ {
		t = append(t, update.Step{N: i, Name: fmt.Sprint("step", i), Actions: []update.Action{{Name: "act", Deadline: deadline}}})
	}
	return t
}

// cell is an etcd cluster with the workers that use it.
type cell struct {
	t       testing.TB
	cluster *etcd.Cluster
	prefix  string
	etcd    *clientv3.Client
	store   *storage.Storage
	world   *world
	// pulse is the pulse of workers that are started from now on. If it is nil, each of
	// them has its own.
	pulse *liveness.Pulse
}

var shared etcdtest.Cluster

func TestMain(m *testing.M) { os.Exit(shared.Main(m, 3)) }

func newCell(t testing.TB) *cell {
	t.Helper()
	return newCellOn(t, shared.Cluster)
}

func newCellOn(t testing.TB, cluster *etcd.Cluster) *cell {
	t.Helper()
	cell := &cell{t: t, cluster: cluster, world: newWorld(), prefix: shared.Prefix()}
	cell.etcd = cell.client()
	cell.store = storage.New(cell.etcd)
	return cell
}

func (c *cell) client() *clientv3.Client {
	c.t.Helper()
	cl, err := c.cluster.Client(c.prefix)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { cl.Close() })
	return cl
}

// request registers the servers and requests a run with them.
func (c *cell) request(servers ...int) *update.Request {
	c.t.Helper()
	for _, lrn := range servers {
		if err := c.store.Register(c.t.Context(), lrn); err != nil {
			c.t.Fatal(err)
		}
	}
	r := &update.Request{UpdateRequest: neco.UpdateRequest{Version: version, Servers: servers, StartedAt: time.Now().UTC()}}
	rev, err := c.store.NewRequest(c.t.Context(), storage.Guard{LRN: -1, AnyRequest: true}, r, storage.Origin{By: "test"}, true)
	if err != nil {
		c.t.Fatal(err)
	}
	r.Rev = rev
	return r
}

// start starts a worker and returns a function that ends it.
func (c *cell) start(h *host, table update.Table, j worker.Journal) (stop func()) {
	c.t.Helper()
	return c.startWith(h, table, j, func(*clientv3.Client) {})
}

// startWith is start for a worker whose etcd client is changed first.
func (c *cell) startWith(h *host, table update.Table, j worker.Journal, change func(*clientv3.Client)) (stop func()) {
	c.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	cl := c.client()
	change(cl)
	go func() {
		done <- worker.Run(ctx, worker.Options{
			LRN: h.lrn, HostID: fmt.Sprint("host", h.lrn), Version: version, Etcd: cl, Table: table,
			Order:   func(a, b string) (int, error) { return strings.Compare(a, b), nil },
			Doer:    h,
			Pulse:   c.pulse,
			Journal: j,
			Logger:  slog.New(slog.NewTextHandler(testWriter{c.t, c.world}, nil)).With("lrn", h.lrn),
		})
	}()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			c.t.Errorf("worker %d: %v", h.lrn, err)
		}
	}
	c.t.Cleanup(stop)
	return stop
}

// message matches the message of a log line.
var message = regexp.MustCompile(`msg=("[^"]*"|\S*)`)

// testWriter shows the log of a failed test, and records warnings and messages.
type testWriter struct {
	t     testing.TB
	world *world
}

func (w testWriter) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte("level=WARN")) {
		w.world.note("warning")
	}
	if m := message.FindSubmatch(p); m != nil {
		w.world.note("logged " + strings.Trim(string(m[1]), `"`))
	}
	if testing.Verbose() {
		w.t.Log(strings.TrimSpace(string(p)))
	}
	return len(p), nil
}

// await waits until cond returns true for a snapshot of etcd.
func (c *cell) await(what string, cond func(*storage.Snapshot) bool) *storage.Snapshot {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), deadline)
	defer cancel()
	f := c.store.Follow(ctx)
	defer f.Close()
	for {
		if snap := f.Snapshot(); snap != nil && cond(snap) {
			return snap
		}
		select {
		case <-f.Wake():
		case <-ctx.Done():
			c.t.Fatalf("%s: not within %s: %+v", what, deadline, f.Snapshot())
		}
	}
}

func complete(s *storage.Snapshot) bool { return s.Complete() }
