package placemat

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// commandTimeout is how long a command on this machine may run before it is killed.
const commandTimeout = 30 * time.Second

// run runs a command and returns its standard output. The error includes the command, its
// standard error and its standard output.
func run(ctx context.Context, name string, args ...string) (string, error) {
	return runWith(ctx, "", name, args...)
}

func runWith(ctx context.Context, stdin, name string, args ...string) (string, error) {
	return runFor(ctx, commandTimeout, strings.NewReader(stdin), name, args...)
}

// runFor runs a command like run, but for at most limit and with the standard input
// stdin.
func runFor(ctx context.Context, limit time.Duration, stdin io.Reader, name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	var out, errOut bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, &out, &errOut
	// The command must not outlive this process.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err,
			strings.TrimSpace(errOut.String()+" "+out.String()))
	}
	return out.String(), nil
}

// inside runs a command like run, but in the network namespace of a node.
func (c *Centre) inside(ctx context.Context, node, name string, args ...string) (string, error) {
	return run(ctx, "ip", append([]string{"netns", "exec", c.namespace(node), name}, args...)...)
}

// batch runs the lines with "ip -batch", in the given namespace if that is not empty.
func batch(ctx context.Context, namespace string, lines []string) error {
	if len(lines) == 0 {
		return nil
	}
	args := []string{"-batch", "-"}
	if namespace != "" {
		args = append([]string{"-n", namespace}, args...)
	}
	_, err := runWith(ctx, strings.Join(lines, "\n")+"\n", "ip", args...)
	return err
}

// await calls missing at the interval poll until missing returns "" and no error. It
// fails when ctx ends. The text that missing returns describes what await is waiting for,
// and becomes part of await's error.
func await(ctx context.Context, poll time.Duration, missing func(context.Context) (string, error)) error {
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		what, err := missing(ctx)
		if err == nil && what == "" {
			return nil
		}
		select {
		case <-ctx.Done():
			if err != nil {
				return fmt.Errorf("wait for %s: %w", what, err)
			}
			return fmt.Errorf("wait for %s: %w", what, context.Cause(ctx))
		case <-tick.C:
		}
	}
}
