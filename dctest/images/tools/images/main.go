// Images builds what the virtual data centre is made of, into a cache:
//
//	images [-v] [NAME...]
//
// builds the named items of the table, or all that the cache does not have,
// and writes index.json, which says where everything is.
//
// It owns the table of what there is, the cache and its keys. It must not know
// who uses the results: they find them in the index.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	var o options
	flag.StringVar(&o.source, "source", ".", "root of the repository")
	flag.StringVar(&o.cache, "cache", "", "where to build (default: ~/.cache/neco/dctest)")
	flag.BoolVar(&o.verbose, "v", false, "name also what is there already")
	flag.StringVar(&o.testSet, "test-set", "", "also write the Go source of the artifact set of what is built to this file")
	flag.Parse()
	o.only = flag.Args()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "dctest/images/build:", err)
		stop()
		os.Exit(1)
	}
}
