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

// RootEnv names the environment variable with the root directory of the server
// that the command is called on.
const RootEnv = "NECO_SANDBOX_ROOT"

// dataDir is where the state is, below the server's root.
const dataDir = "var/lib/sandbox-docker"

// usageExit is docker's exit code for its own failures, 1 for those of the
// daemon.
const usageExit = 125

// command is one call.
type command struct {
	store          store
	stdin          io.Reader
	stdout, stderr io.Writer
}

// errUsage marks a call that this stand-in does not know.
var errUsage = errors.New("the sandbox's docker does not know this")

// Called reports whether a program with these arguments was called as docker,
// by a link of that name.
func Called(args []string) bool {
	return len(args) > 0 && filepath.Base(args[0]) == "docker"
}

// Main is the program: args without its name.  It returns the exit code.  The
// process ends with the one that called it.
func Main(args []string) int {
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(syscall.SIGKILL), 0, 0, 0); err != nil {
		fmt.Fprintf(os.Stderr, "docker: %v\n", err)
		return usageExit
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	root := os.Getenv(RootEnv)
	if root == "" {
		fmt.Fprintf(os.Stderr, "docker: %s is not set: this is the docker of a sandbox\n", RootEnv)
		return usageExit
	}
	return Run(ctx, root, args, os.Stdin, os.Stdout, os.Stderr)
}

// Run does one call on the server whose file system is at root, and returns
// the exit code.  A container that it runs ends with ctx.
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

// each does the same to every name, and goes on after an error.
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
