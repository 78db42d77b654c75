package worker_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/cybozu-go/neco/pkg/sandbox/etcd"
)

// benchSteps is the number of empty steps of the measured update.
const benchSteps = 18

// BenchmarkUpdate is one update of 18 empty steps on a real etcd of three
// members that syncs to disk, together with bare puts on the same etcd.
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
	var perStep, perPut []time.Duration
	var writes int64
	for b.Loop() {
		perPut = append(perPut, barePuts(b, c)...)
		r := c.request(lrns...)
		began := time.Now()
		snap := c.await("all complete", complete)
		perStep = append(perStep, time.Since(began)/benchSteps)
		writes += snap.Revision - r.Rev
	}
	step, put := median(perStep), median(perPut)
	b.ReportMetric(ms(step), "ms/step")
	b.ReportMetric(ms(put), "ms/put")
	b.ReportMetric(float64(step)/float64(put), "step/put")
	b.ReportMetric(float64(writes)/float64(b.N*benchSteps*servers), "writes/step/server")
}

// barePuts measures what etcd itself takes for a write.
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

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
