// killer runs a command, kills it as soon as it has said each of some marks in
// turn, and lets it come to its end then:
//
//	killer MARK... -- COMMAND [ARG...]
//
// A mark is a regular expression. The command stops at its next word until what
// it has said is heard, so that no kill comes too late, however slow the machine
// is; only its last word cannot be a mark. A token of Vault for the command comes
// on standard input. It prints how often it has killed; a command that ends before
// is an error.
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

// waitDelay bounds the wait for whoever else holds the output of a killed command.
const waitDelay = 10 * time.Second

// limit bounds all of it.
const limit = 10 * time.Minute

func main() {
	ctx, cancel := context.WithTimeoutCause(context.Background(), limit, fmt.Errorf("it took longer than %s", limit))
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
		return 0, errors.New("usage: killer MARK... -- COMMAND [ARG...]")
	}
	token, err := io.ReadAll(stdin)
	if err != nil {
		return 0, err
	}
	env := append(os.Environ(), "VAULT_TOKEN="+strings.TrimSpace(string(token)))
	for _, text := range args[:n] {
		mark, err := regexp.Compile("(?m)" + text)
		if err != nil {
			return kills, err
		}
		if err := killAt(ctx, mark, env, args[n+1:]); err != nil {
			return kills, fmt.Errorf("%s: %w", text, err)
		}
		kills++
	}
	cmd := exec.CommandContext(ctx, args[n+1], args[n+2:]...)
	cmd.Env = env
	if out, err := cmd.CombinedOutput(); err != nil {
		return kills, fmt.Errorf("at last: %w: %s", err, out)
	}
	return kills, nil
}

// killAt runs the command until it has said the mark.
func killAt(ctx context.Context, mark *regexp.Regexp, env, args []string) error {
	said, mouth, err := newEar()
	if err != nil {
		return err
	}
	defer said.Close()
	var all, complaints bytes.Buffer
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Env, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = env, mouth, &complaints, waitDelay
	err = cmd.Start()
	mouth.Close() // the command has its own
	if err != nil {
		return err
	}
	heard, err := listen(said, mark, &all)
	_ = cmd.Process.Kill() // it may have ended
	ended := cmd.Wait()
	status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus)
	if err == nil && heard && ok && status.Signal() == syscall.SIGKILL && ctx.Err() == nil {
		return nil
	}
	return fmt.Errorf("it was not killed there (%v):\n%s%s", errors.Join(err, ended, context.Cause(ctx)), &all, &complaints)
}

// listen says whether it has heard the mark, which is left where it is, before the
// end.  What is said goes into all.
func listen(said *ear, mark *regexp.Regexp, all *bytes.Buffer) (bool, error) {
	for {
		word, err := said.peek()
		if err != nil || len(word) == 0 {
			return false, err
		}
		all.Write(word)
		if mark.Match(word) {
			return true, nil
		}
		if err := said.skip(len(word)); err != nil {
			return false, err
		}
	}
}
