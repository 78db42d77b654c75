package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco/dctest/sandbox/control"
)

// commandLine returns the command line of this program for the sandbox called name.
func commandLine(name string) string {
	if name == control.DefaultName {
		return os.Args[0]
	}
	return os.Args[0] + " --name " + name
}

// hinted is an error with a hint for the user.
type hinted struct {
	error
	hint string
}

func (h hinted) Unwrap() error { return h.error }

// hintFor returns a hint for the user about err, or "" if there is none. name is the
// name of the sandbox.
func hintFor(err error, name string) string {
	var h hinted
	switch {
	case errors.As(err, &h):
		return h.hint
	case errors.Is(err, control.ErrNotRunning):
		return commandLine(name) + " run --keep --deb FILE starts one; make run-keep builds the packages too"
	case errors.Is(err, control.ErrTaken):
		return commandLine(name) + " down ends it, --name chooses another name"
	}
	return ""
}

// args returns a check of the number of a command's arguments, which must be at least
// from and at most to. The error of the check has a usage hint.
func args(from, to int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		var err error
		switch {
		case cmd.HasSubCommands() && len(args) > 0:
			return hinted{fmt.Errorf("there is no command %q", args[0]), os.Args[0] + " --help lists the commands"}
		case len(args) < from:
			err = errors.New("an argument is missing")
		case to >= 0 && len(args) > to:
			err = fmt.Errorf("%q is one argument too many", args[to])
		default:
			return nil
		}
		return hinted{fmt.Errorf("%s: %w", cmd.Name(), err), "usage: " + cmd.UseLine()}
	}
}

// anyNumber is passed to [args] as the parameter to if there is no upper limit.
const anyNumber = -1
