package systemd

import (
	"crypto/rand"
	"net"
	"strings"
	"sync"
)

// notifySocket receives the notifications of a service of type notify.
type notifySocket struct {
	conn  *net.UnixConn
	ready chan struct{} // closed by READY=1
}

// listenNotify opens a socket for one start of a unit. Its address is abstract and
// random, so the length of a path does not matter, no file is left behind, and other
// processes cannot guess it. Each STATUS= text is passed to status. The goroutine ends
// when the socket is closed.
func (m *Manager) listenNotify(status func(text string)) (*notifySocket, error) {
	addr := &net.UnixAddr{Name: "@neco-sandbox-" + rand.Text(), Net: "unixgram"}
	conn, err := net.ListenUnixgram("unixgram", addr)
	if err != nil {
		return nil, err
	}
	s := &notifySocket{conn: conn, ready: make(chan struct{})}
	m.wg.Go(func() { s.read(status) })
	return s, nil
}

func (s *notifySocket) read(status func(text string)) {
	var once sync.Once
	buf := make([]byte, 1<<16)
	for {
		n, _, err := s.conn.ReadFromUnix(buf)
		if err != nil {
			return // closed
		}
		for line := range strings.Lines(string(buf[:n])) {
			name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
			switch {
			case name == "READY" && value == "1":
				once.Do(func() { close(s.ready) })
			case name == "STATUS":
				status(value)
			}
		}
	}
}

func (s *notifySocket) env() string { return "NOTIFY_SOCKET=" + s.conn.LocalAddr().String() }
