package renewal_test

import (
	"context"
	"errors"
	"os"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"golang.org/x/sync/errgroup"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/etcdtest"
	"github.com/cybozu-go/neco/pkg/hostkey"
	"github.com/cybozu-go/neco/pkg/pki"
	"github.com/cybozu-go/neco/pkg/program"
	"github.com/cybozu-go/neco/pkg/renewal"
	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/update"
	"github.com/cybozu-go/neco/pkg/vaultkey"
)

var cluster etcdtest.Cluster

func TestMain(m *testing.M) { os.Exit(cluster.Main(m, 1)) }

func TestOneServerAtATimeHoldsTheLock(t *testing.T) {
	etcd := cluster.NewClient(t, cluster.Prefix())
	var now, most, holds atomic.Int32
	g, ctx := errgroup.WithContext(t.Context())
	for lrn := range 3 {
		g.Go(func() error {
			return renewal.EtcdLock{Etcd: etcd, LRN: lrn, TTL: 2 * time.Second}.Hold(ctx, func(context.Context) error {
				most.Store(max(most.Load(), now.Add(1)))
				holds.Add(1)
				now.Add(-1)
				return nil
			})
		})
	}
	if err := g.Wait(); err != nil || most.Load() != 1 || holds.Load() != 3 {
		t.Errorf("%d at once, %d holds, %v", most.Load(), holds.Load(), err)
	}
}

func TestTheLockIsNotHeldInAnUpdate(t *testing.T) {
	put := func(t *testing.T, etcd *clientv3.Client, stop bool, done bool) {
		t.Helper()
		s := storage.New(etcd)
		r := &update.Request{UpdateRequest: neco.UpdateRequest{Version: "2024.01.02-3", Servers: []int{0, 1}, StartedAt: time.Now().UTC()}}
		r.Stop = stop
		if err := s.Bootstrap(t.Context(), r, "test"); err != nil {
			t.Fatal(err)
		}
		for lrn := range 2 {
			st := update.Status{UpdateStatus: neco.UpdateStatus{Version: r.Version, Cond: neco.CondRunning}, StartedAt: &r.StartedAt}
			if done {
				st.Cond = neco.CondComplete
			}
			if _, err := s.PutStatus(t.Context(), storage.Guard{LRN: lrn, AnyRequest: true}, lrn, st); err != nil {
				t.Fatal(err)
			}
		}
	}
	tests := []struct {
		name       string
		stop, done bool
		lrn        int
		busy       bool
	}{
		{"it runs", false, false, 1, true},
		{"it runs, of others", false, false, 2, false},
		{"it is stopped", true, false, 1, false},
		{"it is complete", false, true, 1, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			etcd := cluster.NewClient(t, cluster.Prefix())
			put(t, etcd, tt.stop, tt.done)
			did := false
			err := renewal.EtcdLock{Etcd: etcd, LRN: tt.lrn}.Hold(t.Context(), func(context.Context) error { did = true; return nil })
			if errors.Is(err, renewal.ErrBusy) != tt.busy || did == tt.busy {
				t.Errorf("did it: %v, %v", did, err)
			}
		})
	}
}

func TestPeersSeeTheCurrentState(t *testing.T) {
	l := newLab(t)
	l.life = pki.ServerValidity
	l.install(renewal.Standing()...)
	etcd := cluster.NewClient(t, cluster.Prefix())
	b := renewal.EtcdPeers{Etcd: etcd, FS: l.server.FS, LRN: 2, Now: time.Now}
	post := func(failed error) storage.Certificates {
		t.Helper()
		if err := b.Report(t.Context(), pki.List(l.server.FS, time.Now()), failed); err != nil {
			t.Fatal(err)
		}
		snap, err := storage.New(etcd).FullSnapshot(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return snap.Certificates[2]
	}
	if c := post(nil); c.Purpose != "" {
		t.Errorf("of a server that is not registered: %+v", c)
	}
	if err := storage.New(etcd).Register(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	if _, err := etcd.Put(t.Context(), vaultkey.KeyAuthority, "sealed"); err != nil {
		t.Fatal(err)
	}
	c := post(nil)
	if c.Purpose != program.Vault || time.Until(c.NotAfter).Round(time.Hour) != pki.ClientValidity || c.Error != "" {
		t.Errorf("%+v", c)
	}
	if c := post(errors.New("sealed")); c.Error != "sealed" {
		t.Errorf("%+v", c)
	}
	if _, err := etcd.Put(t.Context(), vaultkey.KeyAuthority, "planted"); err != nil {
		t.Fatal(err)
	}
	post(nil)
	if data, err := l.server.FS.Read(renewal.AuthoritiesFile); string(data) != "sealed" {
		t.Errorf("authorities %q, %v", data, err)
	}
	holds := func() {
		t.Helper()
		roots, err := l.server.Roots(pki.ServerCA)
		if err != nil {
			t.Fatal(err)
		}
		id, err := hostkey.Load(t.Context(), l.server.FS)
		if err != nil {
			t.Fatal(err)
		}
		got, err := vaultkey.Recipients(t.Context(), etcd, roots, []int{2}, time.Now())
		if err != nil || len(got) != 1 || got[0] != id.Recipient() {
			t.Errorf("recipients %v, %v", got, err)
		}
		res, err := etcd.Get(t.Context(), vaultkey.KeyHosts+strconv.Itoa(2))
		if err != nil || len(res.Kvs) == 0 {
			t.Fatal("no record", err)
		}
		r, err := hostkey.Parse(res.Kvs[0].Value)
		cert, _ := l.installed(purpose(t, pki.Server))
		if err != nil || r.Certificate != string(pki.MarshalCert(cert.Raw)) {
			t.Error("the record stands on another certificate", err)
		}
	}
	holds()
	l.install(purpose(t, pki.Server))
	post(nil)
	holds()
}
