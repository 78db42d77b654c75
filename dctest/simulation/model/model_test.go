package model_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/cybozu-go/neco/dctest/etcdtest"
	"github.com/cybozu-go/neco/dctest/simulation/model"
)

var cluster etcdtest.Cluster

func TestMain(m *testing.M) { os.Exit(cluster.Main(m, 1)) }

// TestTheModelAnswersAsEtcd sends the same requests to the model and to a real
// etcd, and compares responses and events. Revisions are relative to the first one.
func TestTheModelAnswersAsEtcd(t *testing.T) {
	e := model.New()
	defer e.Close()
	fake := e.Client(model.NewLink(rand.New(rand.NewPCG(1, 1))))
	defer fake.Close()
	real := cluster.NewClient(t, cluster.Prefix())
	for seed := range uint64(20) {
		want := play(t, real, seed)
		got := play(t, fake, seed)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("seed %d: etcd and the model differ (-etcd +model):\n%s", seed, diff)
		}
	}
}

// play sends random requests, which depend on seed, and returns the responses and events
// as text.
func play(t *testing.T, c *clientv3.Client, seed uint64) []string {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 0))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	res, err := c.Put(ctx, "begin", "")
	if err != nil {
		t.Fatal(err)
	}
	base := res.Header.Revision
	events := c.Watch(ctx, "k", clientv3.WithPrefix(), clientv3.WithRev(base+1))
	var out []string
	lease, err := c.Grant(ctx, 60)
	if err != nil {
		t.Fatal(err)
	}
	for range 30 {
		out = append(out, request(ctx, c, r, base, lease.ID))
	}
	if _, err := c.Revoke(ctx, lease.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Put(ctx, "k-end", ""); err != nil {
		t.Fatal(err)
	}
	for res := range events {
		for _, ev := range res.Events {
			out = append(out, fmt.Sprintf("event %s %s=%s", ev.Type, ev.Kv.Key, ev.Kv.Value))
			if string(ev.Kv.Key) == "k-end" {
				_, _ = c.Delete(ctx, "", clientv3.WithPrefix())
				return out
			}
		}
	}
	t.Fatal("the watch has ended")
	return nil
}

func request(ctx context.Context, c *clientv3.Client, r *rand.Rand, base int64, lease clientv3.LeaseID) string {
	key, value := fmt.Sprint("k", r.IntN(4)), fmt.Sprint(r.IntN(3))
	switch r.IntN(5) {
	case 0:
		res, err := c.Put(ctx, key, value)
		return fmt.Sprint("put ", err, revision(res.Header.Revision, base))
	case 1:
		res, err := c.Put(ctx, key, value, clientv3.WithLease(lease))
		return fmt.Sprint("put with lease ", err, revision(res.Header.Revision, base))
	case 2:
		res, err := c.Delete(ctx, key)
		return fmt.Sprint("delete ", err, res.Deleted, revision(res.Header.Revision, base))
	case 3:
		res, err := c.Txn(ctx).If(clientv3.Compare(clientv3.Value(key), "=", value), clientv3.Compare(clientv3.CreateRevision(key), ">", base)).
			Then(clientv3.OpPut(key, "then"), clientv3.OpGet("k", clientv3.WithPrefix())).
			Else(clientv3.OpGet(key), clientv3.OpDelete("k0")).Commit()
		text := fmt.Sprint("txn ", err, res.Succeeded, revision(res.Header.Revision, base))
		for _, one := range res.Responses {
			if got := one.GetResponseRange(); got != nil {
				text += show((*clientv3.GetResponse)(got), base)
			}
		}
		return text
	}
	opts := [][]clientv3.OpOption{
		{clientv3.WithPrefix()}, clientv3.WithFirstCreate(), clientv3.WithLastCreate(), {clientv3.WithPrefix(), clientv3.WithKeysOnly()},
	}
	res, err := c.Get(ctx, "k", opts[r.IntN(len(opts))]...)
	return fmt.Sprint("get ", err, show(res, base))
}

func show(res *clientv3.GetResponse, base int64) string {
	text := fmt.Sprint(" more=", res.More)
	for _, kv := range res.Kvs {
		text += fmt.Sprintf(" %s=%s created%s changed%s version=%d leased=%v", kv.Key, kv.Value,
			revision(kv.CreateRevision, base), revision(kv.ModRevision, base), kv.Version, kv.Lease != 0)
	}
	return text
}

func revision(rev, base int64) string { return fmt.Sprint("@", rev-base) }
