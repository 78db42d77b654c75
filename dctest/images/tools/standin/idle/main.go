// Idle is the process of an image whose program has no part in the virtual
// data centre: it runs until it is told to end.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	fmt.Println("idle", os.Args[1:])
	<-ctx.Done()
}
