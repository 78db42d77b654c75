package meet

import (
	"context"
	"crypto/ecdsa"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/cybozu-go/neco/pkg/pki"
)

// leaderUnderTest is the leader of boot servers 0, 1 and 2, with the LRN 0. It listens
// in memory.
type leaderUnderTest struct {
	*Server
	t     *testing.T
	conns chan net.Conn
	told  *record
	stop  func() // ends the leader and waits until Serve returns
}

// open starts a leader after change has modified it. The leader is stopped at the end
// of the test.
func open(t *testing.T, change func(*Server)) *leaderUnderTest {
	h := &leaderUnderTest{t: t, conns: make(chan net.Conn), told: &record{}}
	h.Server = &Server{
		Token: NewToken(), LRNs: []int{2, 0, 1}, LRN: 0,
		Addresses: map[int][]netip.Addr{0: {address(0)}, 1: {address(1), netip.MustParseAddr("10.72.32.1")}, 2: {address(2)}},
		Keys:      &keys{}, Handle: echo, OnEvent: h.told.add,
	}
	if change != nil {
		change(h.Server)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- h.Serve(ctx, &memory{conns: h.conns, closed: make(chan struct{})}) }()
	h.stop = sync.OnceFunc(func() {
		cancel()
		begin := time.Now()
		if err := <-ended; err != nil || time.Since(begin) > time.Second {
			t.Errorf("leader: %v after %s", err, time.Since(begin))
		}
	})
	t.Cleanup(h.stop)
	return h
}

func address(lrn int) netip.Addr { return netip.AddrFrom4([4]byte{10, 69, byte(lrn), 3}) }

// call opens a connection to the leader whose remote address is from.
func (h *leaderUnderTest) call(from netip.Addr) net.Conn {
	h.t.Helper()
	conn, err := h.dial(h.t.Context(), from)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { conn.Close() })
	return conn
}

func (h *leaderUnderTest) dial(ctx context.Context, from netip.Addr) (net.Conn, error) {
	mine, leaders := net.Pipe()
	select {
	case h.conns <- addressed{leaders, from}:
		return mine, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// member returns a Member for the boot server lrn with valid values.
func (h *leaderUnderTest) member(lrn int) Member {
	return Member{Token: h.Token, LRNs: []int{0, 1, 2}, Leader: 0, LRN: lrn, Key: newKey(h.t)}
}

// client returns a client for the member m. It connects from the address of m.
func (h *leaderUnderTest) client(m Member) *Client {
	c := newClient(m, func(ctx context.Context) (net.Conn, error) { return h.dial(ctx, address(m.LRN)) })
	h.t.Cleanup(c.Close)
	return c
}

// connect returns a client for the member m, whose first call has succeeded.
func (h *leaderUnderTest) connect(m Member) *Client {
	h.t.Helper()
	c := h.client(m)
	if err := c.Call(h.t.Context(), "connect", nil, nil); err != nil {
		h.t.Fatal(err)
	}
	return c
}

// prove returns a TLS session on which the member m is authenticated.
func (h *leaderUnderTest) prove(m Member) *tls.Conn {
	h.t.Helper()
	session, err := m.connect(h.t.Context(), h.call(address(m.LRN)))
	if err != nil {
		h.t.Fatal(err)
	}
	if err := session.SetDeadline(time.Time{}); err != nil {
		h.t.Fatal(err)
	}
	return session
}

// unproved returns a TLS session with the leader on which no proof was sent.
func (h *leaderUnderTest) unproved(from netip.Addr) *tls.Conn {
	h.t.Helper()
	return h.session(newKey(h.t), from, alpn)
}

func (h *leaderUnderTest) session(key *ecdsa.PrivateKey, from netip.Addr, protocol string) *tls.Conn {
	h.t.Helper()
	conf, err := memberTLS(key)
	if err != nil {
		h.t.Fatal(err)
	}
	conf.NextProtos = []string{protocol}
	session := tls.Client(h.call(from), conf)
	if err := session.HandshakeContext(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
	return session
}

// write sends text on conn and fails the test if that fails.
func write(t *testing.T, conn net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
}

// closed blocks until the leader closes the connection conn. It returns the data that
// the leader sent before, and the time until the end.
func closed(conn net.Conn) (answer string, took time.Duration) {
	begin := time.Now()
	data, _ := io.ReadAll(conn)
	return string(data), time.Since(begin)
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

// keys stores keys in memory.
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

// addressed is a connection on the leader's side with the remote address from.
type addressed struct {
	net.Conn
	from netip.Addr
}

func (a addressed) RemoteAddr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.AddrPortFrom(a.from, 40000))
}

type memory struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (l *memory) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *memory) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *memory) Addr() net.Addr { return &net.TCPAddr{} }

// record stores the events of a leader.
type record struct {
	mu     sync.Mutex
	events []Event
}

func (r *record) add(e Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
}

// has reports whether an event had an error that is target.
func (r *record) has(target error) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.ContainsFunc(r.events, func(e Event) bool { return errors.Is(e.Err, target) })
}

// texts returns the texts of the events so far.
func (r *record) texts() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var texts []string
	for _, e := range r.events {
		texts = append(texts, fmt.Sprint(e.Kind, " ", e.LRN, " ", e.Addr))
	}
	return texts
}
