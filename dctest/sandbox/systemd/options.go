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
	// Root is the directory that stands for / : unit files, conditions,
	// environment files and executables are looked up below it. What a
	// command is given as arguments is not changed.
	Root string
	// Socket is where the bus listens. Only the same user may connect.
	Socket string
	// LogDir gets one file for each unit, <unit>.log, with its output.
	LogDir string
	// Env is added to the environment of every process, and wins over the
	// units' own. Nothing is inherited but what is given here.
	Env []string
	// Path is where executables are looked up that are not below Root. It is
	// also the processes' PATH, that of this process if empty.
	Path string
	// KillAfter bounds how long a unit may take to stop, if its own limit is
	// longer; 10 s if zero.
	KillAfter time.Duration
	// Log gets what happens to units, nothing if nil.
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
