package systemd

import (
	"crypto/rand"
	"net"
	"strings"
	"sync"
)

// notifySocket is the socket to which a service of type notify sends its notifications.
type notifySocket struct {
	conn  *net.UnixConn
	ready chan struct{} // closed by READY=1
}

// listenNotify opens a socket for the notifications of one start of a unit. It calls
// status with each STATUS= text until the socket is closed. The socket's address is
// abstract, so that no file is left behind and no maximum length of paths applies, and
// random, so that other processes cannot guess it.
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
