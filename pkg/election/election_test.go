package election_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/cybozu-go/neco/dctest/etcdtest"
	"github.com/cybozu-go/neco/pkg/election"
)

const (
	prefix   = "leader/updater/"
	ttl      = 2 * time.Second
	deadline = 30 * time.Second
)

var cluster etcdtest.Cluster

func TestMain(m *testing.M) { os.Exit(cluster.Main(m, 1)) }

func newClient(t *testing.T) *clientv3.Client {
	t.Helper()
	return cluster.NewClient(t, cluster.Prefix())
}

func keys(t *testing.T, c *clientv3.Client) []string {
	t.Helper()
	res, err := c.Get(context.WithoutCancel(t.Context()), "", clientv3.WithPrefix())
	if err != nil {
		t.Fatal(err)
	}
	var ks []string
	for _, kv := range res.Kvs {
		ks = append(ks, string(kv.Key)+"="+string(kv.Value))
	}
	return ks
}

func TestTheKeyHasTwoSlashesAndGoesWithItsHolder(t *testing.T) {
	c := newClient(t)
	err := election.Hold(t.Context(), c, prefix, "boot-0", ttl, func(_ context.Context, s *election.Session, h election.Holder) error {
		want := fmt.Sprintf("leader/updater//%x", int64(s.Lease()))
		if h.Key != want {
			t.Errorf("key %s, want %s", h.Key, want)
		}
		if ks := keys(t, c); len(ks) != 1 || ks[0] != want+"=boot-0" {
			t.Errorf("keys %v", ks)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if ks := keys(t, c); len(ks) != 0 {
		t.Errorf("left: %v", ks)
	}
}

func TestOnlyOneHolds(t *testing.T) {
	c := newClient(t)
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	var holders, most, turns atomic.Int64
	done := make(chan error, 3)
	for i := range 3 {
		go func() {
			done <- election.Hold(ctx, c, prefix, fmt.Sprint(i), ttl, func(context.Context, *election.Session, election.Holder) error {
				most.Store(max(most.Load(), holders.Add(1)))
				turns.Add(1)
				holders.Add(-1)
				return nil
			})
		}()
	}
	for range 3 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if most.Load() != 1 || turns.Load() != 3 {
		t.Errorf("%d at once, %d turns", most.Load(), turns.Load())
	}
}

func TestTheContextDiesWithTheLease(t *testing.T) {
	c := newClient(t)
	err := election.Hold(t.Context(), c, prefix, "boot-0", ttl, func(ctx context.Context, s *election.Session, _ election.Holder) error {
		if _, err := c.Revoke(ctx, s.Lease()); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(deadline):
			return errors.New("the context lives on")
		}
	})
	if !errors.Is(err, election.ErrLeaseLost) {
		t.Errorf("error %v", err)
	}
}

func TestACandidateWhoseLeaseEndsDoesNotWaitForEver(t *testing.T) {
	c := newClient(t)
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	err := election.Hold(ctx, c, prefix, "first", ttl, func(ctx context.Context, _ *election.Session, _ election.Holder) error {
		err := election.WithSession(ctx, c, ttl, func(ctx context.Context, s *election.Session) error {
			if _, err := c.Revoke(ctx, s.Lease()); err != nil {
				return err
			}
			_, err := s.Campaign(ctx, prefix, "second")
			return err
		})
		if err == nil || ctx.Err() != nil {
			t.Errorf("second: %v, %v", err, ctx.Err())
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestACandidateThatGivesUpIsGone(t *testing.T) {
	c := newClient(t)
	err := election.Hold(t.Context(), c, prefix, "first", ttl, func(ctx context.Context, _ *election.Session, _ election.Holder) error {
		return election.WithSession(ctx, c, ttl, func(ctx context.Context, s *election.Session) error {
			ctx, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
			defer cancel()
			if _, err := s.Campaign(ctx, prefix, "second"); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("second: %v", err)
			}
			for _, k := range keys(t, c) {
				if strings.HasSuffix(k, "=second") {
					t.Errorf("%s is left", k)
				}
			}
			return nil
		})
	})
	if err != nil {
		t.Error(err)
	}
}

func TestResignLeavesTheSessionAlive(t *testing.T) {
	c := newClient(t)
	err := election.Hold(t.Context(), c, prefix, "boot-0", ttl, func(ctx context.Context, s *election.Session, h election.Holder) error {
		if err := s.Resign(ctx, h); err != nil {
			return err
		}
		if ks := keys(t, c); len(ks) != 0 {
			t.Errorf("left: %v", ks)
		}
		again, err := s.Campaign(ctx, prefix, "boot-0")
		if again.Rev <= h.Rev {
			t.Errorf("fencing tokens %d, then %d", h.Rev, again.Rev)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestLeftoversOfAKilledHolderDoNotHoldUpItsSuccessor(t *testing.T) {
	c := newClient(t)
	lease, err := c.Grant(t.Context(), 600)
	if err != nil {
		t.Fatal(err)
	}
	for key, value := range map[string]string{prefix + "/1": "boot-0", prefix + "/2": "boot-1"} {
		opts := []clientv3.OpOption{}
		if value == "boot-0" {
			opts = append(opts, clientv3.WithLease(lease.ID))
		}
		if _, err := c.Put(t.Context(), key, value, opts...); err != nil {
			t.Fatal(err)
		}
	}
	err = election.RevokeLeftovers(t.Context(), c, prefix, func(_, value string) bool { return value == "boot-0" })
	if err != nil {
		t.Fatal(err)
	}
	if ks := keys(t, c); len(ks) != 1 || ks[0] != prefix+"/2=boot-1" {
		t.Errorf("left: %v", ks)
	}
}
