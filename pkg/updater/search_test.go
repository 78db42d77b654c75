package updater_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/update"
)

func TestAnErrorOfTheReleaseServerIsStaleAndNotNoRelease(t *testing.T) {
	c := newCentre(t, "2026.11.20-1")
	c.start(0)
	c.await("request", requested("2026.11.20-1"))
	c.set(func() { c.version, c.err = "", fmt.Errorf("500 Internal Server Error") })
	snap := c.await("stale", func(s *storage.Snapshot) bool { return s.Check != nil && s.Check.StaleSince != nil })
	if snap.Release != "2026.11.20-1" || snap.Check.Error != "500 Internal Server Error" || snap.Request.Stop {
		t.Errorf("release %q, check %+v", snap.Release, snap.Check)
	}
}

func TestNothingIsSearchedOutsideOfReleaseTime(t *testing.T) {
	c := newCentre(t, "2026.11.20-1")
	const tokyo = 9 // hours ahead of UTC; the default zone
	later := fmt.Sprintf("0 %d * * *", (time.Now().UTC().Hour()+tokyo+12)%24)
	c.config("release-time", later)
	c.start(0)
	if _, err := c.store.Client().Put(t.Context(), storage.KeyRelease, "2026.11.19-1"); err != nil {
		t.Fatal(err)
	}
	if snap := c.await("request", requested("2026.11.19-1")); snap.Check != nil {
		t.Errorf("searched: %+v", snap.Check)
	}
	if _, err := c.store.Client().Put(t.Context(), storage.KeyConfig+"release-time", "whenever"); err != nil {
		t.Fatal(err)
	}
	snap := c.await("garbage is named", func(s *storage.Snapshot) bool { return s.Check != nil && s.Check.StaleSince != nil })
	if snap.Release != "2026.11.19-1" || snap.Check.CheckedAt != nil {
		t.Errorf("searched: %q, %+v", snap.Release, snap.Check)
	}
	c.config("release-time", later+"\n* * * * *")
	c.await("the release is taken in its time", func(s *storage.Snapshot) bool { return s.Release == "2026.11.20-1" })
}

func TestAWithdrawnReleaseIsForgottenUnlessItIsInUse(t *testing.T) {
	c := newCentre(t, "2026.11.20-1")
	c.start(0)
	c.await("first request", requested("2026.11.20-1"))
	for lrn := range 2 {
		c.report(lrn, neco.CondComplete, "")
	}
	c.set(func() { c.version = "2026.11.21-1" })
	c.await("second request", requested("2026.11.21-1"))
	c.set(func() { c.version = "2026.11.20-1" })
	snap := c.await("it is named as withdrawn", func(s *storage.Snapshot) bool { return s.Check != nil && s.Check.Withdrawn == "2026.11.21-1" })
	if snap.Release != "2026.11.21-1" {
		t.Errorf("the release whose update runs was forgotten: %q is known", snap.Release)
	}
	if _, err := c.store.StopRequest(t.Context(), storage.Guard{LRN: -1}, snap.Request, update.OutcomeAborted, "404 Not Found"); err != nil {
		t.Fatal(err)
	}
	c.await("it is forgotten when its run has ended", func(s *storage.Snapshot) bool {
		return s.Release == "2026.11.20-1" && s.Check.Withdrawn == "2026.11.21-1"
	})
}

func TestABadReleaseIsNotStartedAgainBeforeAnOperatorAllowsIt(t *testing.T) {
	c := newCentre(t, "2026.11.20-1")
	c.start(0)
	first := c.await("request", requested("2026.11.20-1")).Request
	st := update.Status{StartedAt: &first.StartedAt}
	st.Version, st.Cond, st.Message = first.Version, neco.CondAbort, "digest mismatch"
	if _, err := c.store.PutFault(t.Context(), storage.Guard{LRN: 1, AnyRequest: true}, 1, st); err != nil {
		t.Fatal(err)
	}
	snap := c.await("stop", func(s *storage.Snapshot) bool { return s.Request.Stop })
	if err := c.store.Recover(t.Context(), snap.Request.Rev, storage.Act{Kind: storage.KindRecover, By: "alice@boot-0", At: time.Now()}); err != nil {
		t.Fatal(err)
	}
	recovered := time.Now()
	c.await("another search", func(s *storage.Snapshot) bool {
		return s.Request != nil || s.Check != nil && s.Check.CheckedAt != nil && s.Check.CheckedAt.After(recovered)
	})
	if snap := c.await("the state", func(*storage.Snapshot) bool { return true }); snap.Request != nil {
		t.Fatalf("started again: %+v", snap.Request)
	}
	if removed, err := c.store.RetryRelease(t.Context(), first.Version, nil, storage.Act{}); err != nil || !removed {
		t.Fatal(removed, err)
	}
	c.await("it is started again", requested(first.Version))
	runs, _, err := c.store.History(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got, want := runs[len(runs)-1].What, "after neco recover of "+first.Version; got != want {
		t.Errorf("its reason is %q, want %q", got, want)
	}
}

func TestAReleaseOfTheFutureIsNamed(t *testing.T) {
	c := newCentre(t, "2026.11.20-1")
	c.skipped = []string{"release-2062.11.22-1"}
	c.start(0)
	c.await("it is named", func(s *storage.Snapshot) bool {
		return s.Check != nil && cmp.Equal(s.Check.Skipped, []string{"release-2062.11.22-1"})
	})
}

// failingKV is an etcd client on which reads of the whole state fail: the reads with the
// numbers first to last.
type failingKV struct {
	clientv3.KV
	reads, first, last atomic.Int32
}

func (f *failingKV) Txn(ctx context.Context) clientv3.Txn { return failingTxn{f.KV.Txn(ctx), f} }

type failingTxn struct {
	clientv3.Txn
	kv *failingKV
}

func (f failingTxn) Then(ops ...clientv3.Op) clientv3.Txn {
	n := f.kv.reads.Add(1)
	if n >= f.kv.first.Load() && n <= f.kv.last.Load() {
		return failedTxn{}
	}
	return f.Txn.Then(ops...)
}

type failedTxn struct{ clientv3.Txn }

func (failedTxn) Commit() (*clientv3.TxnResponse, error) { return nil, errors.New("etcd is busy") }

func TestAReadThatFailsIsNoEmptyState(t *testing.T) {
	c := newCentre(t, "2026.11.19-1")
	r := &update.Request{UpdateRequest: neco.UpdateRequest{Version: "2026.11.20-1", Servers: []int{0, 1}, StartedAt: time.Now().UTC()}}
	if _, err := c.store.NewRequest(t.Context(), storage.Guard{LRN: -1}, r, storage.Origin{By: "setup"}, false); err != nil {
		t.Fatal(err)
	}
	if _, err := c.store.Client().Put(t.Context(), storage.KeyRelease, "2026.11.20-1"); err != nil {
		t.Fatal(err)
	}
	// The first read waits for the registration. The second is of the leader's loop,
	// which gets the configuration from it. The search does the next ones.
	kv := &failingKV{}
	kv.first.Store(3)
	kv.last.Store(4)
	c.kv = func(real clientv3.KV) clientv3.KV { kv.KV = real; return kv }
	c.start(0)
	snap := c.await("a search is recorded", func(s *storage.Snapshot) bool { return s.Check != nil })
	if snap.Release != "2026.11.20-1" {
		t.Errorf("%q is known, an older version", snap.Release)
	}
}
