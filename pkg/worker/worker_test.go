package worker_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/sandbox/etcd"
	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/update"
	"github.com/cybozu-go/neco/pkg/worker"
)

const version = "2026.11.21-1"

// deadline bounds every wait of these tests.
const deadline = time.Minute

// host is a Doer that notes what was done.
type host struct {
	lrn   int
	world *world
	// before is called at the begin of each action.
	before func(ctx context.Context, p update.Place) error
	unfit  bool
}

func (h *host) Do(ctx context.Context, p update.Place, _ worker.Target) (string, error) {
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
	return !h.unfit, "not here", nil
}

func (h *host) Restore(_ context.Context, group string, side update.Side, _ worker.Target) error {
	h.world.note(fmt.Sprintf("%d restore %s %s", h.lrn, group, side))
	return nil
}

// memJournal is a journal that survives the worker, not the test.
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

// world sees what all hosts do.
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

// emptyTable has n steps behind the package step, each with one action.
func emptyTable(n int) update.Table {
	t := update.Table{{N: 0, Name: "package", Actions: []update.Action{{Name: "fetch", Deadline: deadline}}}}
	for i := 1; i <= n; i++ {
		t = append(t, update.Step{N: i, Name: fmt.Sprint("step", i), Actions: []update.Action{{Name: "act", Deadline: deadline}}})
	}
	return t
}

// cell is a cluster of etcd with its workers.
type cell struct {
	t       testing.TB
	cluster *etcd.Cluster
	prefix  string
	etcd    *clientv3.Client
	store   *storage.Storage
	world   *world
}

var (
	shared *etcd.Cluster
	cells  atomic.Int64
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

// run gives all tests one cluster; each cell has a prefix of its own.
func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "neco-worker")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	shared, err = etcd.Start(context.Background(), etcd.Options{Dir: dir, Members: 3, NoFsync: true})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer shared.Close()
	return m.Run()
}

func newCell(t testing.TB) *cell {
	t.Helper()
	return newCellOn(t, shared)
}

