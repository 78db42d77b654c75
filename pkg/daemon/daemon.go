// Package daemon has the code that the main functions of Neco's daemons share: their
// command, logger, signals, exit codes, and the boot server on which they run.
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
	"strings"
	"syscall"

	sd "github.com/coreos/go-systemd/v22/daemon"
	"github.com/spf13/cobra"
)

// unversioned is no version of a release.
const unversioned = "0.0.0-dev"

// Version is the version of the Neco package to which this program belongs. The linker
// sets it, except in programs whose bytes must not depend on it.
var Version = unversioned

// Command returns the cobra command of a daemon with the usage line use. The command
// calls run for the boot server whose file system is at the directory of its flag --root.
func Command(use, short string, run func(ctx context.Context, root string, log *slog.Logger) error) (cmd *cobra.Command, root *string) {
	root = new(string)
	level := levelFlag(slog.LevelInfo)
	cmd = &cobra.Command{
		Use:           use,
		Short:         short,
		Version:       Version,
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return run(cmd.Context(), *root, Logger(cmd.ErrOrStderr(), slog.Level(level)))
		},
	}
	cmd.PersistentFlags().StringVar(root, "root", "/", "`DIR` with the boot server's file system")
	cmd.PersistentFlags().Var(&level, "log-level", "lowest `LEVEL` that is logged: "+levels)
	cmd.SetVersionTemplate("{{.Version}}\n")
	cmd.CompletionOptions.DisableDefaultCmd = true
	return cmd, root
}

// levels are the accepted values of --log-level.
const levels = "debug, info, warn or error"

// levelFlag is the value of --log-level.
type levelFlag slog.Level

func (l *levelFlag) Type() string   { return "level" }
func (l *levelFlag) String() string { return strings.ToLower(slog.Level(*l).String()) }

// Set accepts only the names of levels. It does not accept the offsets of package slog,
// such as info+2.
func (l *levelFlag) Set(name string) error {
	for _, level := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError} {
		if strings.EqualFold(name, level.String()) {
			*l = levelFlag(level)
			return nil
		}
	}
	return errors.New("it takes " + levels)
}

// Logger returns a logger for records of at least the given level. Under systemd it omits
// the time, which the journal adds itself.
func Logger(w io.Writer, level slog.Level) *slog.Logger {
	opts := &slog.HandlerOptions{Level: level}
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

// Main runs f and returns the exit code of the program. SIGINT and SIGTERM end the
// context of f. If output cannot be written, for example while journald is down, it is
// lost and the program continues.
func Main(f func(context.Context) error) int {
	// Notify instead of Ignore: programs that f starts have the default SIGPIPE.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := f(ctx)
	if err == nil || ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return 0
	}
	fmt.Fprintf(os.Stderr, "Error: %v\n", err)
	return 1
}

// ready notifies systemd that the daemon has started. Without systemd it does nothing.
func ready(log *slog.Logger) {
	if _, err := sd.SdNotify(false, sd.SdNotifyReady); err != nil {
		log.Warn("cannot notify systemd", "err", err)
	}
}
