package host

import (
	"testing"

	"github.com/cybozu-go/neco/internal/sysdbus"
)

func TestAPollerSharesOneConnectionToSystemd(t *testing.T) {
	const each = 2 // go-systemd opens a second one for signals
	m := newManager(t, "serf.service")
	ctx, done := sysdbus.Share(t.Context())
	query := func(state string, connections int) {
		t.Helper()
		m.set("serf.service", state)
		active, err := Units{}.IsActive(ctx, "serf")
		m.mu.Lock()
		defer m.mu.Unlock()
		if err != nil || active != (state == "active") || m.opened != connections*each {
			t.Errorf("%s: got %t, %v over %d connections; want %d", state, active, err, m.opened, connections*each)
		}
	}
	query("inactive", 1)
	query("active", 1)
	m.disconnect()
	waitFor(t, "the end of the connection", func() bool {
		_, err := Units{}.IsActive(ctx, "serf") // it may fail once
		m.mu.Lock()
		defer m.mu.Unlock()
		return err == nil && m.opened == 2*each
	})
	query("inactive", 2)
	done()
	waitFor(t, "the connection to be closed", func() bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		return len(m.conns) == 0
	})
}
