// Command fleetbench measures sabakan-state-setter with a large fleet on loopback:
//
//	fleetbench [-machines N] [-rounds N] [-root DIR]
//
// etcd, sabakan (the stand-in of the virtual data centre), the fleet and sabakan-state-setter are
// separate processes. Each machine of the fleet has an address of its own in 127.64.0.0/15, at which
// it serves 100 KiB of metrics; one of twenty answers after two seconds, and one of a hundred
// does not answer. A stand-in for serf knows all machines.
//
// The program fails if a machine does not have the state that it should have, if a machine was skipped, if the
// peak resident memory of sabakan-state-setter is above 200 MiB, or if a round takes ten times as
// long as it should: the ten seconds in which a machine must answer, and five more.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// limit is how long this program may run before it fails.
const limit = 30 * time.Minute

// fleetCommand is the argument with which this program is the fleet.
const fleetCommand = "fleet"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("the measurement is not complete within %s", limit))
	defer cancel()
	if err := dispatch(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "fleetbench:", err)
		cancel()
		os.Exit(1)
	}
}

// dispatch runs the measurement or the fleet.
func dispatch(ctx context.Context, args []string) error {
	if len(args) == 2 && args[0] == fleetCommand {
		return serve(ctx, args[1], os.Stdout)
	}
	var o options
	flags := flag.NewFlagSet("fleetbench", flag.ExitOnError)
	flags.IntVar(&o.machines, "machines", 10000, "number of machines")
	flags.IntVar(&o.rounds, "rounds", 5, "number of rounds, beside the first one, in which machines become healthy")
	if err := flags.Parse(args); err != nil {
		return err
	}
	return measure(ctx, o, os.Stdout)
}
