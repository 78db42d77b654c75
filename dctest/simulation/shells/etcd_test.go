//go:build shell

package shells

import (
	"context"
	"io"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/etcdtest"
	"github.com/cybozu-go/neco/pkg/storage"
)

var cluster etcdtest.Cluster

func TestMain(m *testing.M) { os.Exit(cluster.Main(m, 3)) }

// atOnce is how many scenarios share the etcd cluster, with go test -parallel=12. They
// can be many because they spend most of their time waiting.
const atOnce = 12

// TestShellsOnEtcd runs the scenario of TestShellsOnTheModel on a real etcd, in real
// time. Each process reaches each member through a proxy that cuts or delays
// connections, blocks one direction and loses responses, while etcd's leader moves.
func TestShellsOnEtcd(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	moved := make(chan struct{})
	go func() {
		defer close(moved)
		moveLeader(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-moved
	})
	eachSeed(t, atOnce, func(t *testing.T, seed int64, log io.Writer) { onEtcd(t, seed, log) })
}

// patience is the factor by which time limits are longer than on an idle machine. A busy
// machine may lose leases.
const patience = 10

func onEtcd(t *testing.T, seed int64, log io.Writer) {
	r := rand.New(rand.NewPCG(uint64(seed), 0))
	prefix := cluster.Prefix()
	n := &proxyNet{ctx: t.Context(), prefix: prefix, rand: r}
	t.Cleanup(n.close)
	w := newWorld(r, n, storage.New(cluster.NewClient(t, prefix)), times{
		ttl:           ttls{2 * time.Second, 2 * time.Second},
		faults:        20 * time.Second,
		between:       4 * time.Second,
		workerTimeout: patience * 40 * time.Second,
		ends:          patience * time.Minute,
		alive:         patience * 30 * time.Second,
		poll:          100 * time.Millisecond,
	}, 1500*time.Millisecond, log)
	if err := w.play(t.Context()); err != nil {
		t.Error(err)
	}
	if err := w.close(); err != nil {
		t.Error(err)
	}
}

// moveLeader makes another member the etcd leader every few seconds.
func moveLeader(ctx context.Context) {
	for i := 0; ctx.Err() == nil; i++ {
		pause(ctx, 5*time.Second)
		c, err := clientv3.New(clientv3.Config{Endpoints: cluster.Endpoints(), DialTimeout: time.Second})
		if err != nil {
			continue
		}
		if st, err := c.Status(ctx, cluster.Endpoint(0)); err == nil && st.Leader != 0 {
			for i, ep := range cluster.Endpoints() {
				if st, err := c.Status(ctx, ep); err == nil && st.Leader == st.Header.MemberId {
					next, err := c.Status(ctx, cluster.Endpoint((i+1)%servers))
					if err == nil {
						c.SetEndpoints(ep)
						_, _ = c.MoveLeader(ctx, next.Header.MemberId)
					}
					break
				}
			}
		}
		c.Close()
	}
}

// proxyNet is a network in which each process reaches each etcd member through a proxy of
// its own.
type proxyNet struct {
	ctx    context.Context
	prefix string
	rand   *rand.Rand
	state  [servers]fault
	links  [servers][2][]*proxy
	old    []*proxy
}

func (n *proxyNet) client(lrn, i int) (*clientv3.Client, error) {
	n.old = append(n.old, n.links[lrn][i]...)
	n.links[lrn][i] = nil
	config := neco.EtcdConfig{Prefix: n.prefix, Timeout: "2s"}
	for m := range servers {
		p, err := newProxy(cluster.Endpoint(m))
		if err != nil {
			return nil, err
		}
		p.set(n.state[lrn])
		n.links[lrn][i] = append(n.links[lrn][i], p)
		config.Endpoints = append(config.Endpoints, "http://"+p.Addr().String())
	}
	return config.Client()
}

func (n *proxyNet) set(lrn, state int) {
	n.state[lrn] = fault(state)
	for _, links := range n.links[lrn] {
		for _, p := range links {
			p.set(fault(state))
		}
	}
}

func (n *proxyNet) states() int { return int(numFaults) }

func (n *proxyNet) refuse(lrn, i int) {
	state := []fault{refused, silent}[n.rand.IntN(2)]
	for _, p := range n.links[lrn][i] {
		p.set(state)
	}
}

func (n *proxyNet) noMajority(d time.Duration) {
	for lrn := range servers {
		n.set(lrn, int(refused))
	}
	pause(n.ctx, d)
}

// compact compacts the cluster, which all scenarios share.
func (n *proxyNet) compact() error {
	c, err := cluster.Client(n.prefix)
	if err != nil {
		return err
	}
	defer c.Close()
	res, err := c.Get(n.ctx, "any")
	if err != nil {
		return err
	}
	// Another scenario may have compacted further already.
	_, _ = c.Compact(n.ctx, res.Header.Revision)
	return nil
}

func (n *proxyNet) close() {
	for _, s := range n.links {
		for _, links := range s {
			n.old = append(n.old, links...)
		}
	}
	for _, p := range n.old {
		p.end()
	}
}
