package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/cybozu-go/neco/dctest/sandbox/control"
	"github.com/cybozu-go/neco/internal/lrn"
)

// order connects to the sandbox called name and sends the request o to it. verb is the
// command that the user has called.
func order(ctx context.Context, name, verb string, o control.Order) error {
	c, err := control.Connect(ctx, name)
	if err != nil {
		return err
	}
	return c.Do(ctx, verb, o, nil)
}

// unitName returns the name of the systemd unit for word: worker and updater are Neco's
// daemons, and a word without a suffix is a service.
func unitName(word string) string {
	switch {
	case word == "worker", word == "updater":
		return "neco-" + word + ".service"
	case strings.Contains(word, "."):
		return word
	}
	return word + ".service"
}

func newStartCommand(name *string) *cobra.Command {
	return &cobra.Command{
		Use:   "start worker|updater|UNIT LRN",
		Short: "Start a unit of a boot server that does not run",
		Args:  args(2, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			lrns, err := parseLRNs(args[1:])
			if err != nil {
				return err
			}
			return order(cmd.Context(), *name, "start", control.Order{Server: lrns[0], Unit: unitName(args[0])})
		},
	}
}

func newKillCommand(name *string) *cobra.Command {
	var signal string
	cmd := &cobra.Command{
		Use:   "kill worker|updater|UNIT LRN",
		Short: "Send a signal to a process of a boot server",
		Args:  args(2, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			sig, err := parseSignal(signal)
			if err != nil {
				return err
			}
			return kill(cmd.Context(), *name, args, sig)
		},
	}
	cmd.Flags().StringVar(&signal, "signal", "KILL", "signal to send")
	return cmd
}

func newPauseCommand(name *string) *cobra.Command {
	return &cobra.Command{
		Use:   "pause worker|updater|UNIT LRN",
		Short: "Pause a process of a boot server",
		Args:  args(2, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return kill(cmd.Context(), *name, args, syscall.SIGSTOP)
		},
	}
}

func newResumeCommand(name *string) *cobra.Command {
	return &cobra.Command{
		Use:   "resume worker|updater|UNIT LRN",
		Short: "Resume a paused process of a boot server",
		Args:  args(2, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return kill(cmd.Context(), *name, args, syscall.SIGCONT)
		},
	}
}

func kill(ctx context.Context, name string, args []string, sig syscall.Signal) error {
	lrns, err := parseLRNs(args[1:])
	if err != nil {
		return err
	}
	return order(ctx, name, "kill", control.Order{Server: lrns[0], Unit: unitName(args[0]), Signal: sig})
}

func newCutCommand(name *string) *cobra.Command {
	return &cobra.Command{
		Use:   "cut LRN...",
		Short: "Cut boot servers off from the others and from the internet",
		Args:  args(1, anyNumber),
		RunE: func(cmd *cobra.Command, args []string) error {
			lrns, err := parseLRNs(args)
			if err != nil {
				return err
			}
			return order(cmd.Context(), *name, "cut", control.Order{Servers: lrns})
		},
	}
}

func newHealCommand(name *string) *cobra.Command {
	return &cobra.Command{
		Use:   "heal",
		Short: "Connect all boot servers again",
		Args:  args(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return order(cmd.Context(), *name, "heal", control.Order{})
		},
	}
}

func newDownCommand(name *string) *cobra.Command {
	return &cobra.Command{
		Use:   "down",
		Short: "End the sandbox",
		Args:  args(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, running := control.Connect(cmd.Context(), *name)
			if err := control.Down(cmd.Context(), *name); err != nil {
				return err
			}
			text := fmt.Sprintf("sandbox %s has ended", *name)
			if running != nil {
				text = running.Error()
			}
			_, err := fmt.Fprintln(cmd.OutOrStdout(), text)
			return err
		},
	}
}

func parseLRNs(args []string) ([]int, error) {
	var lrns []int
	for _, arg := range args {
		n, err := lrn.Parse(arg)
		if err != nil {
			return nil, err
		}
		lrns = append(lrns, n)
	}
	return lrns, nil
}

func parseSignal(text string) (syscall.Signal, error) {
	if n, err := strconv.Atoi(text); err == nil && n > 0 && n < 65 {
		return syscall.Signal(n), nil
	}
	if sig := unix.SignalNum("SIG" + strings.TrimPrefix(strings.ToUpper(text), "SIG")); sig != 0 {
		return sig, nil
	}
	return 0, fmt.Errorf("there is no signal %q", text)
}
