// Package daemon is what the main functions of our daemons share: logger,
// signals, the notification of systemd and exit codes.
//
// It must not know what a daemon does.
package daemon

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	sd "github.com/coreos/go-systemd/v22/daemon"
)

// Version is the version of the package that this program was built into.  It
// is set by the linker; without that the program is of no release.
var Version = "0.0.0-dev"

// Logger returns the logger of a daemon.  Under systemd the journal adds the
// time.
func Logger(w io.Writer) *slog.Logger {
	opts := &slog.HandlerOptions{}
	if os.Getenv("JOURNAL_STREAM") != "" {
		opts.ReplaceAttr = func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) == 0 && a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}
	}
	return slog.New(slog.NewTextHandler(w, opts))
}

// Main runs f until it returns or the program is told to end by SIGINT or
// SIGTERM, which ends f's context, and returns the exit code.
func Main(f func(context.Context) error) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := f(ctx)
	if err == nil || ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return 0
	}
	fmt.Fprintf(os.Stderr, "Error: %v\n", err)
	return 1
}

// Ready tells systemd that the daemon has started.  Without systemd it does
// nothing.
func Ready(log *slog.Logger) {
	if _, err := sd.SdNotify(false, sd.SdNotifyReady); err != nil {
		log.Warn("cannot notify systemd", "err", err)
	}
}
