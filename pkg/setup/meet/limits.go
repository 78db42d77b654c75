package meet

import (
	"net"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// These constants are the limits for unauthenticated clients.
const (
	// maxGreeting is the maximum number of bytes, including headers, that a client may
	// send before it is authenticated. If it sends more, the leader closes the
	// connection.
	maxGreeting = 4 << 10
	// greetTimeout is how long the leader waits for a valid proof on a new connection
	// before it closes the connection.
	greetTimeout = 10 * time.Second
	// knownPlaces is the maximum number of unauthenticated connections from one address
	// of a server, and unknownPlaces the maximum from all other addresses together. The
	// leader closes further connections.
	knownPlaces   = 4
	unknownPlaces = 8
)

// These constants are the limits for authenticated servers.
const (
	// MaxMessage is the maximum size in bytes of the body of a request or an answer. A
	// longer body is an error.
	MaxMessage = 256 << 10
	maxHeader  = 4 << 10
	// maxConnections is the maximum number of connections of one server. The leader
	// refuses further connections with Busy. Each connection carries one request at a
	// time.
	maxConnections = 16
	// requestTimeout is how long reading a request may take, and writeTimeout how long
	// writing the answer may take, before the leader closes the connection.
	requestTimeout = 20 * time.Second
	writeTimeout   = 10 * time.Second
	// answerTimeout is how long a request waits on the leader for its answer before the
	// client has to repeat it.
	answerTimeout = 20 * time.Second
	// idleTimeout is how long a connection may be without requests before the leader
	// closes it. It is longer than any stage, because a server may send no request
	// during a stage.
	idleTimeout = time.Hour
	// silenceTimeout is how long the other side of a connection may fail to respond,
	// for example after a power loss, before TCP closes the connection.
	silenceTimeout = 20 * time.Second
)

// places counts the open connections for each key, such as an address or an LRN.
type places struct {
	mu   sync.Mutex
	used map[any]int
}

// enter counts a connection for key. If limit connections are already open, it returns
// false as ok and does not count the connection. leave ends the counting and may be
// called more than once.
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

// keepAlive returns the TCP settings with which an idle connection is closed after
// silenceTimeout without a response.
func keepAlive() net.KeepAliveConfig {
	const probes = 3
	interval := silenceTimeout / (probes + 1)
	return net.KeepAliveConfig{Enable: true, Idle: interval, Interval: interval, Count: probes}
}

// giveUp sets the option of the socket c with which TCP closes a connection if sent
// data is not acknowledged within silenceTimeout.
func giveUp(_, _ string, c syscall.RawConn) error {
	var err error
	if cerr := c.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(silenceTimeout.Milliseconds()))
	}); cerr != nil {
		return cerr
	}
	return err
}
