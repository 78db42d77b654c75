package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco/dctest/sandbox/control"
)

// commandLine is how this program is called for a sandbox of a name.
func commandLine(name string) string {
	if name == control.DefaultName {
		return os.Args[0]
	}
	return os.Args[0] + " --name " + name
}

// hinted is an error together with what can be done about it.
type hinted struct {
	error
	hint string
}

func (h hinted) Unwrap() error { return h.error }

// hintFor says what can be done about an error; empty: nothing is known.
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

// args checks the number of arguments in our words.
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

// anyNumber of arguments is fine.
const anyNumber = -1
