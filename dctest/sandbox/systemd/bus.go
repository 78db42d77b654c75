package systemd

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"

	"github.com/godbus/dbus/v5"
)

// bus is the D-Bus socket of a manager, with its clients.
type bus struct {
	m        *Manager
	listener *net.UnixListener
	guid     string
	methods  map[string]method

	mu     sync.Mutex
	conns  map[*busConn]bool
	last   int
	closed bool
	wg     sync.WaitGroup
}

// listenBus opens the socket at path. It replaces a socket that a killed manager has left
// there.
func listenBus(m *Manager, path string) (*bus, error) {
	if info, err := os.Lstat(path); err == nil && info.Mode()&os.ModeSocket != 0 {
		if err := os.Remove(path); err != nil {
			return nil, fmt.Errorf("replace socket: %w", err)
		}
	}
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		listener.Close()
		return nil, fmt.Errorf("listen: %w", err)
	}
	id := make([]byte, 16)
	rand.Read(id)
	return &bus{m: m, listener: listener, guid: hex.EncodeToString(id), methods: methods(), conns: map[*busConn]bool{}}, nil
}

// serve accepts clients until ctx is done or the bus is closed.
func (b *bus) serve(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { b.listener.Close() })
	defer stop()
	for {
		conn, err := b.listener.AcceptUnix()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("accept client: %w", err)
		}
		b.add(conn)
	}
}

func (b *bus) add(conn *net.UnixConn) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		conn.Close()
		return
	}
	b.last++
	c := &busConn{bus: b, conn: conn, unique: fmt.Sprintf(":1.%d", b.last), out: make(chan *dbus.Message, outBuffer), quit: make(chan struct{})}
	b.conns[c] = true
	b.wg.Go(c.run)
}

func (b *bus) remove(c *busConn) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.conns, c)
}

// broadcast sends a signal to every client that has a match rule for it. It does not
// block, so the caller may hold the manager's lock.
func (b *bus) broadcast(msg *dbus.Message) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for c := range b.conns {
		if c.wants(msg) {
			c.send(msg)
		}
	}
}

// close closes all connections and waits for their goroutines.
func (b *bus) close() error {
	b.mu.Lock()
	b.closed = true
	for c := range b.conns {
		c.disconnect()
	}
	b.mu.Unlock()
	err := b.listener.Close()
	if errors.Is(err, net.ErrClosed) {
		err = nil
	}
	b.wg.Wait()
	return err
}
