package setup

import (
	"context"
	"crypto/ecdsa"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"path"
	"strconv"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/pki"
	"github.com/cybozu-go/neco/pkg/retry"
	"github.com/cybozu-go/neco/pkg/setup/meet"
)

// Files of the channel between the servers: this one's key, and, on the
// leader, those that the others came with.
var (
	channelKeyFile = path.Join(Dir, "channel.key")
	boundDir       = path.Join(Dir, "bound")
)

// open makes the link.
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
	r.link = &remoteLink{r: r, member: meet.Member{
		Token: r.token, LRNs: r.LRNs, Leader: Leader(r.LRNs), LRN: r.LRN, Key: key, From: from,
	}}
	return nil
}

// channelKey is this server's for the whole bootstrap.
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

// listen opens the leader's desk.
func (r *run) listen(ctx context.Context) (link, error) {
	d := newDesk(r)
	if r.done() {
		// All were at the last stage when this server, the leader, did it: who
		// was quicker since has no need to come again.
		for _, lrn := range r.LRNs {
			d.board.arrive(lrn, Position{Stage: len(table()) - 1})
		}
	}
	addresses := map[int][]netip.Addr{}
	for _, lrn := range r.LRNs {
		addresses[lrn] = []netip.Addr{pki.NewSubject(lrn, "", netip.Addr{}).Node0}
	}
	s := &meet.Server{
		Token: r.token, LRNs: r.LRNs, LRN: r.LRN, Addresses: addresses, Keys: r.keys(), Tell: d.tell,
		Handle: func(ctx context.Context, peer meet.Peer, method string, body json.RawMessage) (any, error) {
			return d.handle(ctx, peer.LRN, method, body)
		},
	}
	l, err := meet.Listen(ctx, addresses[r.LRN][0])
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	var g errgroup.Group
	g.Go(func() error { return s.Serve(ctx, l) })
	return &ownLink{desk: d, stop: func() {
		cancel()
		if err := g.Wait(); err != nil {
			r.lines.Say(stageMeet, "the leader's port failed: %v", err)
		}
	}}, nil
}

// keys remembers those of the others; a check leaves no trace.
func (r *run) keys() meet.Keys {
	if r.CheckOnly {
		return anyKey{}
	}
	return &boundKeys{fs: r.FS}
}

// anyKey binds nobody.
type anyKey struct{}

// Bind implements meet.Keys.
func (anyKey) Bind(_ context.Context, _ int, key []byte) ([]byte, error) { return key, nil }

// boundKeys remembers the keys of the others on the leader's disk.
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

// remoteLink is a follower's link.  It connects anew as often as it takes: the
// leader may be started later, or again.
type remoteLink struct {
	r      *run
	member meet.Member
	client *meet.Client
	// at is how far this server has come.
	at Position
}

func (l *remoteLink) await(ctx context.Context, p Position, led bool, late func([]int)) error {
	l.at = p
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

// call asks until there is an answer: all requests may be repeated.
func (l *remoteLink) call(ctx context.Context, method string, in, out any) error {
	told := false
	var last error
	err := retry.Until(ctx, func() error {
		if l.client == nil {
			client, err := l.member.Dial(ctx, netip.AddrPortFrom(l.leader(), meet.Port))
			var refused meet.Refusal
			if errors.As(err, &refused) && refused != meet.Busy {
				last = err
				return nil
			}
			if err != nil {
				if !told && !l.r.done() {
					l.r.lines.Say(stageMeet, "waits for the leader, boot server %d: start neco setup there", l.member.Leader)
					told = true
				}
				return err
			}
			// A leader that was started again has to learn anew who there is,
			// and where, also from those that are far ahead of it.
			if err := client.Call(ctx, methodHello, greeting{l.r.ownFacts(), l.at}, &struct{}{}); err != nil {
				client.Close()
				if errors.Is(err, meet.ErrDisconnected) {
					return err
				}
				last = err
				return nil
			}
			l.client = client
		}
		last = l.client.Call(ctx, method, in, out)
		if errors.Is(last, meet.ErrDisconnected) {
			l.client.Close()
			l.client = nil
			return last
		}
		return nil
	})
	if err != nil {
		return err
	}
	return last
}

// present lets a leader that has started over go on.
func (l *remoteLink) present(ctx context.Context, p Position) {
	ctx, cancel := context.WithTimeout(ctx, 2*hold)
	defer cancel()
	l.at = p
	// One that is complete is not there any more.
	_ = l.call(ctx, methodAwait, awaiting{At: p}, &waited{})
}

// leave tells the leader once: it may be gone already.
func (l *remoteLink) leave(ctx context.Context, p Position) error {
	if l.client != nil {
		// Whether it heard it makes no difference here.
		_ = l.client.Call(ctx, methodAwait, awaiting{At: p}, &waited{})
	}
	return nil
}

func (l *remoteLink) leader() netip.Addr {
	return pki.NewSubject(l.member.Leader, "", netip.Addr{}).Node0
}

func (l *remoteLink) close() {
	if l.client != nil {
		l.client.Close()
	}
}
