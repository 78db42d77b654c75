package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"github.com/cybozu-go/neco/internal/errtext"
	"github.com/cybozu-go/neco/internal/printable"
)

// interrupted is the exit code of this program after an interrupt.
const interrupted = 130

// signaled is the number that is added to the number of the signal that ended a child
// process. The sum is the exit code, as in shells.
const signaled = 128

// childError is the exit code of a child process that has printed its own error. This
// program prints no other error and exits with the same code.
type childError int

func (e childError) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// child converts the error of a child process to a childError, or returns err if it has
// no exit code.
func child(err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		if ws, ok := exit.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
			return childError(signaled + int(ws.Signal()))
		}
		return childError(exit.ExitCode())
	}
	return err
}

func exitCode(ctx context.Context, err error, name string) int {
	var c childError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &c) && c > 0:
		return int(c)
	case ctx.Err() != nil:
		fmt.Fprintln(os.Stderr, "interrupted")
		return interrupted
	}
	fmt.Fprintf(os.Stderr, "Error: %s\n", printable.Line(errtext.Of(err)))
	if hint := hintFor(err, name); hint != "" {
		fmt.Fprintf(os.Stderr, "Hint: %s\n", hint)
	}
	return 1
}
