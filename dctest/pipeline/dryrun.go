package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

const (
	cloneTimeout = 5 * time.Minute
	// A command that is cancelled has this time to remove a data centre.
	endTimeout = 2 * time.Minute
)

// dryRun runs commands one after the other in a fresh clone of the repository in root, and
// prints their durations. It does not run commands that need a token. It stops at the first
// command that fails or exceeds the time limit of its job.
func dryRun(ctx context.Context, root string, all []command, out io.Writer) error {
	tmp, err := os.MkdirTemp("", "neco-pipeline-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	clone := command{line: `git clone --quiet "$SOURCE" .`, timeout: cloneTimeout}
	if clone.env, err = source(root); err != nil {
		return err
	}
	if err := clone.run(ctx, tmp, out); err != nil {
		return err
	}
	results := ""
	for _, c := range all {
		result := "not run: needs a token of GitHub"
		if !c.token {
			fmt.Fprintf(out, "=== %s: %s\n", c.job, c)
			start := time.Now()
			err = c.run(ctx, tmp, out)
			result = fmt.Sprintf("%.1f s", time.Since(start).Seconds())
		}
		if err != nil {
			result += ", failed"
		}
		results += fmt.Sprintf("%-30s %-60s %s\n", c.job, c, result)
		if err != nil {
			break
		}
	}
	fmt.Fprint(out, "=== the commands and their durations\n", results)
	return err
}

// source returns the environment of the clone command.
func source(root string) (map[string]string, error) {
	abs, err := filepath.Abs(root)
	return map[string]string{"SOURCE": abs}, err
}

// run runs the command in the directory dir. If ctx ends, or at the time limit, it
// terminates the command with its child processes, and kills the command later.
func (c command) run(ctx context.Context, dir string, out io.Writer) error {
	ctx, cancel := context.WithTimeoutCause(ctx, c.timeout, fmt.Errorf("exceeded the time limit of the job, %s", c.timeout))
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-c", c.line)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = endTimeout
	cmd.Env = os.Environ()
	for name, value := range c.env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	err := cmd.Run()
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	if err != nil {
		return fmt.Errorf("%s: %w", c, err)
	}
	return nil
}
