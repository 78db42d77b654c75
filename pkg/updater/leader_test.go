package updater_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/etcdtest"
	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/update"
	"github.com/cybozu-go/neco/pkg/updater"
)

const deadline = 30 * time.Second

var cluster etcdtest.Cluster

func TestMain(m *testing.M) { os.Exit(cluster.Main(m, 1)) }

// outside imitates the release server and a receiver of notices.
type outside struct {
	mu      sync.Mutex
	version string
	skipped []string
	err     error
	silent  error
	notices []updater.Kind
}

func (o *outside) Newest(_ context.Context, _ storage.Config, bad map[string]storage.BadRelease) (updater.Found, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	found := updater.Found{Version: o.version, Skipped: o.skipped}
	if _, marked := bad[o.version]; marked {
		found.Version = ""
	}
	return found, o.err
}

func (o *outside) Notify(_ context.Context, _ storage.Config, n updater.Notice) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.silent != nil {
		return o.silent
	}
	o.notices = append(o.notices, n.Kind)
	return nil
}

func (o *outside) set(f func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	f()
}

func (o *outside) told() []updater.Kind {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]updater.Kind(nil), o.notices...)
}

type centre struct {
	*outside
	t      *testing.T
	prefix string
	store  *storage.Storage
	// kv, if not nil, is called with the etcd client of an updater and returns its
	// replacement.
	kv func(clientv3.KV) clientv3.KV
}

// newCentre returns a data centre with two registered servers that searches for
// releases every second.
func newCentre(t *testing.T, version string) *centre {
	t.Helper()
	c := &centre{outside: &outside{version: version}, t: t, prefix: cluster.Prefix()}
	c.store = storage.New(c.client())
	for _, lrn := range []int{0, 1} {
		if err := c.store.Register(t.Context(), lrn); err != nil {
			t.Fatal(err)
		}
	}
	c.config("env", neco.ProdEnv)
	c.config("check-update-interval", "1s")
	return c
}

func (c *centre) config(name, text string) {
	c.t.Helper()
	k, err := storage.FindConfigKey(name)
	if err == nil {
		err = c.store.PutConfig(c.t.Context(), k, text, storage.Act{})
	}
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c *centre) client() *clientv3.Client {
	c.t.Helper()
	return cluster.NewClient(c.t, c.prefix)
}

func (c *centre) start(lrn int) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	cl := c.client()
	if c.kv != nil {
		cl.KV = c.kv(cl.KV)
	}
	go func() {
		done <- updater.Run(ctx, updater.Options{
			LRN: lrn, Hostname: fmt.Sprint("boot-", lrn), Etcd: cl, Finder: c, Notifier: c,
			Logger: slog.New(slog.DiscardHandler), TTL: 2 * time.Second,
		})
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			c.t.Error(err)
		}
	})
	c.t.Cleanup(stop)
	return stop
}

func (c *centre) await(what string, cond func(*storage.Snapshot) bool) *storage.Snapshot {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), deadline)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		snap, err := c.store.Snapshot(ctx)
		if err != nil {
			c.t.Fatal(err)
		}
		if cond(snap) {
			return snap
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			c.t.Fatalf("%s: not within %s: %+v", what, deadline, snap.Request)
		}
	}
}

