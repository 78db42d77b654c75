package sandbox

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"sync"

	clientv3 "go.etcd.io/etcd/client/v3"
	"golang.org/x/sync/errgroup"

	"github.com/cybozu-go/neco/dctest/releaseserver"
	"github.com/cybozu-go/neco/dctest/sandbox/etcd"
	"github.com/cybozu-go/neco/dctest/sandbox/internet"
	"github.com/cybozu-go/neco/dctest/sandbox/network"
	"github.com/cybozu-go/neco/pkg/storage"
)

// Sandbox is a running data centre. Its methods are safe for concurrent use.
type Sandbox struct {
	opts Options
	own  bool // Close removes the directory

	// units holds the goroutines that run systemd units. bg holds those of the servers
	// that the units use, such as the proxies. Close stops units first.
	units, bg *background

	partition *network.Partition
	cluster   *etcd.Cluster
	client    *clientv3.Client
	store     *storage.Storage
	releases  *releaseserver.Server
	internet  *internet.Internet
	proxy     string // the address of the proxy
	sabakan   string // the URL of the sabakan of all boot servers

	mu      sync.Mutex
	servers map[int]*Server
	members map[string]int // LRNs by the ID of the etcd member
	closed  bool
	// published holds the versions on the release server.
	published []string
}

// Start starts a sandbox. When it returns, etcd and the simulated internet work, the
// package is published as a release and installed on every boot server, and the units of
// all boot servers are started. The updater then finds the release and requests the first
// run: see [Sandbox.Follow].
//
// The sandbox runs until Close is called, even if ctx is done before.
func Start(ctx context.Context, o Options) (*Sandbox, error) {
	if err := errors.Join(o.complete(), CheckDeb(ctx, o.Deb)); err != nil {
		return nil, fmt.Errorf("start sandbox: %w", err)
	}
	s := &Sandbox{opts: o, partition: network.NewPartition(), servers: map[int]*Server{}, members: map[string]int{}}
	own, err := s.opts.makeDir()
	if err != nil {
		return nil, fmt.Errorf("start sandbox: %w", err)
	}
	s.own = own
	s.bg = newBackground(context.WithoutCancel(ctx))
	s.units = newBackground(s.bg.ctx)
	for _, begin := range []func(context.Context) error{s.checkSpace, s.startEtcd, s.startInternet, s.startSabakan, s.configure, s.install, s.boot} {
		if err := begin(ctx); err != nil {
			return nil, errors.Join(fmt.Errorf("start sandbox: %w", err), s.Close())
		}
	}
	return s, nil
}

// Close stops the sandbox, and removes its directory if that is a temporary one. It
// blocks until all processes have ended, and returns the errors of the background
// goroutines. Further calls return nil.
func (s *Sandbox) Close() error {
	s.mu.Lock()
	again := s.closed
	s.closed = true
	s.mu.Unlock()
	if again {
		return nil
	}
	s.partition.Heal() // a connection that waits for a cut link would delay the end
	err := errors.Join(s.units.end(), s.bg.end())
	if s.client != nil {
		err = errors.Join(err, s.client.Close())
	}
	if s.cluster != nil {
		s.cluster.Close()
	}
	for _, srv := range s.all() {
		err = errors.Join(err, srv.removeSocket())
	}
	if s.own {
		err = errors.Join(err, os.RemoveAll(s.opts.Dir))
	}
	return err
}

// Failed returns a channel that is closed when one of the sandbox's goroutines has failed
// or the sandbox was closed.
func (s *Sandbox) Failed() <-chan struct{} { return s.units.ctx.Done() }

// Storage returns the storage of Neco's keys in etcd. It uses only members that are not
// cut off.
func (s *Sandbox) Storage() *storage.Storage { return s.store }

// Dir returns the directory of the sandbox.
func (s *Sandbox) Dir() string { return s.opts.Dir }

// Sabakan returns the URL of the sabakan that all boot servers use.
func (s *Sandbox) Sabakan() string { return s.sabakan }

// Servers returns the LRNs of the boot servers that exist.
func (s *Sandbox) Servers() []int { return s.opts.Servers }

// Server returns the boot server with the given LRN, and an error if it does not exist.
func (s *Sandbox) Server(lrn int) (*Server, error) {
	srv := s.all()[lrn]
	if srv == nil {
		return nil, fmt.Errorf("there is no boot server %d; there are %v", lrn, s.opts.Servers)
	}
	return srv, nil
}

// all returns the boot servers by LRN.
func (s *Sandbox) all() map[int]*Server {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.servers)
}

func (s *Sandbox) path(elem ...string) string {
	return filepath.Join(append([]string{s.opts.Dir}, elem...)...)
}

// background is a group of goroutines that are ended together.
type background struct {
	*errgroup.Group
	ctx    context.Context // done after the first error, or after end was called
	cancel context.CancelFunc
}

func newBackground(ctx context.Context) *background {
	ctx, cancel := context.WithCancel(ctx)
	g, ctx := errgroup.WithContext(ctx)
	return &background{g, ctx, cancel}
}

// end cancels the goroutines, waits for them, and returns the first error.
func (b *background) end() error {
	b.cancel()
	return b.Wait()
}
