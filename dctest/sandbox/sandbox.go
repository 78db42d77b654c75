package sandbox

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
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

// Sandbox is a running data centre.  Its methods may be used by several
// goroutines at once.
type Sandbox struct {
	opts Options
	own  bool // the directory is removed in the end

	// Close ends the units first, and what they use after them.
	units, bg *background

	board    *network.Switchboard
	cluster  *etcd.Cluster
	client   *clientv3.Client
	store    *storage.Storage
	releases *releaseserver.Server
	internet *internet.Internet
	proxy    string // its address

	mu      sync.Mutex
	servers map[int]*Server
	members map[string]int // servers by the identity of their etcd member
	closed  bool
	// published are the versions on the release server.
	published []string
}

// Start starts a sandbox.  When it returns, etcd and the internet work, the
// package is published as a release and installed on every boot server, and
// their units are started.  The updater finds the release, and makes a first
// run for it: see [Sandbox.Follow].
//
// The sandbox runs until Close, whatever becomes of ctx.
func Start(ctx context.Context, o Options) (*Sandbox, error) {
	if err := errors.Join(o.complete(), CheckDeb(ctx, o.Deb)); err != nil {
		return nil, fmt.Errorf("start sandbox: %w", err)
	}
	s := &Sandbox{opts: o, board: network.NewSwitchboard(), servers: map[int]*Server{}, members: map[string]int{}}
	own, err := s.opts.makeDir()
	if err != nil {
		return nil, fmt.Errorf("start sandbox: %w", err)
	}
	s.own = own
	s.bg = newBackground(context.WithoutCancel(ctx))
	s.units = newBackground(s.bg.ctx)
	for _, begin := range []func(context.Context) error{s.checkSpace, s.startEtcd, s.startInternet, s.configure, s.install, s.boot} {
		if err := begin(ctx); err != nil {
			return nil, errors.Join(fmt.Errorf("start sandbox: %w", err), s.Close())
		}
	}
	return s, nil
}

// Close ends everything, and removes the directory if it was a temporary one.
// It returns the first error of what ran in the background.
func (s *Sandbox) Close() error {
	s.mu.Lock()
	again := s.closed
	s.closed = true
	s.mu.Unlock()
	if again {
		return nil
	}
	s.board.Heal() // who waits for a line would not end in time
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

// Failed is closed when something in the background has failed, or the sandbox
// was closed.
func (s *Sandbox) Failed() <-chan struct{} { return s.units.ctx.Done() }

// Storage reads and writes what Neco keeps in etcd.  Servers that are cut off
// do not stand in its way.
func (s *Sandbox) Storage() *storage.Storage { return s.store }

// Dir is where everything is.
func (s *Sandbox) Dir() string { return s.opts.Dir }

// Servers are the boot servers that exist.
func (s *Sandbox) Servers() []int { return s.opts.Servers }

// Server returns a boot server.
func (s *Sandbox) Server(lrn int) (*Server, error) {
	srv := s.all()[lrn]
	if srv == nil {
		return nil, fmt.Errorf("there is no boot server %d; there are %v", lrn, s.opts.Servers)
	}
	return srv, nil
}

// all are the boot servers by their LRN.
func (s *Sandbox) all() map[int]*Server {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.servers)
}

func (s *Sandbox) path(elem ...string) string {
	return filepath.Join(append([]string{s.opts.Dir}, elem...)...)
}

// background are goroutines that end together.
type background struct {
	*errgroup.Group
	ctx    context.Context // ends with the first error, and by end
	cancel context.CancelFunc
}

func newBackground(ctx context.Context) *background {
	ctx, cancel := context.WithCancel(ctx)
	g, ctx := errgroup.WithContext(ctx)
	return &background{g, ctx, cancel}
}

// end ends all, waits for that, and returns the first error.
func (b *background) end() error {
	b.cancel()
	return b.Wait()
}

// listen opens a listener on a free port.
func listen() (net.Listener, error) { return net.Listen("tcp", "127.0.0.1:0") }
