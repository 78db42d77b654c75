package shells

import (
	"io"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cybozu-go/neco/dctest/simulation/model"
	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/updater"
	"github.com/cybozu-go/neco/pkg/worker"
)

// leadsWithin bounds the time from the return of a majority until an updater leads.
const leadsWithin = 15 * time.Second

// TestAnUpdaterLeadsSoonAfterAMajorityReturns checks that the wait for a leading updater
// does not depend on how long etcd was down. As a new leader of etcd does, the model
// gives every lease its full TTL again.
func TestAnUpdaterLeadsSoonAfterAMajorityReturns(t *testing.T) {
	for _, outage := range []time.Duration{5 * time.Second, time.Minute, 20 * time.Minute} {
		t.Run(outage.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := rand.New(rand.NewPCG(1, 0))
				etcd := model.New()
				defer etcd.Close()
				admin := etcd.Client(model.NewLink(r))
				defer admin.Close()
				net := &modelNet{etcd: etcd, rand: r}
				w := newWorld(r, net, storage.New(admin), times{ttl: ttls{worker.LeaseTTL, updater.LeaseTTL}, ends: time.Hour, poll: time.Second}, time.Second, io.Discard)
				defer func() {
					if err := w.close(); err != nil {
						t.Fatal(err)
					}
				}()
				if err := prepare(t.Context(), w.store, time.Hour); err != nil {
					t.Fatal(err)
				}
				for lrn, s := range w.servers {
					for i := range s {
						if err := w.start(lrn, i); err != nil {
							t.Fatal(err)
						}
					}
				}
				if err := w.awaitEnd(t.Context(), firstVersion); err != nil {
					t.Fatal(err)
				}
				for end := time.Now().Add(outage); time.Now().Before(end); {
					net.noMajority(time.Second) // no lease expires during this time
				}
				back := time.Now()
				w.heal()
				err := w.await(t.Context(), 10*leadsWithin, func() error {
					_, err := w.leading(t.Context(), back)
					return err
				})
				took := time.Since(back)
				t.Logf("after %s without a majority an updater led again after %s", outage, took)
				if err != nil || took > leadsWithin {
					t.Errorf("took %s, want at most %s: %v", took, leadsWithin, err)
				}
			})
		})
	}
}
