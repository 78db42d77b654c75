// Sabactl is the command of sabakan, with its commands, flags and exit codes: 2 for a
// wrong command line, 4 and 5 for a response with a status 4xx and 5xx, 14 if something
// is not found, 19 for a conflict, and 1 for other errors. It lacks the command "logs"
// and all output formats but JSON, and accepts ignition templates only with --json.
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
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "sabactl:", err)
		os.Exit(exitCode(err))
	}
}

// usageError is an error in the command line.
type usageError struct{ error }

// exitCode returns the exit code of the program for err.
func exitCode(err error) int {
	var usage usageError
	var answer answerError
	switch {
	case errors.As(err, &usage):
		return 2
	case errors.As(err, &answer):
		return answer.exitCode()
	}
	return 1
}

func run(ctx context.Context, args []string, out io.Writer) error {
	c := &client{out: out}
	root := group("sabactl", machines(c), config(c, "ipam"), config(c, "dhcp"), images(c), assets(c), ignitions(c), kernelParams(c), crypts(c), version(c))
	root.PersistentFlags().StringVar(&c.server, "server", "http://127.0.0.1:10080", "URL of sabakan")
	root.CompletionOptions.DisableDefaultCmd = true
	root.AddCommand(command("completion", 0, func(*cobra.Command, []string) error { return root.GenBashCompletion(out) }))
	root.SilenceErrors, root.SilenceUsage = true, true
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.SetArgs(args)
	root.SetOut(out)
	return root.ExecuteContext(ctx)
}

// group returns a command that only has subcommands.
func group(use string, commands ...*cobra.Command) *cobra.Command {
	g := &cobra.Command{Use: use, RunE: func(cmd *cobra.Command, args []string) error {
		return usageError{fmt.Errorf("%s: want a command, see --help", cmd.CommandPath())}
	}}
	g.Args = cobra.ArbitraryArgs
	g.AddCommand(commands...)
	return g
}

// command returns a command that requires exactly n arguments.
func command(use string, n int, run func(cmd *cobra.Command, args []string) error) *cobra.Command {
	return &cobra.Command{Use: use, RunE: run, Args: func(cmd *cobra.Command, args []string) error {
		if len(args) != n {
			return usageError{fmt.Errorf("usage: %s", cmd.UseLine())}
		}
		return nil
	}}
}