func newCellOn(t testing.TB, cluster *etcd.Cluster) *cell {
	t.Helper()
	cell := &cell{t: t, cluster: cluster, world: newWorld(), prefix: fmt.Sprintf("/cell%d/", cells.Add(1))}
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

// request registers servers and orders a run.
func (c *cell) request(servers ...int) *update.Request {
	c.t.Helper()
	for _, lrn := range servers {
		if err := c.store.Register(c.t.Context(), lrn); err != nil {
			c.t.Fatal(err)
		}
	}
	r := &update.Request{UpdateRequest: neco.UpdateRequest{Version: version, Servers: servers, StartedAt: time.Now().UTC()}}
	rev, err := c.store.NewRequest(c.t.Context(), storage.Guard{LRN: -1, AnyRequest: true}, r, "test", true)
	if err != nil {
		c.t.Fatal(err)
	}
	r.Rev = rev
	return r
}

// start runs a worker until the returned function is called.
func (c *cell) start(h *host, table update.Table, j worker.Journal) (stop func()) {
	c.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	cl := c.client()
	go func() {
		done <- worker.Run(ctx, worker.Options{
			LRN: h.lrn, HostID: fmt.Sprint("host", h.lrn), Version: version, Etcd: cl, Table: table,
			Order:   func(a, b string) (int, error) { return strings.Compare(a, b), nil },
			Doer:    h,
			Journal: j,
			Logger:  slog.New(slog.NewTextHandler(testWriter{c.t}, nil)).With("lrn", h.lrn),
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

// testWriter shows the log of a failed test.
type testWriter struct{ t testing.TB }

func (w testWriter) Write(p []byte) (int, error) {
	if testing.Verbose() {
		w.t.Log(strings.TrimSpace(string(p)))
	}
	return len(p), nil
}

// await waits until cond holds for a snapshot.
func (c *cell) await(what string, cond func(*storage.Snapshot) bool) *storage.Snapshot {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), deadline)
	defer cancel()
	wake := c.store.Wake(ctx)
	for {
		snap, err := c.store.Snapshot(ctx)
		if err != nil {
			c.t.Fatalf("%s: %v", what, err)
		}
		if cond(snap) {
			return snap
		}
		select {
		case <-wake:
		case <-ctx.Done():
			c.t.Fatalf("%s: not within %s; statuses %+v", what, deadline, snap.Statuses)
		}
	}
}

func complete(s *storage.Snapshot) bool { return s.Complete() }

func TestARunOfThreeServersCompletes(t *testing.T) {
	c := newCell(t)
	c.request(0, 1, 2)
	for lrn := range 3 {
		c.start(&host{lrn: lrn, world: c.world}, emptyTable(18), &memJournal{})
	}
	c.await("all complete", complete)
	for step := 1; step <= 18; step++ {
		if n := c.world.count(fmt.Sprintf("end %d.0", step)); n != 3 {
			t.Errorf("step %d was done %d times, want 3", step, n)
		}
	}
}

func TestRollingActionsRunOneAtATime(t *testing.T) {
	c := newCell(t)
	table := emptyTable(3)
	table[2].Actions[0].Kind = update.Rolling
	c.request(0, 1, 2)
	for lrn := range 3 {
		c.start(&host{lrn: lrn, world: c.world}, table, &memJournal{})
	}
	c.await("all complete", complete)
	if most := c.world.most[update.Place{Step: 2}]; most != 1 {
		t.Errorf("%d members did the rolling action at once", most)
	}
}

func TestAOnceActionIsDoneByOneMemberThatQualifies(t *testing.T) {
	c := newCell(t)
	table := emptyTable(3)
	table[2].Actions[0].Kind, table[2].Actions[0].Record = update.Once, "sabakan"
	c.request(0, 1, 2)
	for lrn := range 3 {
		c.start(&host{lrn: lrn, world: c.world, unfit: lrn == 0}, table, &memJournal{})
	}
	snap := c.await("all complete", complete)
	if n := c.world.count("end 2.0"); n != 1 {
		t.Errorf("the once-action was done %d times", n)
	}
	if c.world.count("0 begin 2.0") != 0 {
		t.Error("a server that does not qualify did it")
	}
	if rec := snap.Records["sabakan"]; !rec.Success || !rec.Of(snap.Request) {
		t.Errorf("record %+v", rec)
	}
}

func TestAFailingActionAbortsTheRunWithOneText(t *testing.T) {
	c := newCell(t)
	c.request(0, 1, 2)
	for lrn := range 3 {
		h := &host{lrn: lrn, world: c.world}
		if lrn == 2 {
			h.before = func(_ context.Context, p update.Place) error {
				if p.Step == 2 {
					return worker.Permanent(fmt.Errorf("disk is gone"))
				}
				return nil
			}
		}
		c.start(h, emptyTable(3), &memJournal{})
	}
	snap := c.await("the others wind down", func(s *storage.Snapshot) bool {
		return s.Statuses[2].Cond == neco.CondAbort &&
			s.Statuses[0].Cond == neco.CondNotRunning && s.Statuses[1].Cond == neco.CondNotRunning
	})
	want := "step 2 (step2) act on boot server 2: disk is gone"
	if got := snap.Statuses[2].Message; got != want {
		t.Errorf("message %q, want %q", got, want)
	}
	if c.world.count("begin 3.0") != 0 {
		t.Error("somebody began step 3")
	}
}

func TestAStoppedRunEndsTheActionAndBringsServicesBack(t *testing.T) {
	c := newCell(t)
	table := emptyTable(3)
	table[1].Actions[0].Stops = "cke"
	r := c.request(0, 1, 2)
	began := make(chan struct{}, 3)
	for lrn := range 3 {
		c.start(&host{lrn: lrn, world: c.world, before: func(ctx context.Context, p update.Place) error {
			if p.Step == 2 {
				began <- struct{}{}
				<-ctx.Done()
				return context.Cause(ctx)
			}
			return nil
		}}, table, &memJournal{})
	}
	for range 3 {
		<-began
	}
	if _, err := c.store.StopRequest(t.Context(), storage.Guard{LRN: -1}, r, update.OutcomeStopped, "operator says so"); err != nil {
		t.Fatal(err)
	}
	snap := c.await("all wind down", func(s *storage.Snapshot) bool {
		for _, st := range s.Statuses {
			if st.Cond != neco.CondNotRunning {
				return false
			}
		}
		return true
	})
	if n := c.world.count("restore cke old"); n != 3 {
		t.Errorf("%d servers brought cke back, want 3", n)
	}
	if sw := snap.Switches["cke"]; sw.Side != update.SideOld {
		t.Errorf("switch %+v", sw)
	}
}

func TestAWorkerThatStartsAgainResumes(t *testing.T) {
	c := newCell(t)
	c.request(0, 1, 2)
	hold := make(chan struct{})
	reached := make(chan struct{}, 1)
	block := func(ctx context.Context, p update.Place) error {
		if p.Step != 2 {
			return nil
		}
		select {
		case reached <- struct{}{}:
		default:
		}
		select {
		case <-hold:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	j := &memJournal{}
	stop := c.start(&host{lrn: 0, world: c.world, before: block}, emptyTable(4), j)
	c.start(&host{lrn: 1, world: c.world}, emptyTable(4), &memJournal{})
	c.start(&host{lrn: 2, world: c.world}, emptyTable(4), &memJournal{})
	<-reached
	stop()
	close(hold)
	c.start(&host{lrn: 0, world: c.world, before: block}, emptyTable(4), j)
	c.await("all complete", complete)
	if n := c.world.count("0 begin 1.0"); n != 2 {
		t.Errorf("the earlier every-action was begun %d times, want again on resume", n)
	}
}
