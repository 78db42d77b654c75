package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/cybozu-go/neco/dctest/sandbox/control"
	"github.com/cybozu-go/neco/dctest/sandbox/story"
)

// startKept starts this program again in the background for run --keep. It shows the
// output of that process until the planned updates of the sandbox (its story) are done. If
// one of them fails, the sandbox keeps running, and startKept returns the error.
func startKept(cmd *cobra.Command, name string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	bg := exec.Command(self, append(os.Args[1:], "--serve")...)
	bg.Args[0] = os.Args[0] // its messages show the command as it was typed
	bg.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	bg.Stderr = cmd.ErrOrStderr()
	out, err := bg.StdoutPipe()
	if err != nil {
		return err
	}
	if err := bg.Start(); err != nil {
		return err
	}
	stop := context.AfterFunc(cmd.Context(), func() { bg.Process.Signal(syscall.SIGTERM) })
	defer stop()
	// Copy returns when the child ends or redirects its output.
	if _, err := io.Copy(cmd.OutOrStdout(), out); err != nil {
		return err
	}
	place, err := control.PlaceOf(name)
	if err != nil {
		return err
	}
	if state, err := place.State(); err == nil && state.PID == bg.Process.Pid {
		fmt.Fprint(cmd.OutOrStdout(), hints(name))
		if err := bg.Process.Release(); err != nil || state.Failed == "" {
			return err
		}
		return errors.New(state.Failed)
	}
	if err := bg.Wait(); err != nil {
		return child(err)
	}
	return context.Cause(cmd.Context())
}

// hints returns a list of commands for the running sandbox called name.
func hints(name string) string {
	lines := []struct{ args, what string }{
		{"status", "show the state and the directory"},
		{"publish", "build and publish the next version"},
		{"kill worker 1", "kill a process; see also pause, resume and start"},
		{"cut 2", "partition a server; heal connects all again"},
		{"logs 1 -f", "follow the log of a worker"},
		{"neco 0 -- status", "run the neco command of a server"},
		{"down", "end the sandbox"},
	}
	var b strings.Builder
	b.WriteString("\nThe sandbox keeps running in the background. Commands:\n")
	for _, l := range lines {
		fmt.Fprintf(&b, "  %s %-18s %s\n", commandLine(name), l.args, l.what)
	}
	return b.String()
}

// serveSandbox starts a sandbox called name and runs its planned updates (its story).
// Then it redirects the output of this process to a file, and serves commands until ctx
// ends or a command ends the sandbox. It does so after a failed update, too.
func serveSandbox(ctx context.Context, name string, o story.Options) (err error) {
	place, err := control.PlaceOf(name)
	if err != nil {
		return err
	}
	release, err := place.Take()
	if err != nil {
		return err
	}
	defer release()
	s, err := story.Tell(ctx, o)
	if s == nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if ctx.Err() != nil {
		return err
	}
	failed := ""
	if err != nil {
		failed = err.Error()
	}
	l, cleanup, err := listenControl()
	if err != nil {
		return err
	}
	defer cleanup()
	if err := place.Write(control.State{
		Socket: l.Addr().String(), Dir: s.Dir(), Temporary: o.Dir == "", PID: os.Getpid(), Failed: failed,
	}); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, place.Forget()) }()
	if err := redirectOutput(place.LogFile()); err != nil {
		return err
	}
	return control.Serve(ctx, l, s)
}

// listenControl opens a socket that only this user can reach.
func listenControl() (net.Listener, func(), error) {
	dir, err := os.MkdirTemp("", "neco-control-")
	if err != nil {
		return nil, nil, err
	}
	cleanup := func() { os.RemoveAll(dir) }
	l, err := net.Listen("unix", filepath.Join(dir, "socket"))
	if err != nil {
		cleanup()
		return nil, nil, err
	}
	return l, cleanup, nil
}

// redirectOutput makes this process write to a file instead of the caller's terminal.
func redirectOutput(file string) error {
	log, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	for _, fd := range []int{1, 2} {
		if err := unix.Dup2(int(log.Fd()), fd); err != nil {
			return err
		}
	}
	return nil
}
