// Package etcd runs a cluster of real etcd members in this process, for the sandbox,
// tests and benchmarks.
//
// It owns the ports and directories of members and starts and stops them. It must not
// know the keys that clients store. No program of the Debian package imports it.
package etcd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"go.etcd.io/etcd/client/pkg/v3/transport"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/namespace"
	"go.etcd.io/etcd/server/v3/embed"
	"go.etcd.io/etcd/server/v3/storage/wal"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"golang.org/x/crypto/bcrypt"
	"google.golang.org/grpc"

	"github.com/cybozu-go/neco/dctest/loopback"
)

// Options configure a cluster.
type Options struct {
	// Dir holds a directory for each member.
	Dir string
	// Members is the number of members.
	Members int
	// NoFsync makes the members faster: they do not sync their files to the disk, and
	// hash the passwords of etcd's users at the lowest cost. It is for tests without
	// power loss.
	NoFsync bool
	// Advertise, if not nil, is called with the peer address listen of each member i. It
	// returns the host and port that the member advertises instead, so that there can be
	// a proxy between members.
	Advertise func(i int, listen string) (string, error)
	// TLS, if it has files, names the server certificate of the members and the CA of
	// client certificates.
	TLS transport.TLSInfo
}

// Cluster is a running cluster.
type Cluster struct {
	members []*embed.Etcd
	configs []*embed.Config
}

// startTimeout is how long Start waits for all members to become ready before it fails.
const startTimeout = time.Minute

// Start starts the members and returns when all of them serve clients. If another process
// has taken one of the ports, it tries again with other ports.
func Start(ctx context.Context, o Options) (*Cluster, error) {
	shrinkWAL()
	var err error
	for attempt := range 5 {
		var c *Cluster
		o := o
		o.Dir = filepath.Join(o.Dir, fmt.Sprint("cluster", attempt))
		if c, err = start(ctx, o); err == nil {
			return c, nil
		}
		if !strings.Contains(err.Error(), "address already in use") {
			break
		}
	}
	return nil, fmt.Errorf("start etcd: %w", err)
}

func start(ctx context.Context, o Options) (*Cluster, error) {
	c := &Cluster{}
	var initial []string
	for i := range o.Members {
		cfg, peer, err := memberConfig(o, i)
		if err != nil {
			return nil, err
		}
		initial = append(initial, cfg.Name+"="+peer)
		c.configs = append(c.configs, cfg)
	}
	type started struct {
		i   int
		e   *embed.Etcd
		err error
	}
	ch := make(chan started, o.Members)
	c.members = make([]*embed.Etcd, o.Members)
	for i, cfg := range c.configs {
		cfg.InitialCluster = strings.Join(initial, ",")
		go func() {
			e, err := embed.StartEtcd(cfg)
			ch <- started{i, e, err}
		}()
	}
	var errs []error
	for range o.Members {
		s := <-ch
		c.members[s.i] = s.e
		errs = append(errs, s.err)
	}
	err := errors.Join(errs...)
	if err == nil {
		err = c.ready(ctx)
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func memberConfig(o Options, i int) (*embed.Config, string, error) {
	cfg := embed.NewConfig()
	cfg.Name = fmt.Sprintf("boot-%d", i)
	cfg.Dir = filepath.Join(o.Dir, cfg.Name)
	cfg.ZapLoggerBuilder = embed.NewZapLoggerBuilder(fatalLogger(cfg.Name, os.Stderr))
	cfg.UnsafeNoFsync = o.NoFsync
	if o.NoFsync {
		cfg.BcryptCost = uint(bcrypt.MinCost) // some tests create dozens of users
	}
	cfg.TickMs, cfg.ElectionMs = 100, 1000
	cfg.AutoCompactionMode, cfg.AutoCompactionRetention = "periodic", "24h"
	free, err := loopback.FreeAddresses(2)
	if err != nil {
		return nil, "", err
	}
	peer, client := &url.URL{Scheme: "http", Host: free[0]}, &url.URL{Scheme: "http", Host: free[1]}
	if !o.TLS.Empty() {
		client.Scheme, cfg.ClientTLSInfo = "https", o.TLS
	}
	cfg.ListenPeerUrls = []url.URL{*peer}
	cfg.ListenClientUrls, cfg.AdvertiseClientUrls = []url.URL{*client}, []url.URL{*client}
	advertised := *peer
	if o.Advertise != nil {
		if advertised.Host, err = o.Advertise(i, peer.Host); err != nil {
			return nil, "", err
		}
	}
	cfg.AdvertisePeerUrls = []url.URL{advertised}
	return cfg, advertised.String(), nil
}

// shrinkWAL makes the members' WAL files smaller. A member allocates each WAL file in
// full size, by default 64 MB, of which a cluster in a test uses little.
var shrinkWAL = sync.OnceFunc(func() { wal.SegmentSizeBytes = 8 << 20 })

// fatalLogger returns a logger that only prints fatal messages. After such a message etcd
// ends the process, for example when it cannot write to its disk.
func fatalLogger(member string, to io.Writer) *zap.Logger {
	format := zapcore.NewConsoleEncoder(zapcore.EncoderConfig{NameKey: "name", MessageKey: "message", EncodeName: zapcore.FullNameEncoder})
	return zap.New(zapcore.NewCore(format, zapcore.Lock(zapcore.AddSync(to)), zapcore.FatalLevel)).Named("etcd " + member)
}

func (c *Cluster) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for i, m := range c.members {
		select {
		case <-m.Server.ReadyNotify():
		case err := <-m.Err():
			return err
		case <-ctx.Done():
			return fmt.Errorf("member %d is not ready: %w", i, ctx.Err())
		}
	}
	return nil
}

// Close stops all members.
func (c *Cluster) Close() {
	for _, m := range c.members {
		if m != nil {
			m.Close()
		}
	}
}

// Stop stops member i, which cannot be started again.
func (c *Cluster) Stop(i int) {
	c.members[i].Close()
	c.members[i] = nil
}

// Endpoint returns the client address of member i as host:port.
func (c *Cluster) Endpoint(i int) string { return c.configs[i].ListenClientUrls[0].Host }

// MemberID returns the ID of member i in the form in which members identify themselves to
// each other.
func (c *Cluster) MemberID(i int) string { return c.members[i].Server.MemberID().String() }

// Endpoints returns the client addresses of all members.
func (c *Cluster) Endpoints() []string {
	var eps []string
	for i := range c.configs {
		eps = append(eps, c.Endpoint(i))
	}
	return eps
}

// Client returns a client of all members that prepends prefix to keys. The caller closes
// it.
func (c *Cluster) Client(prefix string) (*clientv3.Client, error) {
	cl, err := clientv3.New(clientv3.Config{
		Endpoints: c.Endpoints(), DialTimeout: 5 * time.Second, Logger: zap.NewNop(),
		DialOptions: []grpc.DialOption{grpc.WithNoProxy()},
	})
	if err != nil {
		return nil, err
	}
	cl.KV = namespace.NewKV(cl.KV, prefix)
	cl.Watcher = namespace.NewWatcher(cl.Watcher, prefix)
	cl.Lease = namespace.NewLease(cl.Lease, prefix)
	return cl, nil
}
