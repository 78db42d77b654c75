package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
)

// interrupted is the exit code of a program that was told to end too early.
const interrupted = 130

// childError is the end of a program that has said itself what is wrong.
type childError int

func (e childError) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// child turns the end of a program that spoke for us into an error.
func child(err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return childError(exit.ExitCode())
	}
	return err
}

func exitCode(ctx context.Context, err error) int {
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
	fmt.Fprintf(os.Stderr, "Error: %v\n", err)
	return 1
}
