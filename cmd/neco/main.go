// Command neco lets an operator inspect and control the boot servers of a data centre.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/cybozu-go/neco/pkg/cli"
	"github.com/cybozu-go/neco/pkg/daemon"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := cli.Run(ctx, cli.System(daemon.Version), os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
