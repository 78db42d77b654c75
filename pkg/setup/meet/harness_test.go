package meet

import (
	"context"
	"crypto/ecdsa"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"

	"github.com/cybozu-go/neco/pkg/pki"
)

// hall is a leader, boot server 0 of 0, 1 and 2, that listens in memory.
type hall struct {
	*Server
	t     *testing.T
	conns chan net.Conn
	told  *record
}

// open starts a leader, which ends with the test.
func open(t *testing.T, change func(*Server)) *hall {
	h := &hall{t: t, conns: make(chan net.Conn), told: &record{}}
	h.Server = &Server{
		Token: NewToken(), LRNs: []int{2, 0, 1}, LRN: 0,
		Addresses: map[int][]netip.Addr{0: {address(0)}, 1: {address(1), netip.MustParseAddr("10.72.32.1")}, 2: {address(2)}},
		Keys:      &keys{}, Handle: echo, Tell: h.told.tell,
	}
	if change != nil {
		change(h.Server)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- h.Serve(ctx, &listener{conns: h.conns, closed: make(chan struct{})}) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error("leader:", err)
		}
	})
	return h
}

func address(lrn int) netip.Addr { return netip.AddrFrom4([4]byte{10, 69, byte(lrn), 3}) }

// call opens a connection to the leader from that address.
func (h *hall) call(from netip.Addr) net.Conn {
	mine, leaders := net.Pipe()
	h.conns <- addressed{leaders, from}
	h.t.Cleanup(func() { mine.Close() })
	return mine
}

// member is boot server lrn, as it should be.
func (h *hall) member(lrn int) Member {
	return Member{Token: h.Token, LRNs: []int{0, 1, 2}, Leader: 0, LRN: lrn, Key: newKey(h.t)}
}

// connect is a member's call that has to succeed.
func (h *hall) connect(m Member) *Client {
	h.t.Helper()
	c, err := m.Connect(h.t.Context(), h.call(address(m.LRN)))
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(c.Close)
	return c
}

// stranger has a TLS session with the leader and proves nothing.
func (h *hall) stranger(from netip.Addr) *tls.Conn {
	h.t.Helper()
	conf, err := memberTLS(newKey(h.t))
	if err != nil {
		h.t.Fatal(err)
	}
	session := tls.Client(h.call(from), conf)
	if err := session.HandshakeContext(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
	return session
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	key, err := pki.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func echo(_ context.Context, p Peer, method string, body json.RawMessage) (any, error) {
	return map[string]any{"lrn": p.LRN, "method": method, "body": body}, nil
}

// keys in memory.
type keys struct {
	mu    sync.Mutex
	bound map[int][]byte
	err   error
}

func (k *keys) Bind(_ context.Context, lrn int, key []byte) ([]byte, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.err != nil {
		return nil, k.err
	}
	if k.bound == nil {
		k.bound = map[int][]byte{}
	}
	if k.bound[lrn] == nil {
		k.bound[lrn] = key
	}
	return k.bound[lrn], nil
}

// addressed is the leader's end of a connection from that address.
type addressed struct {
	net.Conn
	from netip.Addr
}

func (a addressed) RemoteAddr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.AddrPortFrom(a.from, 40000))
}

type listener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *listener) Addr() net.Addr { return &net.TCPAddr{} }

// record keeps what the leader tells.
type record struct {
	mu     sync.Mutex
	events []Event
}

func (r *record) tell(e Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
}

// has says whether something was told whose error is of that kind.
func (r *record) has(target error) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.ContainsFunc(r.events, func(e Event) bool { return errors.Is(e.Err, target) })
}

// silentLeader greets a member and then reads what it says without a word.
func silentLeader(t *testing.T, h *hall, m Member) (*Client, func()) {
	members, mine := net.Pipe()
	conf, err := leaderTLS()
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		session := tls.Server(addressed{mine, address(m.LRN)}, conf)
		if _, err := h.greet(t.Context(), session); err != nil {
			t.Error(err)
		}
		_, _ = io.Copy(io.Discard, session)
	}()
	c, err := m.Connect(t.Context(), members)
	if err != nil {
		t.Fatal(err)
	}
	return c, func() { mine.Close(); <-ended }
}
