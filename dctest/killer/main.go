// Command killer runs a command once for each pattern and kills it as soon as its
// standard output matches the pattern. Then it runs the command once more to its end:
//
//	killer PATTERN... -- COMMAND [ARG...]
//
// A pattern is a regular expression. Each write of the command blocks until killer has
// read the previous one, so that the command cannot continue after a match, even on a
// slow machine. The last write of a command cannot be matched reliably. A Vault token for
// the command is read from standard input. killer prints the number of kills; it fails if
// the command exits before a pattern matches.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"
)

// waitDelay is how long killer waits, after it has killed a command, for other processes
// that still have the command's output open.
const waitDelay = 10 * time.Second

// limit is how long this program may run before it fails.
const limit = 10 * time.Minute

func main() {
	ctx, cancel := context.WithTimeoutCause(context.Background(), limit, fmt.Errorf("the commands took longer than %s", limit))
	defer cancel()
	kills, err := run(ctx, os.Args[1:], os.Stdin)
	if err != nil {
		fmt.Fprintln(os.Stderr, "killer:", err)
		os.Exit(1)
	}
	fmt.Println(kills)
}

func run(ctx context.Context, args []string, stdin io.Reader) (kills int, err error) {
	n := slices.Index(args, "--")
	if n < 0 || n+1 == len(args) {
		return 0, errors.New("usage: killer PATTERN... -- COMMAND [ARG...]")
	}
	token, err := io.ReadAll(stdin)
	if err != nil {
		return 0, err
	}
	env := append(os.Environ(), "VAULT_TOKEN="+strings.TrimSpace(string(token)))
	for _, text := range args[:n] {
		pattern, err := regexp.Compile("(?m)" + text)
		if err != nil {
			return kills, err
		}
		if err := killAt(ctx, pattern, env, args[n+1:]); err != nil {
			return kills, fmt.Errorf("%s: %w", text, err)
		}
		kills++
	}
	cmd := exec.CommandContext(ctx, args[n+1], args[n+2:]...)
	cmd.Env = env
	if out, err := cmd.CombinedOutput(); err != nil {
		return kills, fmt.Errorf("final run without a kill: %w: %s", err, out)
	}
	return kills, nil
}

// killAt runs the command and kills it when its output matches the pattern. It fails if
// the command ends in any other way.
func killAt(ctx context.Context, pattern *regexp.Regexp, env, args []string) error {
	out, stdout, err := newOutputPipe()
	if err != nil {
		return err
	}
	defer out.Close()
	var all, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Env, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = env, stdout, &stderr, waitDelay
	err = cmd.Start()
	stdout.Close() // the command has a copy
	if err != nil {
		return err
	}
	matched, err := waitFor(out, pattern, &all)
	_ = cmd.Process.Kill() // it may have exited
	ended := cmd.Wait()
	status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus)
	if err == nil && matched && ok && status.Signal() == syscall.SIGKILL && ctx.Err() == nil {
		return nil
	}
	return fmt.Errorf("the command was not killed at this pattern (%v):\n%s%s", errors.Join(err, ended, context.Cause(ctx)), &all, &stderr)
}

// waitFor blocks until a chunk of the output matches the pattern, and leaves that chunk
// in the pipe. It returns false if the output ends before. It appends the output to all.
func waitFor(out *outputPipe, pattern *regexp.Regexp, all *bytes.Buffer) (bool, error) {
	for {
		chunk, err := out.peek()
		if err != nil || len(chunk) == 0 {
			return false, err
		}
		all.Write(chunk)
		if pattern.Match(chunk) {
			return true, nil
		}
		if err := out.skip(len(chunk)); err != nil {
			return false, err
		}
	}
}