// report writes the status of a boot server in the current run.
func (c *centre) report(lrn int, cond neco.UpdateCondition, message string) {
	c.t.Helper()
	snap, err := c.store.Snapshot(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	st := update.Status{StartedAt: &snap.Request.StartedAt}
	st.Version, st.Step, st.Cond, st.Message = snap.Request.Version, 18, cond, message
	if _, err := c.store.PutStatus(c.t.Context(), storage.Guard{LRN: lrn, AnyRequest: true}, lrn, st); err != nil {
		c.t.Fatal(err)
	}
}

func requested(version string) func(*storage.Snapshot) bool {
	return func(s *storage.Snapshot) bool { return s.Request != nil && s.Request.Version == version }
}

func (c *centre) history() []storage.Result {
	c.t.Helper()
	runs, _, err := c.store.History(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	var results []storage.Result
	for _, r := range runs {
		results = append(results, r.Result)
	}
	return results
}

func TestAReleaseIsOrderedCompletedAndFollowedByTheNext(t *testing.T) {
	c := newCentre(t, "2026.11.20-1")
	c.start(0)
	c.start(1)
	c.await("first request", requested("2026.11.20-1"))
	for lrn := range 2 {
		c.report(lrn, neco.CondComplete, "")
	}
	c.set(func() { c.version = "2026.11.21-1" })
	snap := c.await("second request", requested("2026.11.21-1"))
	if st, ok := snap.Statuses[0]; !ok || st.Version != "2026.11.20-1" {
		t.Errorf("the old status is gone: %+v", st)
	}
	c.await("begin, complete and begin were told", func(*storage.Snapshot) bool { return len(c.told()) == 3 })
	if diff := cmp.Diff([]updater.Kind{updater.KindBegin, updater.KindComplete, updater.KindBegin}, c.told()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]storage.Result{storage.ResultComplete, storage.ResultRunning}, c.history()); diff != "" {
		t.Error(diff)
	}
}

func TestAnAbortStopsTheRunAndIsToldOnceWhoeverLeads(t *testing.T) {
	c := newCentre(t, "2026.11.20-1")
	stop := c.start(0)
	c.await("request", requested("2026.11.20-1"))
	c.report(1, neco.CondAbort, "step 6 (serf) restart on boot server 1: gone")
	snap := c.await("stop", func(s *storage.Snapshot) bool { return s.Request.Stop })
	if snap.Request.Outcome != update.OutcomeAborted || snap.Request.Reason != "step 6 (serf) restart on boot server 1: gone" {
		t.Errorf("%+v", snap.Request)
	}
	c.await("the abort was told and recorded", func(*storage.Snapshot) bool {
		kinds, _, err := c.store.Notified(t.Context(), snap.Request.ID())
		return err == nil && len(kinds) == 2
	})
	stop()
	c.start(1)
	c.await("the history is closed", func(*storage.Snapshot) bool { return c.history()[0] == storage.ResultAborted })
	if diff := cmp.Diff([]updater.Kind{updater.KindBegin, updater.KindAbort}, c.told()); diff != "" {
		t.Error(diff)
	}
}

func TestABeginIsToldEvenIfTheRunAbortsBeforeALeaderSeesIt(t *testing.T) {
	c := newCentre(t, "2026.11.20-1")
	r := &update.Request{UpdateRequest: neco.UpdateRequest{Version: "2026.11.20-1", Servers: []int{0, 1}, StartedAt: time.Now().UTC()}}
	if _, err := c.store.NewRequest(t.Context(), storage.Guard{LRN: -1}, r, storage.Origin{By: "boot-1"}, false); err != nil {
		t.Fatal(err)
	}
	c.report(1, neco.CondAbort, "step 6 (serf) restart on boot server 1: gone")
	c.start(0)
	c.await("the abort was told", func(*storage.Snapshot) bool { return slices.Contains(c.told(), updater.KindAbort) })
	if diff := cmp.Diff([]updater.Kind{updater.KindBegin, updater.KindAbort}, c.told()); diff != "" {
		t.Error(diff)
	}
}

func TestARunThatTakesTooLongIsStopped(t *testing.T) {
	c := newCentre(t, "2026.11.20-1")
	c.config("worker-timeout", "1s")
	c.start(0)
	snap := c.await("stop", func(s *storage.Snapshot) bool { return s.Request != nil && s.Request.Stop })
	if snap.Request.Outcome != update.OutcomeTimeout {
		t.Errorf("%+v", snap.Request)
	}
}

func TestAReceiverThatIsDownHoldsUpNoRun(t *testing.T) {
	c := newCentre(t, "2026.11.20-1")
	c.silent = context.DeadlineExceeded
	c.start(0)
	c.await("request", requested("2026.11.20-1"))
	for lrn := range 2 {
		c.report(lrn, neco.CondComplete, "")
	}
	c.set(func() { c.version = "2026.11.21-1" })
	c.await("next request", requested("2026.11.21-1"))
	c.set(func() { c.silent = nil })
	c.await("all is told in the end", func(*storage.Snapshot) bool { return len(c.told()) == 3 })
}

func TestAServerThatJoinsMakesARunOfTheSameVersion(t *testing.T) {
	c := newCentre(t, "2026.11.20-1")
	c.start(0)
	first := c.await("request", requested("2026.11.20-1")).Request
	for lrn := range 2 {
		c.report(lrn, neco.CondComplete, "")
	}
	if err := c.store.Register(t.Context(), 10); err != nil {
		t.Fatal(err)
	}
	snap := c.await("reconfiguration", func(s *storage.Snapshot) bool { return !s.Request.StartedAt.Equal(first.StartedAt) })
	if diff := cmp.Diff([]int{0, 1, 10}, snap.Request.Members()); diff != "" {
		t.Error(diff)
	}
	if len(snap.Statuses) != 0 || snap.Request.Version != "2026.11.20-1" {
		t.Errorf("%+v %+v", snap.Request, snap.Statuses)
	}
}

func TestEnvNoneLooksForNothing(t *testing.T) {
	c := newCentre(t, "2026.11.20-1")
	c.config("env", neco.NoneEnv)
	c.set(func() { c.err = fmt.Errorf("nobody should ask") })
	c.start(0)
	// A version recorded by setup or an earlier environment is still installed.
	if _, err := c.store.Client().Put(t.Context(), storage.KeyRelease, "2026.11.19-1"); err != nil {
		t.Fatal(err)
	}
	snap := c.await("request", requested("2026.11.19-1"))
	if snap.Check != nil {
		t.Errorf("check %+v", snap.Check)
	}
}

func TestAServerThatHasLeftDoesNotLead(t *testing.T) {
	c := newCentre(t, "2026.11.20-1")
	c.start(0)
	c.await("request", requested("2026.11.20-1"))
	for lrn := range 2 {
		c.report(lrn, neco.CondComplete, "")
	}
	c.start(1)
	snap := c.await("complete", func(s *storage.Snapshot) bool { return s.Complete() })
	if err := c.store.Unregister(t.Context(), snap, 0, storage.Act{}); err != nil {
		t.Fatal(err)
	}
	// The other updater takes over and requests a run without the server that left.
	c.await("a run of the one that is left", func(s *storage.Snapshot) bool {
		return len(s.Request.Members()) == 1 && s.Request.Members()[0] == 1
	})
	if err := c.store.Register(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	c.report(1, neco.CondComplete, "")
	c.await("a run of both", func(s *storage.Snapshot) bool { return len(s.Request.Members()) == 2 })
	runs, _, err := c.store.History(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var why []string
	for _, r := range runs {
		why = append(why, string(r.Kind)+": "+r.What)
	}
	want := []string{"release: no earlier run is recorded", "reconfigure: boot server 0 left", "reconfigure: boot server 0 joined"}
	if diff := cmp.Diff(want, why); diff != "" {
		t.Error(diff)
	}
}

// byOriginal requests a run as a leader of the original neco does: without a record in
// the history, notices or fields that the original neco does not have.
func (c *centre) byOriginal(version string, stop bool) {
	c.t.Helper()
	text := fmt.Sprintf(`{"version":%q,"servers":[0,1],"stop":%t,"started_at":"2026-11-20T09:00:00Z"}`, version, stop)
	cl := c.client()
	for key, value := range map[string]string{"status/current": text, "info/neco-release": version} {
		if _, err := cl.Put(c.t.Context(), key, value); err != nil {
			c.t.Fatal(err)
		}
	}
}

func TestWhatTheOriginalsLeaderHasToldIsNotToldAgain(t *testing.T) {
	const version, next = "2026.11.20-1", "2026.11.21-1"
	for name, found := range map[string]struct {
		cond neco.UpdateCondition
		stop bool
		want []updater.Kind
	}{
		"a complete run":          {neco.CondComplete, false, []updater.Kind{updater.KindBegin}}, // of the next release
		"a stopped run":           {neco.CondAbort, true, nil},
		"an abort, not yet ended": {neco.CondAbort, false, []updater.Kind{updater.KindAbort}},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCentre(t, version)
			c.byOriginal(version, found.stop)
			for lrn := range 2 {
				c.report(lrn, found.cond, "")
			}
			c.start(0)
			c.await("the leader has checked for releases", func(s *storage.Snapshot) bool { return s.Check != nil })
			c.set(func() { c.version = next })
			c.await("the newer release is known", func(s *storage.Snapshot) bool { return s.Release == next })
			c.await("all is told", func(*storage.Snapshot) bool { return len(c.told()) >= len(found.want) })
			if diff := cmp.Diff(found.want, c.told()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestARunOfTheOriginalThatEndsUnderThisLeaderIsTold(t *testing.T) {
	c := newCentre(t, "2026.11.20-1")
	c.byOriginal("2026.11.20-1", false)
	c.start(0)
	c.await("the leader has checked for releases", func(s *storage.Snapshot) bool { return s.Check != nil })
	for lrn := range 2 {
		c.report(lrn, neco.CondComplete, "")
	}
	c.await("complete was told", func(*storage.Snapshot) bool { return len(c.told()) > 0 })
	if diff := cmp.Diff([]updater.Kind{updater.KindComplete}, c.told()); diff != "" {
		t.Error(diff)
	}
}
