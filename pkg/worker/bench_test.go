package worker_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/cybozu-go/neco/dctest/sandbox/etcd"
)

// benchSteps is the number of empty steps of the measured update.
const benchSteps = 18

// BenchmarkUpdate measures one update of 18 empty steps on a real etcd of three members
// that syncs to disk, together with bare puts on the same etcd.
func BenchmarkUpdate(b *testing.B) {
	for _, servers := range []int{3, 5, 9} {
		b.Run(fmt.Sprintf("servers=%d", servers), func(b *testing.B) { benchUpdate(b, servers) })
	}
}

func benchUpdate(b *testing.B, servers int) {
	cluster, err := etcd.Start(b.Context(), etcd.Options{Dir: b.TempDir(), Members: 3})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(cluster.Close)
	c := newCellOn(b, cluster)
	var lrns []int
	for lrn := range servers {
		lrns = append(lrns, lrn)
		c.start(&host{lrn: lrn, world: c.world}, emptyTable(benchSteps), &memJournal{})
	}
	var perStep, perPut, perRound []time.Duration
	var writes int64
	round := newRound(b, c, servers)
	for b.Loop() {
		perPut = append(perPut, barePuts(b, c)...)
		perRound = append(perRound, round(), round(), round())
		r := c.request(lrns...)
		began := time.Now()
		snap := c.await("all complete", complete)
		perStep = append(perStep, time.Since(began)/benchSteps)
		writes += snap.Revision - r.Rev
	}
	step, put, least := median(perStep), median(perPut), median(perRound)
	b.ReportMetric(ms(step), "ms/step")
	b.ReportMetric(ms(put), "ms/put")
	b.ReportMetric(ms(least), "ms/round")
	b.ReportMetric(float64(step)/float64(put), "step/put")
	b.ReportMetric(float64(step)/float64(least), "step/round")
	b.ReportMetric(float64(writes)/float64(b.N*benchSteps*servers), "writes/step/server")
}

// barePuts measures how long a single write to etcd takes.
func barePuts(b *testing.B, c *cell) []time.Duration {
	b.Helper()
	var took []time.Duration
	for range 20 {
		began := time.Now()
		if _, err := c.etcd.Put(b.Context(), "bench", "x"); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(began))
	}
	return took
}

// newRound returns a function that measures the shortest possible barrier on etcd: each
// of n clients puts a key, and all wait until they have seen all puts.
func newRound(b *testing.B, c *cell, n int) func() time.Duration {
	b.Helper()
	var clients []*clientv3.Client
	var watches []clientv3.WatchChan
	for range n {
		cl := c.client()
		clients = append(clients, cl)
		watches = append(watches, cl.Watch(b.Context(), "round/", clientv3.WithPrefix(), clientv3.WithCreatedNotify()))
		<-watches[len(watches)-1]
	}
	return func() time.Duration {
		began := time.Now()
		var wg sync.WaitGroup
		for i := range n {
			wg.Go(func() {
				if _, err := clients[i].Put(b.Context(), fmt.Sprint("round/", i), "x"); err != nil {
					b.Error(err)
				}
				for seen := 0; seen < n; {
					seen += len((<-watches[i]).Events)
				}
			})
		}
		wg.Wait()
		return time.Since(began)
	}
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
