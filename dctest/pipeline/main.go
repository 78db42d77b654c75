// Command pipeline lists the commands of a workflow of GitHub Actions, with those of the
// workflows that it calls, or runs them in a fresh clone of this repository.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// options are the values of flags and arguments.
type options struct {
	workflow, ref string
	run           bool
}

func main() {
	var o options
	flag.BoolVar(&o.run, "run", false, "run the commands in a fresh clone of HEAD, until one fails")
	flag.StringVar(&o.ref, "ref", "", "the branch or tag on which the workflow would run (default: a tag of today)")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: pipeline [-run] [-ref REF] WORKFLOW")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}
	o.workflow = flag.Arg(0)
	if o.ref == "" {
		kind := "test-"
		if o.workflow == "release" {
			kind = "release-"
		}
		o.ref = kind + time.Now().UTC().Format("2006.01.02") + "-1"
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	err := run(ctx, ".", o, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "pipeline: %v\n", err)
		os.Exit(1)
	}
}

// run lists the commands of a workflow of the repository in root, or runs them.
func run(ctx context.Context, root string, o options, out io.Writer) error {
	all, err := commands(root, o.workflow, o.ref)
	if err != nil {
		return err
	}
	if o.run {
		return dryRun(ctx, root, all, out)
	}
	for _, c := range all {
		fmt.Fprintf(out, "%-30s %s\n", c.job, c)
	}
	return nil
}
