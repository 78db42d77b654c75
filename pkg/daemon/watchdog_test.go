package daemon

import (
	"context"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// TestTheWatchdogIsNotifiedOnlyWhileTheLoopMakesProgress uses the socket and the
// environment with which systemd starts a service.
func TestTheWatchdogIsNotifiedOnlyWhileTheLoopMakesProgress(t *testing.T) {
	const interval, limit = 30 * time.Millisecond, 300 * time.Millisecond
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	t.Setenv("NOTIFY_SOCKET", path)
	t.Setenv("WATCHDOG_USEC", strconv.FormatInt(interval.Microseconds(), 10))
	t.Setenv("WATCHDOG_PID", strconv.Itoa(os.Getpid()))
	ctx, cancel := context.WithCancel(t.Context())
	s := &Server{Log: slog.New(slog.DiscardHandler)}
	pulse := s.StartWatchdog(ctx, limit)
	defer func() {
		cancel()
		s.stopWatchdog()
	}()
	receive := func(within time.Duration) string {
		buf := make([]byte, 64)
		conn.SetReadDeadline(time.Now().Add(within))
		n, err := conn.Read(buf)
		if err != nil {
			return ""
		}
		return string(buf[:n])
	}
	// beating returns what systemd receives first while the loop beats.
	beating := func() string {
		for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
			pulse.Beat()
			if got := receive(interval); got != "" {
				return got
			}
		}
		return ""
	}
	for range 5 {
		if got := beating(); got != "WATCHDOG=1" {
			t.Fatalf("notified %q while the loop beats", got)
		}
	}
	for pulse.Alive() {
		receive(limit)
	}
	for receive(interval/10) != "" { // the notifications that were sent before the pulse stopped
	}
	if got := receive(10 * interval); got != "" {
		t.Errorf("notified %q by a loop that stands still", got)
	}
}
