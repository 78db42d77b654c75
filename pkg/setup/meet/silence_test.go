package meet

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"
)

func TestASilentPeerIsGivenUp(t *testing.T) {
	t.Run("by the leader", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ended := make(chan error, 1)
			h := open(t, barrier(nil, ended))
			session, begin := h.prove(h.member(1)), time.Now()
			write(t, session, post(callPath+"barrier", 2)+"{}")
			<-ended
			if d := time.Since(begin); d != answerTimeout {
				t.Errorf("the handler: after %s", d)
			}
			// The client does not read the answer either.
			time.Sleep(requestTimeout + writeTimeout)
			synctest.Wait()
			if got := h.told.texts(); got[len(got)-1] != "gone 1 10.69.1.3" {
				t.Errorf("events: %q", got)
			}
		})
	})
	t.Run("by a member", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := open(t, nil)
			silent := make(chan struct{})
			c := newClient(h.member(1), func(ctx context.Context) (net.Conn, error) {
				conn, err := h.dial(ctx, address(1))
				return &deaf{Conn: conn, silent: silent}, err
			})
			defer c.Close()
			if err := c.Call(t.Context(), "x", nil, nil); err != nil {
				t.Fatal(err)
			}
			close(silent)
			begin := time.Now()
			if err := c.Call(t.Context(), "x", nil, nil); !errors.Is(err, ErrDisconnected) {
				t.Error(err)
			}
			if d := time.Since(begin); d > silenceTimeout+writeTimeout {
				t.Errorf("after %s", d)
			}
		})
	})
}

// deaf is a connection whose other side loses power when silent is closed.
type deaf struct {
	net.Conn
	silent chan struct{}
}

// Write implements net.Conn.
func (d *deaf) Write(p []byte) (int, error) {
	select {
	case <-d.silent:
		return len(p), nil
	default:
		return d.Conn.Write(p)
	}
}

// TestTCPGivesUpASilentPeer uses a real connection, because the socket options have no
// effect in synctest.
func TestTCPGivesUpASilentPeer(t *testing.T) {
	l, err := listen(t.Context(), netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	mine, err := Member{}.dial(t.Context(), netip.MustParseAddrPort(l.Addr().String()))
	if err != nil {
		t.Fatal(err)
	}
	defer mine.Close()
	leaders, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer leaders.Close()
	for name, conn := range map[string]net.Conn{"member": mine, "leader": leaders} {
		idle, interval := socketOption(t, conn, unix.TCP_KEEPIDLE), socketOption(t, conn, unix.TCP_KEEPINTVL)
		silence := time.Duration(idle+interval*socketOption(t, conn, unix.TCP_KEEPCNT)) * time.Second
		unread := time.Duration(socketOption(t, conn, unix.TCP_USER_TIMEOUT)) * time.Millisecond
		if silence != silenceTimeout || unread != silenceTimeout {
			t.Errorf("%s: given up after %s of silence, %s without acknowledgement", name, silence, unread)
		}
	}
}

func socketOption(t *testing.T, conn net.Conn, option int) (value int) {
	t.Helper()
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if cerr := raw.Control(func(fd uintptr) { value, err = unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, option) }); cerr != nil || err != nil {
		t.Fatal(cerr, err)
	}
	return value
}
