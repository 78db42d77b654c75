// Command contentsbench measures the upload of container images from a registry through
// neco-worker's cache to sabakan: its rate, compared with that of crane and curl, and the
// memory of the worker:
//
//	contentsbench [-size MIB] [-rounds N] [-cache DIR] [-profile FILE]
//
// The registry, sabakan (the stand-in of the virtual data centre), the worker, crane and
// curl are separate processes that communicate over loopback. The worker runs the code with
// which an update uploads the images of nodes. The images contain random bytes; they are made
// once and kept in the cache.
//
// The program fails if the peak resident memory of the worker is above 100 MiB, if one of the
// two ways downloads or uploads less than the size of all blobs or over 1 % more, or if the
// worker's second upload transfers anything. After such a failure it measures nothing else. The
// worker should reach 90 % of the rate of crane and curl. Other work on the machine may prevent
// that, so the program reports the ratio and fails only below a tenth of it, 9 %.
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
const limit = time.Hour

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("the measurement is not complete within %s", limit))
	defer cancel()
	if err := dispatch(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "contentsbench:", err)
		cancel()
		os.Exit(1)
	}
}

// dispatch runs the measurement or, as one of its processes, the registry or the worker.
func dispatch(ctx context.Context, args []string) error {
	if len(args) > 0 && args[0] == registryCommand {
		return serveRegistry(ctx, args[1:])
	}
	if len(args) > 0 && args[0] == workerCommand {
		return work(ctx, args[1:])
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return err
	}
	var o options
	flags := flag.NewFlagSet("contentsbench", flag.ExitOnError)
	flags.Int64Var(&o.mib, "size", 5120, "size of all images in MiB")
	flags.IntVar(&o.rounds, "rounds", 3, "number of rounds")
	flags.IntVar(&o.atATime, "at-a-time", 2, "number of images that crane and curl process at the same time; neco-worker downloads two")
	flags.StringVar(&o.cache, "cache", cache+"/neco/contentsbench", "directory of the images and of temporary files")
	flags.StringVar(&o.profile, "profile", "", "file for a CPU profile of the worker in the last round")
	if err := flags.Parse(args); err != nil {
		return err
	}
	return run(ctx, o, os.Stdout)
}
