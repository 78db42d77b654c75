package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco/dctest/sandbox/control"
)

// locate returns the paths of the files of the boot server lrn in the sandbox called
// name.
func locate(ctx context.Context, name, lrn string) (control.Location, error) {
	lrns, err := parseLRNs([]string{lrn})
	if err != nil {
		return control.Location{}, err
	}
	c, err := control.Connect(ctx, name)
	if err != nil {
		return control.Location{}, err
	}
	return c.Locate(ctx, lrns[0])
}

// interruptedFor is how long a command may take to end after an interrupt before it is
// killed.
const interruptedFor = 10 * time.Second

func newNecoCommand(name *string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "neco LRN -- ARGS...",
		Short: "Run the neco command of a boot server",
		Args:  args(1, anyNumber),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := supported(args[1:]); err != nil {
				return err
			}
			s, err := locate(cmd.Context(), *name, args[0])
			if err != nil {
				return err
			}
			return runOn(cmd, s, "", append([]string{filepath.Join(s.Root, "usr/bin/neco"), "--root", s.Root}, args[1:]...))
		},
	}
	return cmd
}

func newExecCommand(name *string) *cobra.Command {
	return &cobra.Command{
		Use:   "exec LRN -- COMMAND ARGS...",
		Short: "Run a command in the directory and the environment of a boot server",
		Long: `Run a command in the directory and the environment of a boot server. sabactl uses the
sabakan of the sandbox, and ckecli the data of CKE. A command sees the files of this
machine: those of the boot server are below its directory.`,
		Args: args(2, anyNumber),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := locate(cmd.Context(), *name, args[0])
			if err != nil {
				return err
			}
			// env looks the command up in the PATH of the boot server.
			return runOn(cmd, s, s.Root, append([]string{"env", "--"}, args[1:]...))
		},
	}
}

// runOn runs a command in the directory dir, or in the current one if dir is empty, and in the
// environment of the boot server at s.
func runOn(cmd *cobra.Command, s control.Location, dir string, command []string) error {
	c := exec.CommandContext(cmd.Context(), command[0], command[1:]...)
	c.Dir = dir
	// The terminal has interrupted the command, too: it cleans up and ends by itself.
	c.Cancel = func() error { return os.ErrProcessDone }
	c.WaitDelay = interruptedFor
	c.Env = append(os.Environ(), s.Env...)
	c.Stdin, c.Stdout, c.Stderr = cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr()
	return child(c.Run())
}

func newLogsCommand(name *string) *cobra.Command {
	var follow bool
	cmd := &cobra.Command{
		Use:   "logs LRN [UNIT]",
		Short: "Show the log of a unit of a boot server, by default of its worker",
		Args:  args(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := locate(cmd.Context(), *name, args[0])
			if err != nil {
				return err
			}
			unit := unitName("worker")
			if len(args) > 1 {
				unit = unitName(args[1])
			}
			file, err := os.Open(filepath.Join(s.Logs, unit+".log"))
			if err != nil {
				return fmt.Errorf("%s has logged nothing on boot server %s: %w", unit, args[0], err)
			}
			defer file.Close()
			return show(cmd.Context(), cmd.OutOrStdout(), file, follow)
		},
	}
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "follow the log")
	return cmd
}

// logPoll is the interval at which show checks a file for additions.
const logPoll = 200 * time.Millisecond

// show copies file to out. If follow is true, it also copies later additions to the
// file until ctx ends.
func show(ctx context.Context, out io.Writer, file *os.File, follow bool) error {
	tick := time.NewTicker(logPoll)
	defer tick.Stop()
	for {
		if _, err := io.Copy(out, file); err != nil || !follow {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
