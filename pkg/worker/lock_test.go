package worker_test

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/update"
)

// TestALockThatCannotBeGivenBackHoldsNobodyUp releases the lock while etcd elects a
// leader.
func TestALockThatCannotBeGivenBackHoldsNobodyUp(t *testing.T) {
	c := newCell(t)
	c.request(0, 1, 2)
	table := emptyTable(2)
	table[1].Actions[0].Kind = update.Rolling
	var lost atomic.Bool
	for lrn := range 3 {
		h := &host{lrn: lrn, world: c.world}
		c.startWith(h, table, &memJournal{}, func(cl *clientv3.Client) {
			cl.KV = deaf{cl.KV, func(op clientv3.Op) bool {
				return op.IsDelete() && strings.HasPrefix(string(op.KeyBytes()), storage.KeyWorkerLock) && lost.CompareAndSwap(false, true)
			}}
		})
	}
	c.await("the run to be complete", complete)
	if !lost.Load() {
		t.Error("no lock was given back")
	}
}

// TestACampaignThatFailsDoesNotStopTheWorker checks that a worker whose campaign for
// the lock fails, because its etcd member has no leader at that moment, starts a new
// session and finishes the run.
func TestACampaignThatFailsDoesNotStopTheWorker(t *testing.T) {
	c := newCell(t)
	c.request(0, 1, 2)
	table := emptyTable(2)
	table[1].Actions[0].Kind = update.Rolling
	var failed atomic.Bool
	for lrn := range 3 {
		h := &host{lrn: lrn, world: c.world}
		c.startWith(h, table, &memJournal{}, func(cl *clientv3.Client) {
			cl.KV = deaf{cl.KV, func(op clientv3.Op) bool {
				return op.IsPut() && strings.HasPrefix(string(op.KeyBytes()), storage.KeyWorkerLock) && failed.CompareAndSwap(false, true)
			}}
		})
	}
	c.await("the run to be complete", complete)
	if !failed.Load() {
		t.Error("no campaign failed")
	}
}

// deaf is an etcd client that loses the transactions with certain operations.
type deaf struct {
	clientv3.KV
	to func(clientv3.Op) bool
}

func (d deaf) Txn(ctx context.Context) clientv3.Txn { return deafTxn{d.KV.Txn(ctx), d.to} }

type deafTxn struct {
	clientv3.Txn
	to func(clientv3.Op) bool
}

func (d deafTxn) If(cs ...clientv3.Cmp) clientv3.Txn { return deafTxn{d.Txn.If(cs...), d.to} }

func (d deafTxn) Then(ops ...clientv3.Op) clientv3.Txn {
	if slices.ContainsFunc(ops, d.to) {
		return noLeader{d.Txn}
	}
	return deafTxn{d.Txn.Then(ops...), d.to}
}

type noLeader struct{ clientv3.Txn }

func (noLeader) Commit() (*clientv3.TxnResponse, error) { return nil, rpctypes.ErrTimeout }
