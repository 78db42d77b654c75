package setup

import (
	"context"
	"crypto/ecdsa"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"path"
	"strconv"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/pki"
	"github.com/cybozu-go/neco/pkg/retry"
	"github.com/cybozu-go/neco/pkg/setup/meet"
)

// channelKeyFile is the key with which this server authenticates itself to the others
// during the setup. boundDir is the leader's directory with the public keys of the
// other servers.
var (
	channelKeyFile = path.Join(Dir, "channel.key")
	boundDir       = path.Join(Dir, "bound")
)

// open opens the connection to the leader: on the leader, the port for the other
// servers; on every other server, a client that connects on first use.
func (r *run) open(ctx context.Context) error {
	if r.leads {
		l, err := r.listen(ctx)
		r.link = l
		return err
	}
	makeKey := func() (*ecdsa.PrivateKey, error) { return channelKey(r.FS) }
	if r.CheckOnly {
		makeKey = pki.NewKey
	}
	key, err := makeKey()
	if err != nil {
		return fmt.Errorf("key of the channel: %w", err)
	}
	from := pki.NewSubject(r.LRN, "", netip.Addr{}).Node0
	leader := pki.NewSubject(Leader(r.LRNs), "", netip.Addr{}).Node0
	r.link = newRemoteLink(r, key, from, netip.AddrPortFrom(leader, meet.Port))
	return nil
}

