package meet

import (
	"net"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Limits of unauthenticated clients.
const (
	// maxGreeting bounds the bytes that a client sends before its proof,
	// headers included.
	maxGreeting = 4 << 10
	// greetTimeout bounds the time from the connection to the proof.
	greetTimeout = 10 * time.Second
	// knownPlaces is the maximum of connections without proof from each address
	// of the servers, and unknownPlaces from all other addresses together.
	knownPlaces   = 4
	unknownPlaces = 8
)

// Limits of authenticated servers.
const (
	// MaxMessage is the maximum size in bytes of a request, and of an answer.
	MaxMessage = 256 << 10
	maxHeader  = 4 << 10
	// maxConnections is the maximum of connections of one server.  Each carries one
	// request at a time.
	maxConnections = 16
	// requestTimeout bounds the time to send a request, writeTimeout that to send
	// the answer.
	requestTimeout = 20 * time.Second
	writeTimeout   = 10 * time.Second
	// answerTimeout bounds the time that a request waits on the leader.  Then the
	// client repeats it.
	answerTimeout = 20 * time.Second
	// idleTimeout is longer than any stage, during which a server may send no
	// request.
	idleTimeout = time.Hour
	// silenceTimeout is the time after which TCP closes the connection to a server
	// without power or network.
	silenceTimeout = 20 * time.Second
)

// places counts open connections by key, such as an address or an LRN.
type places struct {
	mu   sync.Mutex
	used map[any]int
}

// enter takes one of limit places of key; ok is false if none is free.  leave frees
// the place and may be called more than once.
func (p *places) enter(key any, limit int) (leave func(), ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.used[key] >= limit {
		return nil, false
	}
	p.used[key]++
	return sync.OnceFunc(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.used[key]--
	}), true
}

// keepAlive finds a silent peer on an idle connection within silenceTimeout.
func keepAlive() net.KeepAliveConfig {
	const probes = 3
	interval := silenceTimeout / (probes + 1)
	return net.KeepAliveConfig{Enable: true, Idle: interval, Interval: interval, Count: probes}
}

// giveUp makes TCP close a connection whose peer has acknowledged nothing for
// silenceTimeout.
func giveUp(_, _ string, c syscall.RawConn) error {
	var err error
	if cerr := c.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(silenceTimeout.Milliseconds()))
	}); cerr != nil {
		return cerr
	}
	return err
}
