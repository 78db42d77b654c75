package shells

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/cybozu-go/neco/dctest/simulation/model"
	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/updater"
	"github.com/cybozu-go/neco/pkg/worker"
)

var (
	seeds = flag.Int("seeds", 100, "number of seeds to run")
	seed  = flag.Int64("seed", -1, "run only this seed, and print the log of all processes")
)

// TestShellsOnTheModel runs updates on the model of etcd in simulated time while links
// fail and processes are killed. After the faults have ended, each run must end, and
// each process that looks alive must make progress.
func TestShellsOnTheModel(t *testing.T) {
	eachSeed(t, runtime.GOMAXPROCS(0), func(t *testing.T, seed int64, log io.Writer) {
		synctest.Test(t, func(t *testing.T) { onTheModel(t, seed, log) })
	})
}

func onTheModel(t *testing.T, seed int64, log io.Writer) {
	r := rand.New(rand.NewPCG(uint64(seed), 0))
	etcd := model.New()
	defer etcd.Close()
	admin := etcd.Client(model.NewLink(r))
	defer admin.Close()
	w := newWorld(r, &modelNet{etcd: etcd, rand: r}, storage.New(admin), times{
		ttl:           ttls{worker.LeaseTTL, updater.LeaseTTL},
		faults:        2 * time.Minute,
		between:       8 * time.Second,
		workerTimeout: 10 * time.Minute,
		ends:          12 * time.Minute,
		alive:         time.Minute,
		poll:          time.Second,
	}, 8*time.Second, log)
	if err := w.play(t.Context()); err != nil {
		t.Error(err)
	}
	if err := w.close(); err != nil {
		t.Fatal(err)
	}
}

// modelNet is a network of model links.
type modelNet struct {
	etcd  *model.Etcd
	rand  *rand.Rand
	state [servers]model.State
	links [servers][2]*model.Link
}

func (n *modelNet) client(lrn, i int) (*clientv3.Client, error) {
	l := model.NewLink(rand.New(rand.NewPCG(n.rand.Uint64(), 2)))
	l.Set(n.state[lrn])
	n.links[lrn][i] = l
	return n.etcd.Client(l), nil
}

func (n *modelNet) set(lrn, state int) {
	n.state[lrn] = model.State(state)
	for _, l := range n.links[lrn] {
		l.Set(n.state[lrn])
	}
}

func (n *modelNet) states() int { return model.States() }

func (n *modelNet) refuse(lrn, i int) {
	n.links[lrn][i].Set([]model.State{model.Refused, model.Silent}[n.rand.IntN(2)])
}

func (n *modelNet) noMajority(d time.Duration) {
	for lrn := range servers {
		n.set(lrn, int(model.Refused))
	}
	time.Sleep(d)
	n.etcd.Prolong() // a new leader of etcd does that
}

func (n *modelNet) compact() error {
	n.etcd.Compact()
	return nil
}

// eachSeed runs f with each seed, atOnce of them in parallel. After a failure it prints
// the command that replays the seed.
func eachSeed(t *testing.T, atOnce int, f func(t *testing.T, seed int64, log io.Writer)) {
	var failed atomic.Bool
	one := func(t *testing.T, s int64, all bool) {
		tail := &tailWriter{limit: 4 << 10}
		log := io.Writer(tail)
		if all {
			log = t.Output()
		}
		t.Cleanup(func() {
			if t.Failed() {
				failed.Store(true)
				suite, _, _ := strings.Cut(t.Name(), "/")
				t.Logf("replay: go test ./dctest/simulation/shells -run=%s -v -args -seed=%d\nthe end of the log:\n%s", suite, s, tail)
			}
		})
		f(t, s, log)
	}
	if *seed >= 0 {
		one(t, *seed, true)
		return
	}
	began := time.Now()
	t.Cleanup(func() { t.Logf("%d seeds in %s", *seeds, time.Since(began).Round(time.Millisecond)) })
	var next atomic.Int64
	for i := range atOnce {
		t.Run(fmt.Sprint("shard", i), func(t *testing.T) {
			t.Parallel()
			for s := next.Add(1) - 1; s < int64(*seeds) && !failed.Load(); s = next.Add(1) - 1 {
				t.Run(fmt.Sprint("seed", s), func(t *testing.T) { one(t, s, false) })
			}
		})
	}
}

// tailWriter keeps the last bytes that were written to it.
type tailWriter struct {
	mu    sync.Mutex
	limit int
	buf   bytes.Buffer
}

func (t *tailWriter) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf.Write(p)
	if t.buf.Len() > 2*t.limit {
		t.buf.Next(t.buf.Len() - t.limit)
	}
	return len(p), nil
}

func (t *tailWriter) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, text, _ := strings.Cut(t.buf.String(), "\n")
	return text
}
