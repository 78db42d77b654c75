package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// RootEnv is the environment variable with the root directory of the server on which the
// command runs.
const RootEnv = "NECO_SANDBOX_ROOT"

// dataDir is the directory with the state of images and containers, below the server's
// root.
const dataDir = "var/lib/sandbox-docker"

// usageExit is docker's exit code for errors of the docker command itself. Errors of
// Docker's daemon have the exit code 1.
const usageExit = 125

// command is one call of the docker command.
type command struct {
	store          store
	stdin          io.Reader
	stdout, stderr io.Writer
}

// errUsage reports a call that this package does not support.
var errUsage = errors.New("the docker command of a sandbox does not support this")

// Called reports whether this program was called as docker, through a link of that name.
// args are its arguments, the name of the program first.
func Called(args []string) bool {
	return len(args) > 0 && filepath.Base(args[0]) == "docker"
}

// Main runs the docker command with args, which do not include the program's name, and
// returns the exit code. The kernel kills the process when its parent ends.
func Main(args []string) int {
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(syscall.SIGKILL), 0, 0, 0); err != nil {
		fmt.Fprintf(os.Stderr, "docker: %v\n", err)
		return usageExit
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	root := os.Getenv(RootEnv)
	if root == "" {
		fmt.Fprintf(os.Stderr, "docker: %s is not set: this docker command works only in a sandbox\n", RootEnv)
		return usageExit
	}
	return Run(ctx, root, args, os.Stdin, os.Stdout, os.Stderr)
}

// Run performs one call of the docker command on the server whose file system is at root,
// and returns the exit code. If it runs a container, it blocks until ctx is done.
func Run(ctx context.Context, root string, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	c := command{store{filepath.Join(root, dataDir)}, stdin, stdout, stderr}
	err := c.dispatch(ctx, args)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errUsage):
		fmt.Fprintf(stderr, "docker: %v: docker %s\n", err, strings.Join(args, " "))
		return usageExit
	}
	fmt.Fprintf(stderr, "Error response from daemon: %v\n", err)
	return 1
}

func (c command) dispatch(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errUsage
	}
	verb, args := args[0], args[1:]
	switch verb {
	case "image":
		return c.image(args)
	case "load":
		return c.load(args)
	case "run":
		return c.run(ctx, args)
	case "ps":
		return c.ps(args)
	case "kill", "stop":
		return c.each(args, func(name string) error { return c.kill(ctx, name) })
	case "rm":
		return c.each(args, c.rm)
	case "exec":
		return c.exec(args)
	}
	return errUsage
}

// each calls f for each name in args and prints the name. It skips options and continues
// after an error.
func (c command) each(args []string, f func(string) error) error {
	var errs []error
	for _, name := range args {
		if strings.HasPrefix(name, "-") {
			continue // -f and the like change nothing here
		}
		err := f(name)
		if err == nil {
			fmt.Fprintln(c.stdout, name)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
