package meet

import (
	"net"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// What an unauthenticated client may cost the leader.
const (
	// maxGreeting bounds the bytes that a client sends before its proof,
	// headers included.
	maxGreeting = 4 << 10
	// greetTimeout bounds the time from the connection to the proof.
	greetTimeout = 10 * time.Second
	// knownPlaces is the number of connections without proof from each address
	// of the servers, unknownPlaces from all other addresses together.
	knownPlaces   = 4
	unknownPlaces = 8
)

// What a server that has proved itself may cost.
const (
	// MaxMessage is the limit of a request, and of an answer.
	MaxMessage = 256 << 10
	maxHeader  = 4 << 10
	// maxConnections of one server; each has one request at a time.
	maxConnections = 16
	// requestTimeout bounds the time to send a request, writeTimeout that to send
	// the answer.
	requestTimeout = 20 * time.Second
	writeTimeout   = 10 * time.Second
	// answerTimeout is how long a request waits on the leader: without an answer
	// by then, the client sends it again.
	answerTimeout = 20 * time.Second
	// idleTimeout is longer than any stage: a server may have nothing to ask.
	idleTimeout = time.Hour
	// silenceTimeout is after how long a server that has lost its power or its
	// network is given up by TCP.
	silenceTimeout = 20 * time.Second
)

// places counts connections by key.
type places struct {
	mu   sync.Mutex
	used map[any]int
}

// enter takes one of limit places, which leave gives back, however often it is
// called.
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

// giveUp makes TCP give up after silenceTimeout what the peer does not
// acknowledge.
func giveUp(_, _ string, c syscall.RawConn) error {
	var err error
	if cerr := c.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(silenceTimeout.Milliseconds()))
	}); cerr != nil {
		return cerr
	}
	return err
}
