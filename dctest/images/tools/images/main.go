// Images builds the images and programs of the virtual data centre into a cache:
//
//	images [-v] [NAME...]
//
// It builds the items in its table with the given names, or all items, unless the cache
// has them, and writes their paths to index.json.
//
// It owns the table of items, the cache and its keys. It must not know who uses the built
// files; their users find them in the index.
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
	flag.StringVar(&o.cache, "cache", "", "directory of the results (default: ~/.cache/neco/dctest)")
	flag.BoolVar(&o.verbose, "v", false, "also list items that are unchanged")
	flag.StringVar(&o.testSet, "test-set", "", "also write the Go source of an artifact set with the versions that are built to this file")
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
