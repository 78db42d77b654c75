package systemd

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"
)

// Options configure a Manager. Root, Socket and LogDir are required.
type Options struct {
	// Root is the directory that replaces "/": unit files, conditions, environment files
	// and executables are looked up below it. The arguments of commands are used
	// unchanged.
	Root string
	// Socket is the path of the D-Bus socket. Other users cannot connect to it.
	Socket string
	// LogDir is the directory of the log files, one per unit, named <unit>.log.
	LogDir string
	// Env is added to the environment of every process, and overrides the units'
	// settings. Processes do not inherit the environment of this process.
	Env []string
	// Path is the search path for executables that are not below Root. It is also the
	// PATH of the processes. The default is the PATH of this process.
	Path string
	// KillAfter is the longest time that a unit may take to stop before its processes are
	// killed. A unit's own limit is used if it is shorter. The default is 10 s.
	KillAfter time.Duration
	// Log receives the events of units. If nil, they are discarded.
	Log *slog.Logger
}

func (o *Options) complete() error {
	if o.Root == "" || o.Socket == "" || o.LogDir == "" {
		return errors.New("root, socket and log directory are required")
	}
	if o.Path == "" {
		o.Path = os.Getenv("PATH")
	}
	if o.KillAfter <= 0 {
		o.KillAfter = 10 * time.Second
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if err := os.MkdirAll(o.LogDir, 0o755); err != nil {
		return fmt.Errorf("make log directory: %w", err)
	}
	return nil
}
