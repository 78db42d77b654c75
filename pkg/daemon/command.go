package daemon

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// RunCommand runs the command called name by run, and ends the process with exit code 1 and a
// line on standard error if run fails. SIGINT and SIGTERM end the context of run; a second
// signal ends the process at once. RunCommand blocks until run has returned.
func RunCommand(name string, run func(context.Context) error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1)
	}
}
