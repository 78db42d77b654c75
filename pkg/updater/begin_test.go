package updater_test

import (
	"context"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/updater"
)

// hookedKV is an etcd client that calls written after each transaction that writes a
// request, before the client that committed it continues.
type hookedKV struct {
	clientv3.KV
	written func()
}

func (h hookedKV) Txn(ctx context.Context) clientv3.Txn { return &hookedTxn{Txn: h.KV.Txn(ctx), kv: h} }

type hookedTxn struct {
	clientv3.Txn
	kv       hookedKV
	requests bool
}

func (h *hookedTxn) If(cs ...clientv3.Cmp) clientv3.Txn {
	h.Txn = h.Txn.If(cs...)
	return h
}

func (h *hookedTxn) Then(ops ...clientv3.Op) clientv3.Txn {
	h.requests = slices.ContainsFunc(ops, func(op clientv3.Op) bool {
		return op.IsPut() && string(op.KeyBytes()) == storage.KeyRequest
	})
	h.Txn = h.Txn.Then(ops...)
	return h
}

func (h *hookedTxn) Else(ops ...clientv3.Op) clientv3.Txn {
	h.Txn = h.Txn.Else(ops...)
	return h
}

func (h *hookedTxn) Commit() (*clientv3.TxnResponse, error) {
	r, err := h.Txn.Commit()
	if err == nil && r.Succeeded && h.requests {
		h.kv.written()
	}
	return r, err
}

func TestABeginIsToldEvenIfTheRunAbortsAtOnce(t *testing.T) {
	c := newCentre(t, "2026.11.20-1")
	aborted := sync.OnceFunc(func() {
		c.report(1, neco.CondAbort, "step 6 (serf) restart on boot server 1: gone")
		// The leader's own watch receives the abort at about the same time as this one.
		f := c.store.Follow(t.Context())
		defer f.Close()
		for {
			select {
			case <-f.Wake():
			case <-t.Context().Done():
				return
			}
			if s := f.Snapshot(); s != nil {
				if _, _, ok := s.Aborted(); ok {
					return
				}
			}
		}
	})
	c.kv = func(real clientv3.KV) clientv3.KV { return hookedKV{real, aborted} }
	c.start(0)
	c.await("the abort was told", func(*storage.Snapshot) bool { return slices.Contains(c.told(), updater.KindAbort) })
	if diff := cmp.Diff([]updater.Kind{updater.KindBegin, updater.KindAbort}, c.told()); diff != "" {
		t.Error(diff)
	}
}