// channelKey returns the key with which this server authenticates itself during the
// whole setup. The first call creates and stores it.
func channelKey(fsys host.FS) (*ecdsa.PrivateKey, error) {
	data, err := fsys.Read(channelKeyFile)
	if err == nil {
		return pki.ParseKey(data)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	key, err := pki.NewKey()
	if err != nil {
		return nil, err
	}
	if data, err = pki.MarshalKey(key); err != nil {
		return nil, err
	}
	_, err = fsys.Write(host.File{Path: channelKeyFile, Data: data, Mode: 0o600})
	return key, err
}

// listen opens the leader's port, on which its request handlers answer the other
// servers.
func (r *run) listen(ctx context.Context) (link, error) {
	d := newHandlers(r)
	if r.done() {
		// All servers were at the last stage when the leader completed it. A
		// server that has completed since does not connect again.
		for _, lrn := range r.LRNs {
			d.peers.arrive(lrn, Position{Stage: len(table()) - 1})
		}
	}
	addresses := map[int][]netip.Addr{}
	for _, lrn := range r.LRNs {
		addresses[lrn] = []netip.Addr{pki.NewSubject(lrn, "", netip.Addr{}).Node0}
	}
	l, err := meet.Listen(ctx, addresses[r.LRN][0])
	if err != nil {
		return nil, err
	}
	return r.serve(ctx, d, l, addresses), nil
}

// serve starts a goroutine in which the handlers d answer the other servers on the
// listener l. addresses are the addresses of the servers by LRN.
func (r *run) serve(ctx context.Context, d *handlers, l net.Listener, addresses map[int][]netip.Addr) *ownLink {
	s := &meet.Server{
		Token: r.token, LRNs: r.LRNs, LRN: r.LRN, Addresses: addresses, Keys: r.keys(), OnEvent: d.printEvent,
		Handle: func(ctx context.Context, peer meet.Peer, method string, body json.RawMessage) (any, error) {
			return d.handle(ctx, peer.LRN, method, body)
		},
	}
	ctx, cancel := context.WithCancel(ctx)
	var g errgroup.Group
	g.Go(func() error { return s.Serve(ctx, l) })
	return &ownLink{handlers: d, stop: func() {
		cancel()
		if err := g.Wait(); err != nil {
			r.lines.Say(stageMeet, "the leader's port failed: %v", err)
		}
	}}
}

// keys returns the store for the public keys of the other servers. In a check-only run
// that store keeps nothing.
func (r *run) keys() meet.Keys {
	if r.CheckOnly {
		return anyKey{}
	}
	return &boundKeys{fs: r.FS}
}

// anyKey is a meet.Keys that accepts every key and stores no key.
type anyKey struct{}

// Bind implements meet.Keys.
func (anyKey) Bind(_ context.Context, _ int, key []byte) ([]byte, error) { return key, nil }

// boundKeys stores on the leader's disk, for each of the other servers, the first key
// that the server has used. That key remains bound to the server.
type boundKeys struct {
	mu sync.Mutex
	fs host.FS
}

// Bind implements meet.Keys.
func (b *boundKeys) Bind(_ context.Context, lrn int, key []byte) ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	name := path.Join(boundDir, strconv.Itoa(lrn))
	was, err := b.fs.Read(name)
	if err == nil {
		return was, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	_, err = b.fs.Write(host.File{Path: name, Data: key, Mode: 0o600})
	return key, err
}

// remoteLink is the link of a server that is not the leader. It reconnects to the
// leader as often as necessary, because the leader may be started later, or restarted.
type remoteLink struct {
	r      *run
	client *meet.Client
	// at is the position of this server in the stages. The first request on each
	// connection reports it.
	at atomic.Pointer[Position]
}

func newRemoteLink(r *run, key *ecdsa.PrivateKey, from netip.Addr, leader netip.AddrPort) *remoteLink {
	l := &remoteLink{r: r}
	l.at.Store(&Position{})
	o := r.Options // any goroutine may read it
	l.client = meet.NewClient(meet.Member{
		Token: r.token, LRNs: o.LRNs, Leader: Leader(o.LRNs), LRN: o.LRN, Key: key, From: from,
		// A leader that was started again has lost the facts and positions of the
		// other servers, which may be far ahead of it.
		Hello: func() (string, any) { return methodHello, greeting{o.ownFacts(), *l.at.Load()} },
	}, leader)
	return l
}

func (l *remoteLink) await(ctx context.Context, p Position, led bool, late func([]int)) error {
	l.at.Store(&p)
	var told string
	for {
		var a waited
		if err := l.call(ctx, methodAwait, awaiting{p, led}, &a); err != nil {
			return err
		}
		if len(a.Late) == 0 {
			return nil
		}
		if now := lrnList(a.Late); now != told {
			late(a.Late)
			told = now
		}
	}
}

// call sends a request to the leader, and repeats it until the leader answers or ctx
// ends. A repetition is harmless: all requests are idempotent.
func (l *remoteLink) call(ctx context.Context, method string, in, out any) error {
	told := false
	var last error
	err := retry.Until(ctx, func() error {
		last = l.client.Call(ctx, method, in, out)
		unreachable := errors.Is(last, meet.ErrUnreachable)
		if unreachable && !told && !l.r.done() {
			l.r.lines.Say(stageMeet, "waits for the leader, boot server %d: start neco setup there", Leader(l.r.LRNs))
			told = true
		}
		if unreachable || errors.Is(last, meet.ErrDisconnected) {
			return last
		}
		return nil
	})
	if err != nil {
		return err
	}
	return last
}

// present reports p, the [Position] of this server in the setup, to the leader. A
// leader that was restarted waits for this report.
func (l *remoteLink) present(ctx context.Context, p Position) {
	l.at.Store(&p)
	l.report(ctx, p, l.call)
}

// leave reports p, the [Position] of this server in the setup, to the leader. It does
// not repeat a failed report, because the leader may already have ended.
func (l *remoteLink) leave(ctx context.Context, p Position) error {
	l.report(ctx, p, l.client.Call)
	return nil
}

// report sends p, the [Position] of this server in the setup, to the leader by means of
// call. It ignores errors, because a leader that is complete has closed its port.
func (l *remoteLink) report(ctx context.Context, p Position, call func(context.Context, string, any, any) error) {
	ctx, cancel := context.WithTimeout(ctx, 2*hold)
	defer cancel()
	_ = call(ctx, methodAwait, awaiting{At: p}, &waited{})
}

func (l *remoteLink) close() { l.client.Close() }
