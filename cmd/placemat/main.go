// Command placemat starts a virtual data centre on this machine, shows its status, and
// injects faults.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco/dctest/placemat"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(status(newCommand().ExecuteContext(ctx), os.Stderr))
}

// status returns the exit code of the program for err, and prints err to the writer
// words. A commandError has its own exit code and is not printed, because the command
// has printed its error. Any other error has the exit code 1.
func status(err error, words io.Writer) int {
	var of *commandError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &of):
		return of.code
	}
	fmt.Fprintf(words, "Error: %v\n", err)
	return 1
}

// commandError reports the exit code of a command that placemat exec has run on a node.
type commandError struct{ code int }

func (e *commandError) Error() string { return fmt.Sprintf("the command ended with %d", e.code) }

// program holds the values of the flags that all commands share.
type program struct{ name string }

// centre returns the data centre that the flag --name names. It fails unless the user
// is root.
func (p *program) centre(cmd *cobra.Command) (*placemat.Centre, error) {
	if os.Geteuid() != 0 {
		return nil, fmt.Errorf("placemat makes network namespaces: run it as root")
	}
	c, err := placemat.New(p.name)
	if err != nil {
		return nil, err
	}
	c.Say = func(format string, args ...any) { fmt.Fprintf(cmd.ErrOrStderr(), format+"\n", args...) }
	return c, nil
}

func newCommand() *cobra.Command {
	p := &program{}
	cmd := &cobra.Command{
		Use:           "placemat",
		Short:         "Start a virtual data centre on this machine, show its status, inject faults",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	cmd.PersistentFlags().StringVar(&p.name, "name", "dc", "name of the data centre")
	cmd.AddCommand(newUpCmd(p), newBMCCmd(p), newDownCmd(p), newStatusCmd(p), newExecCmd(p), newLogCmd(p), newGraphCmd(p))
	cmd.AddCommand(newLinkCmd(p), newCutCmd(p), newHealCmd(p), newRateCmd(p), newSilenceCmd(p))
	cmd.AddCommand(newPowerCmds(p)...)
	return cmd
}
