package daemon

import (
	"context"
	"log/slog"
	"time"

	sd "github.com/coreos/go-systemd/v22/daemon"

	"github.com/cybozu-go/neco/pkg/liveness"
)

// StartWatchdog returns the pulse of the daemon's main loop, and starts a goroutine
// that notifies systemd's watchdog (WatchdogSec) while that pulse is alive, until ctx
// ends or the Server is closed. If the loop stalls, systemd kills the daemon, which
// logs the stacks of its goroutines, and restarts it.
func (s *Server) StartWatchdog(ctx context.Context, limit time.Duration) *liveness.Pulse {
	pulse := liveness.New(limit)
	every, err := sd.SdWatchdogEnabled(false)
	switch {
	case err != nil:
		s.Log.Warn("cannot read systemd's watchdog interval", "err", err)
	case every > 0:
		ctx, cancel := context.WithCancel(ctx)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			notifyWatchdog(ctx, pulse, every/3, s.Log)
		}()
		s.stopWatchdog = func() {
			cancel()
			<-ended
		}
	}
	return pulse
}

func notifyWatchdog(ctx context.Context, pulse *liveness.Pulse, every time.Duration, log *slog.Logger) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if !pulse.Alive() {
			log.Error("does not notify systemd's watchdog", "err", liveness.ErrStalled)
		} else if _, err := sd.SdNotify(false, sd.SdNotifyWatchdog); err != nil {
			log.Warn("cannot notify systemd's watchdog", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
